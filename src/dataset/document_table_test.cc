#include "dataset/document_table.h"

#include <arrow/api.h>
#include <arrow/io/file.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <parquet/arrow/writer.h>
#include <parquet/file_reader.h>

#include <filesystem>
#include <string>
#include <vector>

#include "base/atomic_file.h"
#include "base/test_error.h"
#include "base/test_folder.h"
#include "dataset/schema.h"
#include "journal/test_blocks.h"

namespace qk {
namespace document_table_test {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

DocumentTable table() {
  return {{-7, "a", 100, false, 60},
          {INT64_MAX, "caf\u00e9 \"b\"\n", 4096, true, 0},
          {0, "", 0, false, 0}};
}

// A Parquet file with these columns, as another program would write it.
void write_columns(const fs::path& path, const arrow::FieldVector& fields,
                   const std::vector<std::shared_ptr<arrow::Array>>& columns) {
  const auto sink = arrow::io::FileOutputStream::Open(path.string()).ValueOrDie();
  const auto rows = arrow::Table::Make(arrow::schema(fields), columns);
  ASSERT_TRUE(parquet::arrow::WriteTable(*rows, arrow::default_memory_pool(), sink).ok());
  ASSERT_TRUE(sink->Close().ok());
}

std::shared_ptr<arrow::Array> integers(const std::vector<int64_t>& values) {
  arrow::Int64Builder builder;
  EXPECT_TRUE(builder.AppendValues(values).ok());
  return builder.Finish().ValueOrDie();
}

std::string fault_of(const fs::path& folder) {
  return error_of([&] { (void)read_document_table(folder); });
}

TEST(DocumentTable, IsReadAsItWasWritten) {
  const TestFolder folder;
  write_document_table(folder / "documents.parquet", table(), {{"qkscope.provenance", "{}"}});
  EXPECT_EQ(read_document_table(folder / ""), table());
  const auto metadata =
      parquet::ParquetFileReader::OpenFile((folder / "documents.parquet").string())->metadata();
  EXPECT_EQ(metadata->created_by(), created_by());
  EXPECT_EQ(metadata->key_value_metadata()->Get("qkscope.provenance").ValueOrDie(), "{}");
  EXPECT_FALSE(has_foreign_document_table(folder / ""));
}

TEST(DocumentTable, EmptyOneIsReadToo) {
  const TestFolder folder;
  write_document_table(folder / "documents.parquet", {}, {});
  EXPECT_EQ(read_document_table(folder / ""), DocumentTable());
}

TEST(DocumentTable, CountsTheRowsOfAllHeads) {
  const TestFolder folder;
  write_journal(folder / "journal", 3,
                {{.layer = 0, .kind = Kind::kQuery, .heads = {0, 3}},
                 {.layer = 2, .kind = Kind::kKey, .heads = {1}, .rows = 3}});
  const DocumentTable found = document_table(JournalSet({folder / "journal"}), {"x", "y", "z"});
  ASSERT_EQ(found.size(), 3U);
  EXPECT_EQ(found[1], (DocumentRow{5000000001, "y", 1000, false, 2 * 5 + 3}));
}

TEST(DocumentTable, FilesThatAreNotOfADatasetAreForeign) {
  const TestFolder folder;
  EXPECT_EQ(read_document_table(folder / ""), std::nullopt);
  EXPECT_FALSE(has_foreign_document_table(folder / ""));
  const fs::path path = folder / "documents.parquet";
  write_columns(path, {arrow::field("text", arrow::int64())}, {integers({1})});
  EXPECT_EQ(read_document_table(folder / ""), std::nullopt);
  EXPECT_TRUE(has_foreign_document_table(folder / ""));
  fs::remove(path);
  fs::create_symlink("/dev/null", path);
  EXPECT_TRUE(has_foreign_document_table(folder / ""));
}

TEST(DocumentTable, DamageAndOtherColumnsAreNamed) {
  const TestFolder folder;
  const fs::path path = folder / "documents.parquet";
  put_file(path, "PAR1 is all");
  EXPECT_THAT(fault_of(folder / ""), HasSubstr(path.string() + ": "));
  fs::remove(path);
  write_columns(
      path, {arrow::field("example_id", arrow::int64()), arrow::field("document", arrow::int64())},
      {integers({1}), integers({1})});
  EXPECT_EQ(fault_of(folder / ""), path.string() + ": column document has the type int64");
  write_columns(
      path, {arrow::field("example_id", arrow::int64()), arrow::field("document", arrow::utf8())},
      {integers({1}), arrow::MakeArrayFromScalar(arrow::StringScalar("a"), 1).ValueOrDie()});
  EXPECT_EQ(fault_of(folder / ""), path.string() + ": has no column tokens (or two)");
}

}  // namespace document_table_test
}  // namespace qk
