#include "heads/dataset_record.h"

#include <gtest/gtest.h>

#include <string>

namespace qk {
namespace {

std::map<std::string, std::string> footer_with(const std::string& sampler,
                                               const std::string& size) {
  return {{"qkscope.geometry",
           R"({"num_hidden_layers": 3, "num_attention_heads": 8, "num_key_value_heads": 2})"},
          {"qkscope.provenance",
           R"({"model": {"name": "org/Model"}, "config": {"capture": {"min_bucket_size": )" + size +
               R"(, "sampler": {"type": ")" + sampler + R"("}}}})"}};
}

TEST(DatasetRecord, HasGeometryModelAndBuckets) {
  const DatasetRecord record = parse_record(footer_with("uniform", "100"));
  EXPECT_EQ(record.num_layers, 3);
  EXPECT_EQ(record.num_q_heads, 8);
  EXPECT_EQ(record.num_k_heads, 2);
  EXPECT_EQ(record.model, "org/Model");
  ASSERT_TRUE(record.ranges);
  EXPECT_EQ(record.ranges->of(2).first, 200);
  EXPECT_EQ(record.ranges->of(2).last, 299);
}

TEST(DatasetRecord, SaysWhichVectorsTheColumnHolds) {
  const auto vector_of = [](const std::string& geometry) {
    return parse_record({{"qkscope.geometry", geometry}}).vector;
  };
  EXPECT_EQ(vector_of(R"({"vector": "post_rope"})"), VectorKind::kPostRope);
  EXPECT_EQ(vector_of(R"({"vector": "pre_rope"})"), VectorKind::kPreRope);
  EXPECT_FALSE(vector_of(R"({"vector": "other"})"));
  EXPECT_FALSE(vector_of(R"({"vector": 1})"));
  EXPECT_FALSE(vector_of("{}"));
}

TEST(DatasetRecord, SaysWhichDocumentsAndTokensItHolds) {
  const std::string provenance = R"({"corpus": {"path": "c", "sha256": "ab"}, "config": {)"
                                 R"("dataset": {"split": "train", "max_samples": 9},)"
                                 R"("capture": {"sampler": {"type": "all"}}}})";
  const DatasetRecord record = parse_record({{"qkscope.provenance", provenance}});
  EXPECT_EQ(record.corpus,
            R"({"id_column":null,"sha256":"ab","split":"train","text_column":null})");
  EXPECT_EQ(record.capture, R"({"max_length":null,"max_samples":9,"sampler":{"type":"all"}})");
  EXPECT_EQ(parse_record({}).corpus, "");
  EXPECT_EQ(parse_record({}).capture, "");
}

// A log bucket is floor(log2(position + 1)); all positions below min_bucket_size share the lowest.
TEST(DatasetRecord, LogBucketsBeginAtAPowerOfTwo) {
  for (const char* size : {"65", "128"}) {
    const DatasetRecord record = parse_record(footer_with("log_uniform", size));
    ASSERT_TRUE(record.ranges);
    EXPECT_EQ(record.ranges->of(7).first, 0) << size;
    EXPECT_EQ(record.ranges->of(7).last, 254) << size;
    EXPECT_EQ(record.ranges->of(8).first, 255) << size;
  }
}

TEST(DatasetRecord, IgnoresWhatItDoesNotKnow) {
  EXPECT_FALSE(parse_record({}).num_layers);
  const DatasetRecord record =
      parse_record({{"qkscope.geometry", R"({"num_hidden_layers": "3", "num_attention_heads": 0})"},
                    {"qkscope.provenance", "[1"}});
  EXPECT_FALSE(record.num_layers);
  EXPECT_FALSE(record.num_q_heads);
  EXPECT_FALSE(record.ranges);
  EXPECT_EQ(record.model, "");
  EXPECT_FALSE(parse_record(footer_with("other", "64")).ranges);
  EXPECT_FALSE(parse_record(footer_with("uniform", "0")).ranges);
  EXPECT_FALSE(parse_record(footer_with("uniform", "1.5")).ranges);
}

}  // namespace
}  // namespace qk
