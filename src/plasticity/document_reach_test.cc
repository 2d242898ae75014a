#include "plasticity/document_reach.h"

#include <gtest/gtest.h>

#include "plasticity/test_heads.h"

namespace qk {
namespace document_reach_test {

HeadTable table_of(const std::vector<std::pair<int64_t, int64_t>>& rows) {  // document, bucket
  HeadTable out;
  out.head_dim = 1;
  for (const auto& [document, bucket] : rows) {
    out.example_ids.push_back(document);
    out.buckets.push_back(bucket);
    out.positions.push_back(bucket * 10);
    out.vectors.push_back(static_cast<float>(document * 100 + bucket));
  }
  return out;
}

TEST(DocumentReach, IsTheHighestBucketOfQueriesAndKeys) {
  const HeadTable queries = table_of({{7, 0}, {7, 2}, {5, 1}});
  const HeadTable keys = table_of({{5, 3}, {7, 1}, {9, 0}});
  const DocumentIndex documents = index_documents(queries, keys);
  EXPECT_EQ(documents.ids, (std::vector<int64_t>{5, 7, 9}));
  EXPECT_EQ(document_reach(queries, keys, documents), (std::vector<int64_t>{3, 2, 0}));
}

TEST(DocumentReach, TheCommonOneIsThatOfHalfTheDocuments) {
  EXPECT_EQ(common_reach({0, 5, 3}), 3);
  EXPECT_EQ(common_reach({0, 5, 3, 9}), 5);  // 5 and 9: half of them
  EXPECT_EQ(common_reach({1, 9, 9, 9}), 9);
  EXPECT_EQ(common_reach({4, 4, 9}), 4);  // the buckets above 4 are of one document
  EXPECT_EQ(common_reach({9, 9, 9}), std::nullopt);
  EXPECT_EQ(common_reach({0, 9}), std::nullopt);
}

TEST(DocumentReach, RowsOfTheOthersAndBeyondAreLeftOut) {
  const HeadTable queries = table_of({{7, 0}, {7, 2}, {5, 1}, {5, 4}, {9, 1}});
  const HeadTable keys = table_of({{5, 3}, {7, 1}, {9, 0}, {5, 0}});
  const DocumentIndex documents = index_documents(queries, keys);
  const std::vector<int64_t> reach = document_reach(queries, keys, documents);
  const ReachingRows rows = reaching_rows(queries, keys, documents, reach, 2);
  EXPECT_EQ(rows.num_documents, 2);
  EXPECT_EQ(rows.queries.example_ids, (std::vector<int64_t>{7, 7, 5}));
  EXPECT_EQ(rows.queries.buckets, (std::vector<int64_t>{0, 2, 1}));
  EXPECT_EQ(rows.queries.vectors, (std::vector<float>{700, 702, 501}));
  EXPECT_EQ(rows.keys.example_ids, (std::vector<int64_t>{7, 5}));
  EXPECT_EQ(rows.documents.ids, documents.ids);
  EXPECT_EQ(rows.documents.of_query, (std::vector<int64_t>{1, 1, 0}));
  EXPECT_EQ(rows.documents.of_key, (std::vector<int64_t>{1, 0}));
}

}  // namespace document_reach_test
}  // namespace qk
