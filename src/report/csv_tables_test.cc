#include "report/csv_tables.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <sstream>
#include <vector>

#include "base/error.h"
#include "heads/test_tables.h"
#include "plasticity/measure_head.h"

namespace qk {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

std::vector<std::string> split(const std::string& text, char separator) {
  std::vector<std::string> out;
  std::istringstream stream(text);
  for (std::string part; std::getline(stream, part, separator);) out.push_back(part);
  return out;
}

// Whole files of the original: text, but for the last digits of the numbers.
void expect_same_table(const std::string& found, const std::string& expected) {
  const auto lines = split(found, '\n');
  const auto expected_lines = split(expected, '\n');
  ASSERT_EQ(lines.size(), expected_lines.size());
  EXPECT_EQ(lines[0], expected_lines[0]);
  for (size_t i = 1; i < lines.size(); ++i) {
    const auto cells = split(lines[i] + ",.", ',');
    const auto expected_cells = split(expected_lines[i] + ",.", ',');
    ASSERT_EQ(cells.size(), expected_cells.size()) << lines[i];
    for (size_t j = 0; j + 1 < cells.size(); ++j) {
      const bool is_real = expected_cells[j].find_first_of(".e") != std::string::npos;
      if (!is_real) {
        EXPECT_EQ(cells[j], expected_cells[j]) << lines[i];
        continue;
      }
      const double number = std::stod(expected_cells[j]);
      EXPECT_NEAR(std::stod(cells[j]), number, 1e-9 * std::max(1.0, std::abs(number))) << lines[i];
    }
  }
}

class CsvTablesTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ =
        fs::temp_directory_path() / (std::string("qk_csv_tables_") +
                                     testing::UnitTest::GetInstance()->current_test_info()->name());
    fs::remove_all(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }

  std::vector<TablePath> paths() const {
    return {{"heads", folder_ / "a/head_metrics.csv"},
            {"buckets", folder_ / "b/head_bucket_plasticity.csv"},
            {"components", folder_ / "head_component_weights.csv"}};
  }
  fs::path heads() const { return paths()[0].path; }
  fs::path buckets() const { return paths()[1].path; }
  fs::path folder_;
};

TEST_F(CsvTablesTest, WritesTheOriginalsFiles) {
  const Json inputs = load_vectors("plasticity/analysis_csv/inputs.json");
  MeasureOptions options;
  options.compat_reference = true;
  options.methods = {"linear"};
  options.seed = inputs["config"]["seed"];
  const int64_t max_rows = inputs["config"]["max_tokens_per_head"];
  options.normality_max_dims = inputs["config"]["normality_max_dims"];
  CsvTables tables(paths());
  for (int64_t layer = 0; layer < 2; ++layer) {
    for (int64_t q_head = 0; q_head < 4; ++q_head) {
      const std::string q_name = fmt::format("l{:02}h{:02}q", layer, q_head);
      if (!inputs["tables"].contains(q_name)) continue;
      HeadTable queries = table_of(inputs["tables"][q_name]);
      HeadTable keys = table_of(inputs["tables"][fmt::format("l{:02}h{:02}k", layer, q_head / 2)]);
      if (queries.head_dim != keys.head_dim) continue;
      orient_and_sample(queries, keys, max_rows, options.seed);
      tables.add(measure_head(options, {layer, q_head, q_head / 2}, queries, keys, KeyGroups(keys),
                              BucketRanges::observed(queries, keys)));
    }
  }
  EXPECT_FALSE(fs::exists(heads()));
  tables.flush();
  tables.finish();
  const std::string folder = std::string(QK_TEST_DATA) + "/plasticity/analysis_csv/";
  for (const auto& [record, path] : paths()) {
    expect_same_table(read_file(path), read_file(folder + path.filename().string()));
  }
}

TEST_F(CsvTablesTest, ATableWithoutRowsIsNotWritten) {
  {
    CsvTables tables(paths());
    HeadMetrics head;
    head.component_r2 = {0.5};
    head.component_weight = {1};
    tables.add(head);
    tables.flush();
    tables.finish();
    EXPECT_FALSE(tables.tables()[1]->has_rows());
    using testing::Pair;
    EXPECT_THAT(tables.row_counts(),
                testing::ElementsAre(Pair("heads", 1), Pair("buckets", 0), Pair("components", 1)));
  }
  EXPECT_TRUE(fs::exists(heads()));
  EXPECT_FALSE(fs::exists(buckets()));
  EXPECT_TRUE(fs::is_empty(folder_ / "b"));
}

// More than the buffer holds.
TEST_F(CsvTablesTest, EveryRowIsWrittenOnceAndInOrder) {
  constexpr int64_t kHeads = 30000;
  CsvTables tables(paths());
  for (int64_t i = 0; i < kHeads; ++i) {
    HeadMetrics head;
    head.layer = i;
    head.buckets = {{3, 1, 0.5}};
    tables.add(head);
  }
  tables.flush();
  tables.finish();
  std::string expected = "layer,q_head,k_head,q_bucket,k_bucket,ap_bucket\n";
  for (int64_t i = 0; i < kHeads; ++i) expected += fmt::format("{},0,0,3,1,0.5\n", i);
  EXPECT_EQ(read_file(buckets()), expected);
  EXPECT_GT(expected.size(), size_t{1} << 18);
}

TEST_F(CsvTablesTest, SaysWhyAFolderCannotBeMade) {
  fs::create_directories(folder_);
  write_file(folder_ / "file", "x");
  std::vector<TablePath> bad = paths();
  bad[1].path = folder_ / "file/b.csv";
  EXPECT_THROW(CsvTables{bad}, Error);
  for (const fs::path& folder : {folder_, folder_ / "new/"}) {  // not the names of files
    bad[1].path = folder;
    EXPECT_THROW(CsvTables{bad}, Error) << folder;
  }
}

}  // namespace
}  // namespace qk
