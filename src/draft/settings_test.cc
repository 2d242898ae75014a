#include "draft/settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "base/test_folder.h"
#include "draft/draft_yaml.h"

namespace qk {
namespace settings_test {

using testing::HasSubstr;
using testing::IsEmpty;

class SettingsTest : public testing::Test {
 protected:
  SettingsTest() {
    model_.architecture = &kAny;
    model_.config.num_hidden_layers = 4;
    model_.config.num_attention_heads = 8;
    model_.config.num_key_value_heads = 2;
    model_.config.head_dim = 64;
    model_.config.max_position_embeddings = 131072;
    model_.config.layers.resize(4);
    config_.dataset.path = "corpus";
    config_.model.name = "model";
  }

  static LengthSample lengths(size_t count, int64_t length) {
    LengthSample out;
    out.tokens.assign(count, length);
    out.documents = static_cast<int64_t>(count);
    out.num_tokenised = static_cast<int64_t>(count);
    out.is_whole = true;
    return out;
  }
  Draft draft(const LengthSample& sample) const { return draft_settings(config_, model_, sample); }
  Draft draft(size_t count, int64_t length) const { return draft(lengths(count, length)); }

  static constexpr Architecture kAny = {.name = "any"};
  Model model_;
  SniffConfig config_;
};

TEST_F(SettingsTest, LongDocumentsHaveSixteenBuckets) {
  const Draft found = draft(500, 131072);
  EXPECT_EQ(found.config.tokenizer.max_length, 131072);
  EXPECT_EQ(found.config.capture.min_bucket_size, 8192);
  EXPECT_EQ(found.config.capture.sampler, SamplerType::kUniform);
  EXPECT_EQ(found.config.capture.base_rate, 1);
  EXPECT_EQ(found.config.inference.batch_size, 1);
  EXPECT_THAT(found.warnings, IsEmpty());
}

TEST_F(SettingsTest, MaxLengthIsOfWholeBucketsThatEnoughDocumentsReach) {
  LengthSample sample = lengths(100, 1000);
  std::fill(sample.tokens.begin(), sample.tokens.begin() + 20, 5000);
  sample.tokens[0] = 100'000;
  const Draft found = draft(sample);
  EXPECT_EQ(found.config.capture.min_bucket_size, 256);
  EXPECT_EQ(found.config.tokenizer.max_length, 19 * 256);
  EXPECT_EQ(found.buckets.size(), 19);
  EXPECT_GE(found.buckets.back().documents, 20);
}

TEST_F(SettingsTest, OfACorpusOfUnknownSizeOnlyWhatWasLookedAtIsTaken) {
  LengthSample sample = lengths(300, 5000);
  sample.documents = std::nullopt;
  EXPECT_EQ(draft(sample).config.dataset.max_samples, std::nullopt);  // it was read to its end
  sample.is_whole = false;
  const Draft found = draft(sample);
  EXPECT_EQ(found.config.dataset.max_samples, 300);
  EXPECT_EQ(found.documents, 300);
  EXPECT_THAT(found.reasons.at("dataset.max_samples"), HasSubstr("the corpus has more"));
}

TEST_F(SettingsTest, OfFewDocumentsHalfReachTheEnd) {
  LengthSample sample = lengths(10, 200);
  std::fill(sample.tokens.begin(), sample.tokens.begin() + 5, 5000);
  EXPECT_EQ(draft(sample).config.tokenizer.max_length, 19 * 256);
}

TEST_F(SettingsTest, TheModelsContextIsTheLimit) {
  model_.config.max_position_embeddings = 2048;
  EXPECT_EQ(draft(100, 5000).config.tokenizer.max_length, 2048);
  RopeParameters rope;
  rope.factor = 2;
  model_.config.rope = {rope};
  EXPECT_EQ(draft(100, 5000).config.tokenizer.max_length, 4096);
  model_.config.rope.clear();
  model_.config.max_position_embeddings = 0;  // not known
  EXPECT_EQ(draft(100, 5000).config.tokenizer.max_length, 4864);
}

TEST_F(SettingsTest, FewerDocumentsGiveMoreRowsEach) {
  double before = 0;
  for (const size_t count : {400, 100, 50, 25, 12, 6}) {
    const Draft found = draft(count, 8192);
    EXPECT_GE(found.config.capture.base_rate, before) << count;
    before = found.config.capture.base_rate;
    for (const BucketDesign& bucket : found.buckets) {
      EXPECT_GE(bucket.rows, 128) << count;
      EXPECT_GE(bucket.pairs, 128) << count;
    }
  }
  EXPECT_EQ(before, 32);
  EXPECT_EQ(draft(1, 8192).config.capture.base_rate, 64);  // not more, though it is not enough
}

TEST_F(SettingsTest, MostlyShortDocumentsTakeLogarithmicBuckets) {
  LengthSample sample = lengths(100, 100);
  std::fill(sample.tokens.begin(), sample.tokens.begin() + 30, 8192);
  const Draft found = draft(sample);
  EXPECT_EQ(found.config.capture.sampler, SamplerType::kLogUniform);
  EXPECT_EQ(found.config.capture.min_bucket_size, 16);
  EXPECT_EQ(found.config.tokenizer.max_length, 8192);
}

TEST_F(SettingsTest, WindowsDecideAboutLayersAndBuckets) {
  for (LayerConfig& layer : model_.config.layers)
    layer = {.sliding_window = 1000, .recorded_window = true};
  const Draft narrow = draft(100, 65536);
  EXPECT_FALSE(narrow.config.capture.full_attention_only);
  EXPECT_EQ(narrow.config.capture.min_bucket_size, 256);  // at most half of the window
  EXPECT_THAT(narrow.warnings, IsEmpty());
  model_.config.layers.back().sliding_window = 0;
  const Draft mixed = draft(100, 65536);
  EXPECT_TRUE(mixed.config.capture.full_attention_only);
  EXPECT_EQ(mixed.config.capture.min_bucket_size, 4096);
  EXPECT_EQ(mixed.plan.num_query_heads, 8);
}

TEST_F(SettingsTest, ManyHeadsAreSampled) {
  EXPECT_FALSE(draft(100, 1000).config.capture.head_sampling);
  model_.config.num_hidden_layers = 51;
  model_.config.layers.resize(51);
  const Draft found = draft(100, 1000);
  ASSERT_TRUE(found.config.capture.head_sampling);
  EXPECT_EQ(found.config.capture.head_sampling->count, 300);
  EXPECT_EQ(found.plan.num_query_heads, 300);
}

TEST_F(SettingsTest, LargeCorporaAreCut) {
  EXPECT_FALSE(draft(1000, 100).config.dataset.max_samples);
  const Draft found = draft(1001, 100);
  EXPECT_EQ(found.config.dataset.max_samples, 1000);
  EXPECT_EQ(found.documents, 1000);
  EXPECT_EQ(found.tokens, 96'000);
  LengthSample part = lengths(500, 100);  // of a Parquet file whose footer says how many there are
  part.documents = 4000;
  part.is_whole = false;
  EXPECT_EQ(draft(part).config.dataset.max_samples, 1000);
  EXPECT_EQ(draft(part).documents, 1000);
}

TEST_F(SettingsTest, NothingToMeasureIsNoBug) {
  EXPECT_THAT(draft(0, 0).rows, 0);
  for (const size_t count : {0, 3}) {
    EXPECT_THAT(draft(count, 0).warnings, testing::Contains(HasSubstr("has a token")));
  }
  EXPECT_EQ(draft(3, 1).config.tokenizer.max_length, 1);
  EXPECT_THAT(draft_yaml(draft(0, 0), lengths(0, 0)), HasSubstr("The corpus has no documents."));
}

TEST_F(SettingsTest, TheFileSaysTheSame) {
  config_.dataset.text_column = "yes";
  config_.dataset.id_column = "10";
  config_.dataset.name = "a: b # \"c\" \xC3\xA4";
  config_.model.name = "~/models/it's";
  config_.model.revision = "1e5";
  config_.output.data_root = "null";
  const TestFolder folder;
  for (const size_t count : {0, 1, 30, 2000}) {
    for (const int64_t length : {1, 40, 5000}) {
      const Draft found = draft(count, length);
      const SniffConfig read =
          load_config(folder.write("run.yaml", draft_yaml(found, lengths(count, length))));
      EXPECT_EQ(config_json(read), config_json(found.config));
      EXPECT_EQ(read.output.data_root, "null");
      EXPECT_EQ(read.inference.batch_size, found.config.inference.batch_size);
      EXPECT_THAT(read.warnings, IsEmpty());
    }
  }
}

TEST(YamlText, PlainOnlyWhereItIsSafe) {
  EXPECT_EQ(yaml_text("org/name"), "org/name");
  EXPECT_EQ(yaml_text("out/my-model_2.0"), "out/my-model_2.0");
  EXPECT_EQ(yaml_text("text"), "text");
  for (const char* text :
       {"", "null", "true", "no", "1_000", "0x/1", "-a/b", "a: b/c", "~/a", "a #/b"}) {
    EXPECT_EQ(yaml_text(text).front(), '"') << text;
  }
}

TEST(YamlText, LineBreaksAreEscaped) {
  EXPECT_EQ(yaml_text("a\nb\xc2\x85\xe2\x80\xa8\xe2\x80\xa9/\xc3\xa4\xe2\x80\xa6"),
            "\"a\\nb\\u0085\\u2028\\u2029/\xc3\xa4\xe2\x80\xa6\"");
}

}  // namespace settings_test
}  // namespace qk
