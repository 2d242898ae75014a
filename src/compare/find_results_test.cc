#include "compare/find_results.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/test_error.h"
#include "compare/analysis_results.h"

namespace qk::find_results_test {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr const char* kHeads =
    "layer,q_head,k_head,d_model,ap_overall\n0,0,0,8,0.5\n0,1,0,8,0.25\n";
constexpr const char* kRecord =
    R"({"program": "qkscope", "tables": {"heads": "head_metrics.csv"}, "heads": {"measured": 2}})";

class FindResults : public testing::Test {
 protected:
  std::string fault() const {
    return error_of([&] { read_results(folder_.path(), {}); });
  }
  TestFolder folder_;
};

TEST_F(FindResults, TablesOfTheOriginalHaveNoRecord) {
  folder_.write("head_metrics.csv", kHeads);
  EXPECT_FALSE(find_results(folder_.path()).record);
  EXPECT_EQ(read_results(folder_.path(), {}).heads.size(), 2U);
}

TEST_F(FindResults, ADamagedRecordIsNotTakenForNone) {
  folder_.write("head_metrics.csv", kHeads);
  for (const char* text : {"{", "", "{}", R"({"program": "qkscope", "tables": {}})"}) {
    folder_.write("head_metrics.csv.json", text);
    EXPECT_THAT(fault(), EndsWith("head_metrics.csv.json: expected the record of the analysis of "
                                  "head_metrics.csv, found something else"));
    for (const char* name : {"head_metrics.csv", "head_metrics.csv.json"}) {
      EXPECT_THAT(error_of([&] { find_results(folder_ / name); }),
                  HasSubstr("found something else"));
    }
  }
  folder_.write("head_metrics.csv.json", kRecord);
  EXPECT_THAT(fault(), IsEmpty());
}

TEST_F(FindResults, ACutTableIsRefused) {
  const std::string heads = kHeads;
  folder_.write("head_metrics.csv", heads.substr(0, heads.size() - 2));
  for (const bool has_record : {false, true}) {
    if (has_record) folder_.write("head_metrics.csv.json", kRecord);
    EXPECT_THAT(fault(), EndsWith("its last row has no line end, so it may have been cut off"));
  }
  folder_.write("head_metrics.csv", heads.substr(0, heads.find("0,1,0")));
  EXPECT_THAT(fault(),
              EndsWith("head_metrics.csv: expected 2 heads, which its record counts, found 1"));
}

TEST_F(FindResults, HalfReplacedTablesAreRefused) {
  folder_.write("head_metrics.csv", kHeads);
  folder_.write("head_metrics.csv.json.tmp", kRecord);
  EXPECT_THAT(fault(), HasSubstr("expected the tables of one analysis"));
  folder_.write("head_metrics.csv.json", kRecord);
  EXPECT_THAT(fault(), IsEmpty());
}

}  // namespace
}  // namespace qk::find_results_test
