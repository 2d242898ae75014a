#include "dataset/row_digest.h"

#include <gtest/gtest.h>

#include <array>
#include <set>

namespace qk {
namespace {

using Row = std::array<int64_t, 3>;

uint64_t digest_of(const std::vector<Row>& rows) {
  RowDigest digest;
  for (const auto& [bucket, example_id, position] : rows) digest.add(bucket, example_id, position);
  return digest.value();
}

TEST(RowDigest, EveryNumberAndTheOrderCount) {
  for (const size_t num_rows : {size_t{3}, size_t{4096}, size_t{4097}, size_t{9000}}) {
    std::vector<Row> rows;
    for (size_t row = 0; row < num_rows; ++row) {
      const auto number = static_cast<int64_t>(row);
      rows.push_back({number % 7, 5'000'000'000 + number, number * 3});
    }
    std::set<uint64_t> digests = {digest_of(rows)};
    EXPECT_EQ(digest_of(rows), *digests.begin());
    size_t num_changes = 1;
    for (const size_t row : {size_t{0}, num_rows / 2, num_rows - 1}) {
      for (size_t column = 0; column < 3; ++column) {
        std::vector<Row> changed = rows;
        ++changed[row][column];
        digests.insert(digest_of(changed));
        ++num_changes;
      }
    }
    std::vector<Row> swapped = rows;
    std::swap(swapped.front(), swapped.back());
    digests.insert(digest_of(swapped));
    rows.pop_back();
    digests.insert(digest_of(rows));
    EXPECT_EQ(digests.size(), num_changes + 2) << num_rows;
  }
}

}  // namespace
}  // namespace qk
