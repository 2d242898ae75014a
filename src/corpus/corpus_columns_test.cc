#include "corpus/corpus_columns.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/test_error.h"
#include "base/test_folder.h"
#include "download/local_resolver.h"

namespace qk {
namespace corpus_columns_test {

using testing::HasSubstr;

std::vector<CorpusColumn> columns_of(const std::string& path) {
  LocalResolver resolver;
  return corpus_columns({.path = path}, resolver);
}

TEST(CorpusColumns, OfJsonByTheFirstRows) {
  const TestFolder folder;
  const std::vector<CorpusColumn> found = columns_of(
      folder.write("a.jsonl",
                   "{\"id\": 1, \"text\": null, \"n\": 1.5, \"body\": \"abc\", \"mixed\": \"a\"}\n"
                   "{\"id\": 2, \"text\": \"x\", \"late\": \"y\", \"mixed\": 3}\n"));
  std::string shown;
  for (const CorpusColumn& column : found) {
    shown += column.name + (column.is_text ? " text" : "") + (column.may_be_id ? " id" : "") + "; ";
  }
  EXPECT_EQ(shown, "id id; text text; n; body text id; mixed id; late text; ");
}

TEST(CorpusColumns, OfTextFilesOne) {
  const TestFolder folder;
  const std::vector<CorpusColumn> found = columns_of(folder.write("a.txt", "words"));
  ASSERT_EQ(found.size(), 1);
  EXPECT_EQ(find_text_column(found), "text");
  EXPECT_EQ(find_id_column(found), "");
}

TEST(CorpusColumns, OfParquetByTheFooter) {
  const std::vector<CorpusColumn> found = columns_of(std::string(QK_TEST_DATA) + "/corpus/groups");
  EXPECT_EQ(find_text_column(found), "text");
}

TEST(CorpusColumns, DamagedFilesAreNamed) {
  const TestFolder folder;
  const std::string path = folder.write("a.parquet", "nonsense");
  EXPECT_THAT(error_of([&] { columns_of(path); }),
              HasSubstr("a.parquet: not readable as Parquet: "));
}

TEST(TextColumn, TextElseTheLongest) {
  const CorpusColumn title = {.name = "title", .is_text = true, .mean_bytes = 20};
  const CorpusColumn body = {.name = "body", .is_text = true, .mean_bytes = 2000};
  const CorpusColumn text = {.name = "text", .is_text = true, .mean_bytes = 2};
  const CorpusColumn number = {.name = "n", .mean_bytes = 1e9};
  EXPECT_EQ(find_text_column({title, body, number}), "body");
  EXPECT_EQ(find_text_column({body, text}), "text");
  EXPECT_EQ(error_of([&] { find_text_column({number}); }),
            "dataset.text_column: expected a column of strings, found none among n");
}

TEST(IdColumn, TheUsualNamesInTheirOrder) {
  const CorpusColumn id = {.name = "id", .may_be_id = true};
  const CorpusColumn uuid = {.name = "uuid", .may_be_id = true};
  EXPECT_EQ(find_id_column({uuid, id}), "id");
  EXPECT_EQ(find_id_column({uuid, {.name = "id"}}), "uuid");
  EXPECT_EQ(find_id_column({{.name = "number", .may_be_id = true}}), "");
}

}  // namespace corpus_columns_test
}  // namespace qk
