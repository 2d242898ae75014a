#include "capture/batch_request.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace qk {
namespace batch_request_test {

// One layer with one query and one key head.
CapturePlan sampled_plan() {
  CapturePlan plan;
  plan.capture.sampler = SamplerType::kUniform;
  plan.capture.min_bucket_size = 64;
  plan.head_dim = 1;
  plan.num_query_heads = plan.num_key_heads = 1;
  plan.layers.resize(1);
  plan.layers[0].query_heads = {0};
  plan.layers[0].key_heads = {0};
  return plan;
}

TEST(BatchRequest, TokensAfterTheLastCapturedOneAreNotComputed) {
  std::vector<TokenizedDocument> documents(1);
  documents[0].ids.assign(1000, 5);
  const BatchRequest request = make_batch_request(sampled_plan(), lengths_of(documents));
  const LayerRequest& layer = request.tap.layers[0];
  const int32_t last = std::max(layer.query_rows.back(), layer.key_rows.back());
  EXPECT_THAT(request.lengths, testing::ElementsAre(last + 1));
  EXPECT_EQ(request.num_tokens(), last + 1);
  EXPECT_LT(last + 1, 1000);
  const Sequences sequences = pack_sequences(request, documents);
  EXPECT_EQ(std::ssize(sequences.ids), last + 1);
  EXPECT_THAT(sequences.full_lengths, testing::ElementsAre(1000));
}

// Where rows depend on the shape of a call; documents without a row are left out as ever.
TEST(BatchRequest, DocumentsAreWholeWhereRowsDependOnTheShape) {
  std::vector<TokenizedDocument> documents(3);
  documents[0].ids.assign(1000, 5);
  documents[2].ids.assign(10, 5);
  CapturePlan plan = sampled_plan();
  const BatchRequest pruned = make_batch_request(plan, lengths_of(documents));
  BackendTraits traits;
  traits.rows_depend_on_shape = true;
  const BatchRequest whole = make_batch_request(plan, lengths_of(documents), traits);
  EXPECT_LT(pruned.lengths[0], 1000);
  EXPECT_EQ(whole.lengths[0], 1000);
  EXPECT_EQ(whole.lengths[1], 0);
  EXPECT_EQ(whole.lengths[2], pruned.lengths[2] > 0 ? 10 : 0);
  EXPECT_EQ(whole.sequence_documents, pruned.sequence_documents);
  EXPECT_EQ(whole.num_rows, pruned.num_rows);
  const LayerRequest& layer = whole.tap.layers[0];
  const auto first = layer.query_rows.begin();
  EXPECT_TRUE(std::equal(first, first + 5, pruned.tap.layers[0].query_rows.begin()));
}

// The plan of memory asks with lengths alone: the answer is that of the documents.
TEST(BatchRequest, LengthsDecideAlone) {
  CapturePlan plan = sampled_plan();
  plan.capture.max_rows_per_batch = 3;
  std::vector<TokenizedDocument> documents(3);
  for (size_t d = 0; d < documents.size(); ++d) {
    documents[d].example_id = static_cast<int64_t>(d);
    documents[d].ids.assign(400 * d, 7);  // the first has none
  }
  const std::vector<DocumentLength> lengths = lengths_of(documents);
  const BatchRequest request = make_batch_request(plan, lengths);
  EXPECT_THAT(request.sequence_documents, testing::ElementsAre(1, 2));
  const LayerRequest& layer = request.tap.layers[0];
  ASSERT_EQ(layer.query_rows.size(), 6U);
  EXPECT_TRUE(std::ranges::is_sorted(layer.query_rows));
  const BatchRequest second = make_batch_request(plan, std::span(lengths).last(1));
  const LayerRequest& alone = second.tap.layers[0];
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(layer.query_rows[3 + i], request.lengths[1] + alone.query_rows[i]);
  }
  EXPECT_EQ(request.num_rows, 12);
}

}  // namespace batch_request_test
}  // namespace qk
