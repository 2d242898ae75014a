#include "dataset/footer_projection.h"

#include <arrow/array.h>
#include <arrow/builder.h>
#include <arrow/io/memory.h>
#include <arrow/table.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <parquet/arrow/writer.h>
#include <parquet/metadata.h>

#include <cstring>

namespace qk::footer_projection_test {
namespace {

using testing::ElementsAre;

std::string footer_of(const std::string& file) {
  uint32_t length = 0;
  std::memcpy(&length, file.data() + file.size() - 8, sizeof(length));
  return file.substr(file.size() - 8 - length, length);
}

// Three row groups of two rows: a, list of int32, b {c, d}.
std::string a_file() {
  arrow::Int32Builder numbers;
  EXPECT_TRUE(numbers.AppendValues(std::vector<int32_t>{1, 2, 3, 4, 5, 6}).ok());
  const auto column = numbers.Finish().ValueOrDie();
  const auto lists = arrow::FixedSizeListArray::FromArrays(column, 1).ValueOrDie();
  const auto pairs =
      arrow::StructArray::Make({column, lists}, std::vector<std::string>{"c", "d"}).ValueOrDie();
  const auto table = arrow::Table::Make(
      arrow::schema({arrow::field("a", column->type()), arrow::field("list", lists->type()),
                     arrow::field("b", pairs->type())},
                    arrow::key_value_metadata({"note"}, {"kept"})),
      {column, lists, pairs});
  const auto out = arrow::io::BufferOutputStream::Create().ValueOrDie();
  const auto properties = parquet::ArrowWriterProperties::Builder().store_schema()->build();
  EXPECT_TRUE(parquet::arrow::WriteTable(*table, arrow::default_memory_pool(), out, 2,
                                         parquet::default_writer_properties(), properties)
                  .ok());
  return out->Finish().ValueOrDie()->ToString();
}

std::vector<std::string> leaves(const parquet::FileMetaData& metadata) {
  std::vector<std::string> out;
  for (int leaf = 0; leaf < metadata.num_columns(); ++leaf) {
    out.push_back(metadata.schema()->Column(leaf)->path()->ToDotString());
  }
  return out;
}

TEST(FooterProjection, KeepsColumnsWithTheirChunks) {
  const std::string footer = footer_of(a_file());
  const auto cut = project_footer(footer, [](std::string_view name) { return name != "list"; });
  ASSERT_TRUE(cut.has_value());
  EXPECT_THAT(cut->columns, ElementsAre("a", "list", "b"));
  EXPECT_FALSE(cut->arrow_schema.empty());
  auto length = static_cast<uint32_t>(cut->bytes.size());
  const auto found = parquet::FileMetaData::Make(cut->bytes.data(), &length);
  EXPECT_THAT(leaves(*found), ElementsAre("a", "b.c", "b.d.list.element"));
  auto whole_length = static_cast<uint32_t>(footer.size());
  const auto whole = parquet::FileMetaData::Make(footer.data(), &whole_length);
  ASSERT_EQ(found->num_row_groups(), 3);
  EXPECT_EQ(found->num_rows(), 6);
  EXPECT_EQ(found->created_by(), whole->created_by());
  for (int group = 0; group < 3; ++group) {
    const auto cut_group = found->RowGroup(group);
    const auto whole_group = whole->RowGroup(group);
    EXPECT_EQ(cut_group->num_rows(), 2);
    for (const auto& [leaf, of_whole] : {std::pair{0, 0}, {1, 2}, {2, 3}}) {
      EXPECT_EQ(cut_group->ColumnChunk(leaf)->data_page_offset(),
                whole_group->ColumnChunk(of_whole)->data_page_offset());
    }
  }
  ASSERT_NE(found->key_value_metadata(), nullptr);
  EXPECT_EQ(found->key_value_metadata()->Get("note").ValueOr(""), "kept");
  EXPECT_FALSE(found->key_value_metadata()->Contains("ARROW:schema"));
}

TEST(FooterProjection, DamagedBytesAreNoFooter) {
  const std::string footer = footer_of(a_file());
  const auto all = [](std::string_view) { return true; };
  EXPECT_TRUE(project_footer(footer, all).has_value());
  for (size_t size = 0; size < footer.size(); ++size) {
    EXPECT_FALSE(project_footer(std::string_view(footer).substr(0, size), all).has_value()) << size;
  }
  // Any change is either noticed or gives a footer, which Arrow judges.
  for (size_t at = 0; at < footer.size(); ++at) {
    std::string changed = footer;
    changed[at] = static_cast<char>(~changed[at]);
    const auto cut = project_footer(changed, all);
    EXPECT_TRUE(!cut || !cut->bytes.empty()) << at;
  }
}

}  // namespace
}  // namespace qk::footer_projection_test
