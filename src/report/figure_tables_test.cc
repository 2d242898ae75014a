#include "report/figure_tables.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <functional>

#include "base/atomic_file.h"
#include "base/error.h"

namespace qk {
namespace {

using testing::StartsWith;

class FigureTables : public testing::Test {
 protected:
  void TearDown() override { std::filesystem::remove(path_); }

  const std::filesystem::path& write(std::string_view text) {
    write_file(path_, text);
    return path_;
  }

  std::string refusal(std::string_view text,
                      const std::function<void(const std::filesystem::path&)>& read) {
    write(text);
    try {
      read(path_);
    } catch (const Error& error) {
      std::string sentence = error.what();
      const size_t at = sentence.find(path_.string());
      if (at != std::string::npos) sentence.replace(at, path_.string().size(), "T");
      return sentence;
    }
    return "nothing was refused";
  }

  std::string refused_buckets(std::string_view text) {
    return refusal(text, [](const auto& path) { read_head_bucket_rows(path); });
  }

  std::filesystem::path path_ = std::filesystem::temp_directory_path() /
                                ("qk_figure_tables_" + std::to_string(getpid()) + ".csv");
};

constexpr const char* kHeader = "layer,q_head,k_head,q_bucket,k_bucket,ap_bucket\n";

TEST_F(FigureTables, ReadsWhatPandasReads) {
  // A byte order mark, Windows line ends, quotes, integers as floats, an empty line, other columns.
  const auto rows = read_head_bucket_rows(
      write("\xEF\xBB\xBFnote,layer,q_head,k_head,q_bucket,k_bucket,ap_bucket\r\n"
            "\"a, b\",1,2.0,\"0\",7,3,0.25\r\n\r\n"
            "x,0,0,0,2,1,\r\n"
            "x,0,0,0,2,0,nan\r\n"
            "x,0,0,0,-1,0,1e-3\r\n"));
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[0].head, (HeadId{1, 2, 0}));
  EXPECT_EQ(rows[0].q_bucket, 7);
  EXPECT_EQ(rows[0].plasticity, 0.25);
  EXPECT_EQ(rows[1].q_bucket, -1);
  EXPECT_EQ(rows[1].plasticity, 0.001);
}

TEST_F(FigureTables, ReadsTheOlderColumns) {
  const auto rows = read_head_bucket_rows(
      write("layer,q_head,k_head,bucket,ap_bucket\n3,4,1,9,0.5\n3,4,1,10,\n"));
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_EQ(rows[0].head, (HeadId{3, 4, 1}));
  EXPECT_EQ(rows[0].q_bucket, 9);
}

TEST_F(FigureTables, ALineWithoutALineEnd) {
  EXPECT_EQ(read_component_rows(write("component,component_weight\n0,0.5\n1,0.25")).size(), 2u);
}

TEST_F(FigureTables, MissingColumns) {
  EXPECT_EQ(refused_buckets("layer,q_head,q_bucket,ap\n0,0,0,0\n"),
            "T: has no column k_head, k_bucket, ap_bucket (it has layer, q_head, q_bucket, ap)");
  EXPECT_EQ(refusal("q_bucket,ap_bucket\n1,1\n", [](const auto& p) { read_bucket_pair_rows(p); }),
            "T: has no column k_bucket (it has q_bucket, ap_bucket)");
  EXPECT_EQ(refusal("component\n1\n", [](const auto& p) { read_component_rows(p); }),
            "T: has no column component_weight (it has component)");
}

TEST_F(FigureTables, NoValues) {
  const std::string sentence = "T: column ap_bucket has no value: there is nothing to draw";
  EXPECT_EQ(refused_buckets(kHeader), sentence);
  EXPECT_EQ(refused_buckets(std::string(kHeader) + "0,0,0,1,0,\n0,0,0,2,0,NaN\n"), sentence);
}

TEST_F(FigureTables, DamagedFiles) {
  EXPECT_EQ(refused_buckets(""), "T: is empty");
  EXPECT_THAT(
      refused_buckets(std::string(kHeader) + "0,0,0,1,0,0.5\n0,0,0,2,0,1,9\n"),
      StartsWith("T: is not a CSV table: CSV parse error: Row #3: Expected 6 columns, got 7"));
  EXPECT_EQ(refused_buckets(std::string(kHeader) + "0,0,0,1,0,half\n"),
            "T: row 1: ap_bucket: expected a number, found 'half'");
  EXPECT_EQ(refused_buckets(std::string(kHeader) + "0,0,0,1,0,0.5\n0,0,0,1.5,0,0.5\n"),
            "T: row 2: q_bucket: expected an integer, found 1.5");
  EXPECT_EQ(refused_buckets(std::string(kHeader) + "0,,0,1,0,0.5\n"),
            "T: row 1: q_head: expected an integer, found nothing");
  EXPECT_EQ(refused_buckets(std::string(kHeader) + "0,0,0,1,0,inf\n"),
            "T: row 1: ap_bucket: expected a finite number, found inf");
  EXPECT_EQ(
      refused_buckets("layer,layer,q_head,k_head,q_bucket,k_bucket,ap_bucket\n0,0,0,0,1,0,1\n"),
      "T: column layer occurs twice");
}

TEST_F(FigureTables, NoFile) {
  EXPECT_THROW(read_component_rows("/nonexistent/components.csv"), Error);
}

TEST(Aggregate, MeanAndMedian) {
  EXPECT_EQ(aggregate({3, 1, 2}, Aggregate::kMedian), 2);
  EXPECT_EQ(aggregate({4, 1, 2, 9}, Aggregate::kMedian), 3);
  EXPECT_EQ(aggregate({4, 1, 2, 9}, Aggregate::kMean), 4);
  EXPECT_EQ(aggregate({5}, Aggregate::kMedian), 5);
}

}  // namespace
}  // namespace qk
