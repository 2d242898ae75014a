#include "dataset/thrift_compact.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "base/test_error.h"

namespace qk {
namespace thrift_compact_test {

using testing::ElementsAre;

// A field of type i32 with this id in full (zigzag), and the value 1.
std::string field_with_id(const std::string& id) { return "\x05" + id + "\x02"; }

TEST(ThriftCompact, IdsAreOfTwoBytes) {
  const std::string highest = field_with_id("\xFE\xFF\x03");  // 32,767
  EXPECT_EQ(ThriftStruct(highest + std::string(1, '\0')).integer(32767), 1);
  EXPECT_EQ(error_of([&] { ThriftStruct(highest + "\x15\x02" + std::string(1, '\0')); }),
            "has a field with the id 32768");
  const std::string largest = field_with_id("\xFE\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01");
  EXPECT_EQ(error_of([&] { ThriftStruct(largest + "\x15\x02" + std::string(1, '\0')); }),
            "has a field with the id 9223372036854775807");
}

TEST(ThriftCompact, ListsAreOfStructs) {
  const std::string end(1, '\0');
  const std::string list = "\x19\x1C" + field_with_id("\x02") + end + end;
  const ThriftStruct structs(list);
  EXPECT_THAT(structs.list(1), ElementsAre(field_with_id("\x02") + end));
  EXPECT_THAT(ThriftStruct("\x19" + end + end).list(1), testing::IsEmpty());  // of any type
  const std::string integers = "\x19\x25\x02\x04" + end;
  const ThriftStruct numbers(integers);
  EXPECT_EQ(error_of([&] { numbers.list(1); }), "field 1 is no list of structs");
  EXPECT_EQ(error_of([&] { numbers.integer(1); }), "field 1 is no integer");
}

}  // namespace thrift_compact_test
}  // namespace qk
