#include "report/replicate_table.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <limits>
#include <string>
#include <vector>

#include "base/atomic_file.h"
#include "base/error.h"
#include "base/test_folder.h"

namespace qk::replicate_table_test {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
const ErrorBarOptions kJackknife{.kind = ErrorBars::kJackknife};

MetricInterval interval(const char* metric, const char* method, double estimate,
                        std::vector<double> replicates) {
  MetricInterval out;
  out.metric = metric;
  out.method = method;
  out.estimate = estimate;
  out.size.effective_documents = 2.5;
  out.replicates = std::move(replicates);
  return out;
}

HeadMetrics head(int64_t layer, int64_t q_head, std::vector<int64_t> documents,
                 std::vector<MetricInterval> intervals) {
  HeadMetrics out;
  out.layer = layer;
  out.q_head = q_head;
  out.k_head = q_head / 2;
  out.document_ids = std::move(documents);
  out.intervals = std::move(intervals);
  return out;
}

std::vector<HeadMetrics> heads() {
  return {head(0, 3, {-7, 4, 9},
               {interval("q_R2_pos", "bucket", 0.1, {0.1, 0.2, kNone}),
                interval("ap_overall", "linear", 0.5, {0.4, 0.5, 0.6})}),
          head(1, 0, {4, 9}, {interval("q_R2_pos", "bucket", kNone, {0.7, 0.8})}),
          head(1, 1, {-7, 4, 9},
               {interval("q_R2_pos", "bucket", 0.3, {1, 2, 3}),
                interval("ap_overall", "bucket", 0.3, {})})};
}

fs::path write(const fs::path& path, const ErrorBarOptions& options) {
  ReplicateTable table(path, options, 11);
  for (const HeadMetrics& one : heads()) table.add(one);
  table.flush();
  EXPECT_FALSE(fs::exists(path));
  table.finish();
  return path;
}

TEST(ReplicateTable, ReadsWhatItWrote) {
  const TestFolder folder;
  const Replicates read = read_replicates(write(folder.path() / "new/r.parquet", kJackknife));
  EXPECT_EQ(read.kind, ErrorBars::kJackknife);
  EXPECT_EQ(read.seed, 11);
  EXPECT_EQ(read.document_sets, (std::vector<std::vector<int64_t>>{{-7, 4, 9}, {4, 9}}));
  ASSERT_EQ(read.rows.size(), 4U);  // without replicates there is no row
  const ReplicateRow& first = read.rows.at({0, 3, "bucket", "q_R2_pos"});
  EXPECT_EQ(first.estimate, 0.1);
  EXPECT_EQ(first.effective_documents, 2.5);
  EXPECT_EQ(first.document_set, 0U);
  ASSERT_EQ(first.values.size(), 3U);
  EXPECT_EQ(first.values[1], 0.2);
  EXPECT_TRUE(std::isnan(first.values[2]));
  EXPECT_EQ(read.rows.at({0, 3, "linear", "ap_overall"}).values,
            (std::vector<double>{0.4, 0.5, 0.6}));
  EXPECT_EQ(read.rows.at({1, 0, "bucket", "q_R2_pos"}).document_set, 1U);
  EXPECT_TRUE(std::isnan(read.rows.at({1, 0, "bucket", "q_R2_pos"}).estimate));
  EXPECT_EQ(read.rows.at({1, 1, "bucket", "q_R2_pos"}).document_set, 0U);
}

TEST(ReplicateTable, EqualHeadsGiveEqualBytes) {
  const TestFolder folder;
  const ErrorBarOptions bootstrap{.kind = ErrorBars::kBootstrap, .replicates = 3};
  const fs::path a = write(folder.path() / "a.parquet", bootstrap);
  const fs::path b = write(folder.path() / "b.parquet", bootstrap);
  EXPECT_EQ(read_file(a), read_file(b));
  EXPECT_EQ(read_replicates(a).kind, ErrorBars::kBootstrap);
}

TEST(ReplicateTable, WithoutRowsThereIsNoFile) {
  const TestFolder folder;
  const fs::path path = folder.path() / "r.parquet";
  {
    ReplicateTable table(path, kJackknife, 0);
    table.add(head(0, 0, {}, {interval("ap_overall", "bucket", 0.3, {})}));
    EXPECT_FALSE(table.has_rows());
    table.flush();
    table.finish();
  }
  EXPECT_TRUE(fs::is_empty(folder.path()));
}

// The estimates and values of all rows, in order.
std::string numbers_of(const Replicates& table) {
  std::string out;
  for (const auto& [key, row] : table.rows) {
    out += fmt::format("{} {}; ", row.estimate, fmt::join(row.values, " "));
  }
  return out;
}

TEST(ReplicateTable, DamagedPagesGiveNoOtherNumbers) {
  const TestFolder folder;
  const fs::path path = write(folder.path() / "r.parquet", kJackknife);
  const std::string whole = read_file(path);
  const std::string numbers = numbers_of(read_replicates(path));
  uint32_t footer = 0;
  std::memcpy(&footer, whole.data() + whole.size() - 8, 4);
  int64_t refused = 0;
  for (size_t at = 4; at < whole.size() - 8 - footer; at += 3) {
    std::string bytes = whole;
    bytes[at] = static_cast<char>(bytes[at] ^ 1);
    write_file(path, bytes);
    try {
      EXPECT_EQ(numbers_of(read_replicates(path)), numbers) << at;
    } catch (const Error&) {
      ++refused;
    }
  }
  EXPECT_GT(refused, 100);
}

TEST(ReplicateTable, OtherFilesAreRefused) {
  const TestFolder folder;
  const fs::path path = folder.path() / "r.parquet";
  write_file(path, "layer,q_head\n");
  EXPECT_THAT([&] { read_replicates(path); },
              testing::ThrowsMessage<Error>(HasSubstr(path.string() + ": ")));
  const std::string columns = std::string(QK_TEST_DATA) + "/dataset/columns/id_uint64.parquet";
  EXPECT_THAT([&] { read_replicates(columns); },
              testing::ThrowsMessage<Error>(
                  HasSubstr("is not a table of replicates: its footer has no qkscope.replicates")));
  write(folder.path() / "whole.parquet", kJackknife);
  const std::string bytes = read_file(folder.path() / "whole.parquet");
  write_file(path, bytes.substr(0, bytes.size() / 2));
  EXPECT_THROW(read_replicates(path), Error);
}

}  // namespace
}  // namespace qk::replicate_table_test
