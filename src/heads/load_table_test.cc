#include "heads/load_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <limits>
#include <string>
#include <vector>

#include "base/error.h"

namespace qk::load_table_test {
namespace {

using testing::HasSubstr;

HeadTable load(const std::vector<std::string>& names) {
  std::vector<std::filesystem::path> files;
  for (const std::string& name : names) {
    files.push_back(std::string(QK_TEST_DATA) + "/dataset/columns/" + name + ".parquet");
  }
  HeadRowReader reader(files);
  return load_table(reader, "head", {.max_rows = 100, .seed = seed_words(0)});
}

// Of id_uint64.parquet: 2^63 + 5 twice, 1, 2^64 - 1 twice, 1.
TEST(LoadTable, LargeIdsKeepTheirOrder) {
  const HeadTable table = load({"id_uint64"});
  constexpr int64_t kLowest = std::numeric_limits<int64_t>::min();
  constexpr int64_t kHighest = std::numeric_limits<int64_t>::max();
  EXPECT_TRUE(table.has_large_ids);
  EXPECT_EQ(table.example_ids,
            (std::vector<int64_t>{5, 5, kLowest + 1, kHighest, kHighest, kLowest + 1}));
  EXPECT_FALSE(load({"id_above_2_53"}).has_large_ids);
}

TEST(LoadTable, LargeIdsAndNegativeOnesAreNotMixed) {
  EXPECT_THAT([] { load({"id_uint64", "id_decimal_scale"}); },
              testing::ThrowsMessage<Error>(
                  HasSubstr("head: column example_id: expected ids below 2^63, or none below 0")));
}

// The row of position 2^53 is the first of the file.
TEST(LoadTable, PositionsAreExactUpToTheLargest) {
  EXPECT_EQ(load({"position_2_53"}).positions[0], int64_t{1} << 53);
  EXPECT_EQ(load({"position_2_53"}).positions[1], (int64_t{1} << 53) - 1);
}

TEST(LoadTable, PositionsOutOfRangeAreRefused) {
  EXPECT_THAT([] { load({"position_2_53_and_1"}); },
              testing::ThrowsMessage<Error>(
                  HasSubstr("head: column position: expected 0 to 2^53, found 9007199254740993")));
  EXPECT_THAT([] { load({"position_negative"}); },
              testing::ThrowsMessage<Error>(
                  HasSubstr("head: column position: expected 0 to 2^53, found -1")));
}

}  // namespace
}  // namespace qk::load_table_test
