#include "heads/head_table.h"

#include <gtest/gtest.h>

namespace qk {
namespace {

HeadTable three_rows() {
  HeadTable out;
  out.head_dim = 2;
  out.positions = {5, 6, 7};
  out.buckets = {0, 0, 1};
  out.example_ids = {10, 11, 12};
  out.vectors = {1, 2, 3, 4, 5, 6};
  out.window = 9;
  return out;
}

TEST(HeadTable, OrientsComponents) {
  HeadTable table = three_rows();
  orient(table, std::vector<float>{-1, 1});
  EXPECT_EQ(table.vectors, (std::vector<float>{-1, 2, -3, 4, -5, 6}));
}

TEST(HeadTable, TakesRowsInAnyOrderAndMoreThanOnce) {
  const HeadTable table = take_rows(three_rows(), std::vector<int64_t>{2, 0, 2});
  EXPECT_EQ(table.head_dim, 2);
  EXPECT_EQ(table.positions, (std::vector<int64_t>{7, 5, 7}));
  EXPECT_EQ(table.buckets, (std::vector<int64_t>{1, 0, 1}));
  EXPECT_EQ(table.example_ids, (std::vector<int64_t>{12, 10, 12}));
  EXPECT_EQ(table.vectors, (std::vector<float>{5, 6, 1, 2, 5, 6}));
  EXPECT_EQ(table.window, 9);
}

TEST(HeadTable, OriginOfPositionsIsNearThem) {
  HeadTable table = three_rows();
  constexpr int64_t kFar = int64_t{1} << 20;
  const auto origin = [&](const std::vector<int64_t>& positions) {
    table.positions = positions;
    return position_origin(table);
  };
  EXPECT_EQ(origin({5, 6, 7}), 0);
  EXPECT_EQ(origin({3 * kFar, 2 * kFar, kFar - 1}), 0);
  EXPECT_EQ(origin({kFar, kFar, kFar}), kFar);
  EXPECT_EQ(origin({3 * kFar + 7, 3 * kFar + 9, 3 * kFar + 10}), 3 * kFar + 4);  // multiple of 4
  EXPECT_EQ(origin({3 * kFar, kFar, kFar}), 0);                                  // of 2^22
  constexpr int64_t kLargest = int64_t{1} << 53;
  EXPECT_EQ(origin({kLargest, kLargest - 1, kLargest}), kLargest - 2);
  EXPECT_EQ(position_origin(three_rows(), table), 0);
  EXPECT_EQ(position_origin(table, table), kLargest - 2);
}

TEST(HeadTable, TakesRowsWithoutExampleIds) {
  HeadTable table = three_rows();
  table.example_ids.clear();
  EXPECT_TRUE(take_rows(table, std::vector<int64_t>{1}).example_ids.empty());
}

}  // namespace
}  // namespace qk
