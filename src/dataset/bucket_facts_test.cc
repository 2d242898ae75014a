#include "dataset/bucket_facts.h"

#include <gtest/gtest.h>

#include "journal/test_blocks.h"

namespace qk {
namespace bucket_facts_test {

// Rows lie at positions 0, 37, 74, ..., in buckets of 64.
TEST(BucketFacts, AreThoseOfOneHead) {
  const TestFolder folder;
  write_journal(folder / "journal", 3,
                {{.layer = 0, .kind = Kind::kQuery, .heads = {0, 1, 2}, .rows = 4},
                 {.layer = 1, .kind = Kind::kKey, .heads = {5}, .rows = 3}});
  const auto facts = bucket_facts(JournalSet({folder / "journal"}));
  ASSERT_EQ(facts.size(), 2U);
  EXPECT_EQ(facts.at(0).documents, 3);
  EXPECT_EQ(facts.at(0).least_rows, 6);
  EXPECT_EQ(facts.at(0).most_rows, 6);
  EXPECT_EQ(facts.at(1).documents, 3);
  EXPECT_EQ(facts.at(1).least_rows, 3);
  EXPECT_EQ(facts.at(1).most_rows, 6);
}

}  // namespace bucket_facts_test
}  // namespace qk
