#include "dataset/example_ids.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>

namespace qk::example_ids_test {
namespace {

TEST(ExampleIds, TextAndNumberAreInverse) {
  for (const char* text : {"0", "-1", "9223372036854775807", "-9223372036854775808",
                           "9223372036854775808", "18446744073709551615"}) {
    const auto id = parse_example_id(text);
    ASSERT_TRUE(id) << text;
    EXPECT_EQ(id_text(*id), text);
  }
  EXPECT_EQ(*parse_example_id("18446744073709551615"), (ExampleId{-1, true}));
  EXPECT_NE(*parse_example_id("18446744073709551615"), *parse_example_id("-1"));
}

// Names of documents, not numbers: what no example_id is written as.
TEST(ExampleIds, OtherTextsAreNoNumbers) {
  for (const char* text : {"", "007", "-0", "+7", " 7", "7 ", "7.0", "1e3", "0x7", "doc-7",
                           "18446744073709551616", "-9223372036854775809"}) {
    EXPECT_FALSE(parse_example_id(text)) << text;
  }
}

}  // namespace
}  // namespace qk::example_ids_test
