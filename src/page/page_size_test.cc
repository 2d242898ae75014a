#include "page/page_size.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "base/test_error.h"
#include "page/test_page.h"

namespace qk {
namespace page_size_test {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr size_t kRows = 20;
constexpr size_t kPoints = 200;

std::vector<double> noise(size_t count) {
  std::mt19937 random(1);
  std::vector<double> out;
  for (size_t i = 0; i < count; ++i) out.push_back(static_cast<double>(random()) / 1e9);
  return out;
}

Table details(size_t num_rows, size_t num_buckets) {
  Table out{.num_rows = num_rows, .columns = {}};
  std::vector<double> buckets;
  for (size_t i = 0; i < num_rows; ++i) buckets.push_back(static_cast<double>(i % num_buckets));
  out.columns.emplace_back("q_bucket", number_column(buckets));
  const auto values = noise(4 * num_rows);
  size_t at = 0;
  for (const char* name : {"ap_bucket", "ci_low", "ci_high", "std_error"}) {
    out.columns.emplace_back(name, float_column(std::span(values).subspan(at, num_rows)));
    at += num_rows;
  }
  return out;
}

NamedTables points() {
  std::mt19937 random(2);
  std::vector<int16_t> items(kRows * 2 * kPoints);
  for (int16_t& item : items) item = static_cast<int16_t>(random());
  std::vector<uint32_t> positions(2 * kPoints);
  for (size_t i = 0; i < positions.size(); ++i) positions[i] = static_cast<uint32_t>(i % kPoints);
  Table heads{.num_rows = kRows, .columns = {}};
  heads.columns.emplace_back("q_beta", item_column<int16_t>(ItemType::kI16, 2 * kPoints, items));
  heads.columns.emplace_back("scale_beta", float_column(noise(kRows)));
  Table rows{.num_rows = 2, .columns = {}};
  rows.columns.emplace_back("position", item_column<uint32_t>(ItemType::kU32, kPoints, positions));
  return {{"0/points", heads}, {"0/rows", rows}};
}

PageData page_data(size_t num_buckets = 16) {
  return {.directory = {{"format", 1}, {"notes", nullptr}},
          .tables = {{"0/details", details(400, num_buckets)}},
          .points = points(),
          .notes = {}};
}

ReadContainer read(const std::string& base64) {
  const std::string packed = arrow::util::base64_decode(base64);
  return ReadContainer(unpack_text(std::as_bytes(std::span(packed)), "t"));
}

int64_t size_of_all() {
  const PackedData all = pack_within(page_data(), 1 << 30);
  return std::ssize(all.tables) + std::ssize(all.points);
}

TEST(PageSize, NothingIsLeftOutBelowTheLimit) {
  const PackedData packed = pack_within(page_data(), size_of_all());
  EXPECT_THAT(packed.notes, IsEmpty());
  EXPECT_EQ(read(packed.points).entry("0/points", "q_beta")["width"], 2 * kPoints);
  EXPECT_EQ(read(packed.points).json["format"], 1);
  EXPECT_THAT(read(packed.tables).json["notes"], IsEmpty());
}

// So many that their size is estimated from a part of them, and of 2^16 rows.
TEST(PageSize, MuchDataThatFitAreWhole) {
  constexpr size_t kMany = 65'536;
  Table table = details(kMany, 16);
  table.columns.emplace(table.columns.begin(), "k_bucket", details(kMany, 7).columns[0].second);
  PageData data = page_data();
  data.tables = {{"0/details", table}};
  const PackedData all = pack_within(data, 1 << 30);
  const int64_t limit = std::ssize(all.tables) + std::ssize(all.points);
  EXPECT_THAT(pack_within(data, limit).notes, IsEmpty());
}

TEST(PageSize, PointsAreThinnedFirst) {
  const int64_t limit = size_of_all() - 4000;
  const PackedData packed = pack_within(page_data(), limit);
  EXPECT_LE(std::ssize(packed.tables) + std::ssize(packed.points), limit);
  ASSERT_EQ(packed.notes.size(), 1u);
  const ReadContainer rows = read(packed.points);
  const size_t left = rows.entry("0/rows", "position")["width"];
  EXPECT_LT(left, kPoints);
  EXPECT_GT(left, kPoints * 3 / 4);
  EXPECT_EQ(rows.entry("0/points", "q_beta")["width"], 2 * left);
  EXPECT_FALSE(rows.entry("0/points", "scale_beta").contains("width"));
  EXPECT_THAT(packed.notes[0], HasSubstr(fmt::format("Of the {} sampled queries and keys of a head "
                                                     "{} are shown",
                                                     kPoints, left)));
  EXPECT_EQ(read(packed.tables).json["notes"][0], packed.notes[0]);
  EXPECT_TRUE(read(packed.tables).json["tables"]["0/details"]["columns"].contains("ci_low"));
}

TEST(PageSize, ThinnedPointsStayWithTheirRows) {
  NamedTables all = points();
  thin_points(all, 100);
  const ReadContainer data(container({}, all));
  const auto positions = data.numbers("0/rows", "position");
  const auto thinned = data.numbers("0/points", "q_beta");
  const ReadContainer before(container({}, points()));
  const auto whole = before.numbers("0/points", "q_beta");
  ASSERT_EQ(positions.size(), 200u);
  for (size_t i = 0; i < 100; ++i) {
    const auto from = static_cast<size_t>(positions[i]);
    EXPECT_EQ(from, i);
    EXPECT_EQ(thinned[200 + 2 * i], whole[2 * kPoints + 2 * from]);          // x of the second head
    EXPECT_EQ(thinned[200 + 2 * i + 1], whole[2 * kPoints + 2 * from + 1]);  // y
  }
}

TEST(PageSize, ThenIntervalsOfCells) {
  PageData data = page_data();
  thin_points(data.points, kFewestPoints);
  const PackedData thin = pack_within(data, 1 << 30);
  const int64_t limit = std::ssize(thin.tables) + std::ssize(thin.points) - 500;
  const PackedData packed = pack_within(page_data(), limit);
  EXPECT_LE(std::ssize(packed.tables) + std::ssize(packed.points), limit);
  ASSERT_EQ(packed.notes.size(), 2u);
  EXPECT_THAT(packed.notes[1], testing::StartsWith("The intervals of single cells were left out"));
  // What the intervals took, more points have.
  EXPECT_GT(read(packed.points).entry("0/rows", "position")["width"], kFewestPoints + 10);
  EXPECT_GT(std::ssize(packed.tables) + std::ssize(packed.points), limit * 9 / 10);
  const auto columns = read(packed.tables).json["tables"]["0/details"]["columns"];
  EXPECT_TRUE(columns.contains("ap_bucket"));
  EXPECT_FALSE(columns.contains("ci_low") || columns.contains("std_error"));
}

TEST(PageSize, ThenAnError) {
  EXPECT_THAT(error_of([] { pack_within(page_data(), 4000); }), HasSubstr("--heads"));
  EXPECT_THAT(error_of([] { pack_within(page_data(), -5); }), HasSubstr("--max-size"));
}

TEST(PageSize, ManyBucketsHaveNoIntervals) {
  EXPECT_THAT(pack_within(page_data(32), 1 << 30).notes, IsEmpty());
  const PackedData packed = pack_within(page_data(33), 1 << 30);
  EXPECT_THAT(packed.notes, ElementsAre(HasSubstr("more than 32 query buckets")));
}

TEST(PageSize, WithoutPoints) {
  PageData data = page_data();
  data.points.clear();
  EXPECT_EQ(pack_within(data, 1 << 20).points, "");
  EXPECT_THAT(error_of([&] { pack_within(data, 1000); }), HasSubstr("--heads"));
}

}  // namespace page_size_test
}  // namespace qk
