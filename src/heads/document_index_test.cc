#include "heads/document_index.h"

#include <gtest/gtest.h>

#include <limits>
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

// Large ids are stored minus 2^63: 0 stands for 2^63, the lowest int64 for 0.
TEST(DocumentIndex, LargeIdsOfOneTableMatchThoseOfTheOther) {
  constexpr int64_t kZero = std::numeric_limits<int64_t>::min();
  HeadTable large = rows_of({kZero + 7, 0});
  large.has_large_ids = true;
  for (const bool keys_are_large : {false, true}) {
    const HeadTable small = rows_of({3, 7});
    const DocumentIndex index =
        keys_are_large ? index_documents(small, large) : index_documents(large, small);
    EXPECT_EQ(index.ids, (std::vector<int64_t>{kZero + 3, kZero + 7, 0}));
    EXPECT_EQ(keys_are_large ? index.of_key : index.of_query, (std::vector<int64_t>{1, 2}));
    EXPECT_EQ(keys_are_large ? index.of_query : index.of_key, (std::vector<int64_t>{0, 1}));
  }
  EXPECT_EQ(index_documents(large, large).num_documents(), 2);
  EXPECT_THROW(index_documents(large, rows_of({-1})), Error);
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
