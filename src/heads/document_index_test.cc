#include "heads/document_index.h"

#include <gtest/gtest.h>

#include <vector>

#include "base/error.h"

namespace qk {
namespace {

HeadTable rows_of(const std::vector<int64_t>& example_ids) {
  HeadTable out;
  out.example_ids = example_ids;
  return out;
}

TEST(DocumentIndex, CountsDocumentsOfQueriesAndKeys) {
  const DocumentIndex index = index_documents(rows_of({9, -3, 9}), rows_of({4, 9, -3, 20}));
  EXPECT_EQ(index.ids, (std::vector<int64_t>{-3, 4, 9, 20}));
  EXPECT_EQ(index.of_query, (std::vector<int64_t>{2, 0, 2}));
  EXPECT_EQ(index.of_key, (std::vector<int64_t>{1, 2, 0, 3}));
}

TEST(DocumentIndex, NeedsExampleIds) {
  EXPECT_THROW(index_documents(rows_of({}), rows_of({1})), Error);
  EXPECT_THROW(index_documents(rows_of({1}), rows_of({})), Error);
}

TEST(RowsByDocument, KeepTheOrderOfRowsWithinADocument) {
  const std::vector<int64_t> documents = {5, 2, 5, 2, 8, 5};
  const RowsByDocument group = group_by_document(std::vector<int64_t>{5, 3, 0, 1}, documents);
  EXPECT_EQ(group.rows, (std::vector<int64_t>{3, 1, 5, 0}));
  EXPECT_EQ(group.documents, (std::vector<int64_t>{2, 5}));
  EXPECT_EQ(group.begins, (std::vector<int64_t>{0, 2, 4}));
  EXPECT_EQ(group_by_document({}, documents).begins, (std::vector<int64_t>{0}));
}

}  // namespace
}  // namespace qk
