#include "report/record_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/test_error.h"
#include "report/analysis_tables.h"

namespace qk::record_file_test {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr const char* kRecord =
    R"({"program": "qkscope", "tables": {"heads": "h.csv", "details": "d.csv"}, "rows": {"details": 2}})";

TEST(RecordFile, IsReadAndNothingElse) {
  const TestFolder folder;
  const auto record = read_record(folder.write("h.csv.json", kRecord));
  ASSERT_TRUE(record);
  EXPECT_TRUE(names_table(*record, "d.csv"));
  EXPECT_FALSE(names_table(*record, "x.csv"));
  EXPECT_FALSE(read_record(folder / "none.json"));
  EXPECT_FALSE(read_record(folder.path()));
  for (const char* text :
       {"", "{", "[1]", R"({"program": "x", "tables": {}})", R"({"program": "qkscope"})"}) {
    EXPECT_FALSE(read_record(folder.write("x.json", text))) << text;
  }
}

TEST(RecordFile, CountsTheRowsOfATable) {
  const TestFolder folder;
  folder.write("h.csv.json", kRecord);
  folder.write("h.csv", "layer\n0\n");
  const auto fault = [&](const char* text) {
    const std::string table = folder.write("d.csv", text);
    return error_of([&] { refuse_cut_table(table); });
  };
  EXPECT_THAT(fault("a,b\n1,2\n\n3,4\r\n"), IsEmpty());
  EXPECT_THAT(fault("a,b\n1,2\n3,4"),
              EndsWith("d.csv: its last row has no line end, so it may have been cut off"));
  EXPECT_THAT(fault("a,b\n1,2\n"),
              EndsWith("d.csv: expected 2 rows, which its record counts, found 1"));
  EXPECT_THAT(fault("a,b\n"), EndsWith("expected 2 rows, which its record counts, found 0"));
  EXPECT_THAT(fault("a\n\"1\n2\"\n3\n"), IsEmpty());  // a line break within a cell
  // Without a record that names it a table is taken as it is.
  const std::string other = folder.write("other.csv", "a,b\n1,2");
  EXPECT_THAT(error_of([&] { refuse_cut_table(other); }), IsEmpty());
}

TEST(RecordFile, ADamagedOneIsNoReasonToGoOnWithout) {
  const TestFolder folder;
  const std::string table = folder.write("d.csv", "a\n1\n");
  folder.write("h.csv", "layer\n0\n");
  folder.write("h.csv.json", R"({"made by": "another program"})");
  folder.write("none.csv.json", "{");  // beside no table
  folder.write("text", "");
  folder.write("text.json", "{");  // beside no CSV file
  EXPECT_THAT(error_of([&] { find_analysis_tables(table); }), IsEmpty());
  folder.write("h.csv.json", "{");
  EXPECT_THAT(
      error_of([&] { find_analysis_tables(table); }),
      EndsWith("h.csv.json: expected the record of the analysis of h.csv, found something else"));
}

TEST(RecordFile, HalfReplacedTablesAreRefused) {
  const TestFolder folder;
  const std::string table = folder.write("d.csv", "a\n1\n2\n");
  folder.write("h.csv", "layer\n0\n");
  folder.write("h.csv.json.tmp", kRecord);
  EXPECT_THAT(error_of([&] { find_analysis_tables(table); }),
              testing::AllOf(HasSubstr("d.csv: expected the tables of one analysis, found"),
                             HasSubstr("(h.csv.json.tmp is there)")));
  folder.write("h.csv.json", kRecord);  // nothing is replaced yet
  EXPECT_THAT(error_of([&] { find_analysis_tables(table); }), IsEmpty());
}

}  // namespace
}  // namespace qk::record_file_test
