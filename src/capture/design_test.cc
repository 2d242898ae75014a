#include "capture/design.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "capture/test_run.h"
#include "sampling/row_selection.h"

namespace qk {
namespace design_test {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

CaptureSection uniform(double rate, int64_t width) {
  CaptureSection capture;
  capture.sampler = SamplerType::kUniform;
  capture.base_rate = rate;
  capture.min_bucket_size = width;
  return capture;
}

// The oracle draws the rows of many documents of these lengths.
void expect_as_drawn(const CaptureSection& capture, const std::vector<int64_t>& lengths) {
  constexpr int64_t kRounds = 400;
  const RowSelector selector(capture.row_rules(), BucketRule::kExact);
  std::map<int32_t, double> rows;
  std::map<int32_t, double> pairs;
  for (int64_t round = 0; round < kRounds; ++round) {
    for (size_t d = 0; d < lengths.size(); ++d) {
      const int64_t id = round * 1000 + static_cast<int64_t>(d);
      std::map<int32_t, double> counts;
      for (const int32_t bucket : selector.select(id, 0, Kind::kKey, 0, lengths[d]).buckets) {
        ++counts[bucket];
      }
      for (const auto& [bucket, count] : counts) {
        rows[bucket] += count / kRounds;
        pairs[bucket] += count * (count - 1) / 2 / kRounds;
      }
    }
  }
  const std::vector<BucketDesign> found = design_buckets(capture, lengths, 1);
  EXPECT_EQ(found.size(), rows.size());
  for (const BucketDesign& bucket : found) {
    EXPECT_NEAR(bucket.rows, rows[bucket.bucket], 0.05 * rows[bucket.bucket]) << bucket.bucket;
    EXPECT_NEAR(bucket.pairs, pairs[bucket.bucket], 0.1 * pairs[bucket.bucket]) << bucket.bucket;
  }
}

TEST(Design, RowsAndPairsAreThoseThatAreDrawn) {
  expect_as_drawn(uniform(8, 64), {300, 128, 40});
  CaptureSection log = uniform(8, 32);
  log.sampler = SamplerType::kLogUniform;
  expect_as_drawn(log, {300, 128, 40});
  CaptureSection all = uniform(1, 64);
  all.sampler = SamplerType::kAll;
  expect_as_drawn(all, {300, 128, 40});
}

TEST(Design, ACapThinsAllBuckets) {
  CaptureSection capture = uniform(16, 64);
  capture.max_rows_per_batch = 20;
  const std::vector<BucketDesign> found = design_buckets(capture, std::vector<int64_t>{320}, 3);
  ASSERT_EQ(found.size(), 5U);
  for (const BucketDesign& bucket : found) EXPECT_NEAR(bucket.rows, 3 * 4.0, 1e-9);
}

TEST(Design, CountsTheDocumentsThatReachABucket) {
  const std::vector<BucketDesign> found =
      design_buckets(uniform(4, 16), std::vector<int64_t>{17, 16, 0, 40}, 2);
  ASSERT_EQ(found.size(), 3U);
  EXPECT_EQ(found[0].documents, 6);
  EXPECT_EQ(found[1].documents, 4);
  EXPECT_EQ(found[2].documents, 2);
  EXPECT_EQ(found[2].first, 32);
  EXPECT_EQ(found[2].last, 47);
  EXPECT_EQ(found[1].rows, 2 * (1 + 16) * 0.25);
  EXPECT_THAT(design_buckets(uniform(4, 16), {}, 1), IsEmpty());
}

std::vector<std::string> warnings_of(const CaptureSection& capture, int64_t length,
                                     double documents, std::optional<int32_t> window = {}) {
  CapturePlan plan;
  plan.capture = capture;
  plan.layers = {{.query_heads = {0}, .key_heads = {0}, .sliding_window = window},
                 {.query_heads = {0}, .key_heads = {0}, .sliding_window = {}}};
  return design_warnings(plan, design_buckets(capture, std::vector<int64_t>{length}, documents));
}

TEST(Design, WarnsWhereThereIsNothingToAnalyse) {
  EXPECT_THAT(warnings_of(uniform(8, 64), 640, 100), IsEmpty());
  EXPECT_THAT(warnings_of(uniform(8, 64), 64, 100), ElementsAre(HasSubstr("one bucket")));
  EXPECT_THAT(warnings_of(uniform(1, 64), 640, 100),
              IsEmpty());  // 49 pairs
  EXPECT_THAT(warnings_of(uniform(1, 64), 640, 40),
              ElementsAre("buckets 0-9 have fewer than 32 pairs of keys (two keys of one document "
                          "in one bucket): capture.sampler.base_rate 2 would do, or 1.7 times the "
                          "documents"));
  EXPECT_THAT(warnings_of(uniform(8, 64), 640, 3),
              ElementsAre(HasSubstr("buckets 0-9 have fewer than 32 rows"),
                          HasSubstr("buckets 0-9 are reached by fewer than 5 documents")));
  // One position of bucket 10: no base_rate gives it two keys.
  EXPECT_THAT(warnings_of(uniform(8, 64), 641, 1000),
              ElementsAre("bucket 10 has fewer than 32 pairs of keys (two keys of one document in "
                          "one bucket): take longer documents (tokenizer.max_length)"));
  EXPECT_THAT(warnings_of(uniform(8, 64), 642, 1000),
              ElementsAre("bucket 10 has fewer than 32 pairs of keys (two keys of one document in "
                          "one bucket): capture.sampler.base_rate 12 would do, or 2.1 times the "
                          "documents"));
  EXPECT_THAT(warnings_of(uniform(1, 1), 10, 100), ElementsAre(HasSubstr("one position each")));
  EXPECT_THAT(
      warnings_of(uniform(8, 64), 640, 100, 32),
      ElementsAre("buckets 0-9 are wider than the window of 32 tokens in layer 0: queries "
                  "there see only the end of the bucket before; buckets of at most 16 tokens "
                  "would fit"));
  CaptureSection queries = uniform(8, 64);
  queries.capture_keys = false;
  EXPECT_THAT(warnings_of(queries, 640, 100),
              ElementsAre(HasSubstr("capture.capture_keys is false")));
}

// The number after `word` in a text.
double number_after(const std::string& text, const std::string& word) {
  const size_t at = text.find(word);
  return at == std::string::npos ? 0 : std::stod(text.substr(at + word.size()));
}

TEST(Design, AdviceThatIsFollowedSilencesTheWarning) {
  CapturePlan plan;
  plan.layers = {{.query_heads = {0}, .key_heads = {0}, .sliding_window = {}}};
  CaptureSection log = uniform(1, 16);
  log.sampler = SamplerType::kLogUniform;
  const std::vector<int64_t> equal = {510, 510, 510, 510, 510};
  // The last buckets are reached by 4 documents: more of these are needed first.
  const std::vector<int64_t> unequal = {512, 512, 512, 512, 380};
  int num_followed = 0;
  for (const CaptureSection& capture : {uniform(1, 64), uniform(2, 64), uniform(4, 64), log}) {
    const auto few = [&](const CaptureSection& section, const std::vector<int64_t>& lengths,
                         double scale = 1) {
      plan.capture = section;
      std::vector<std::string> found;
      for (const std::string& text :
           design_warnings(plan, design_buckets(section, lengths, scale))) {
        if (text.find("would do") != std::string::npos) found.push_back(text);
      }
      return found;
    };
    for (const auto& lengths : {equal, unequal}) {
      CaptureSection better = capture;
      double times = 1;
      for (const std::string& text : few(capture, lengths)) {
        better.base_rate = std::max(better.base_rate, number_after(text, "base_rate "));
        times = std::max(times, number_after(text, ", or "));
        ++num_followed;
      }
      EXPECT_THAT(few(better, lengths), IsEmpty()) << capture.base_rate;
      EXPECT_GT(times, 1);
      // More documents bring further buckets into the list, unless all are in it.
      if (lengths == unequal) continue;
      EXPECT_THAT(few(capture, lengths, times), IsEmpty()) << times;
    }
  }
  EXPECT_GE(num_followed, 12);
}

TEST(Design, OfUnknownLengthsOnlyWhatIsSureIsSaid) {
  CapturePlan plan;
  plan.capture = uniform(2, 64);
  plan.layers = {{.query_heads = {0}, .key_heads = {0}, .sliding_window = {}}};
  const auto buckets = design_buckets(plan.capture, std::vector<int64_t>{512}, 5);
  EXPECT_THAT(design_warnings(plan, buckets, 512),
              ElementsAre("even if every document had 512 tokens: buckets 0-7 have fewer than 32 "
                          "rows of a head, too few for a covariance of its own (min_queries); "
                          "--dry-run says more",
                          HasSubstr("every document had 512 tokens: buckets 0-7 have fewer")));
}

TEST(Design, LengthsAreThoseOfTheRun) {
  const PreparedRun run = test_run({words(10), words(90), "", words(64)});
  const CorpusLengths lengths = measure_lengths(run);
  EXPECT_THAT(lengths.tokens, ElementsAre(10, 64, 0, 64));
  EXPECT_EQ(lengths.truncated, 1);
  EXPECT_TRUE(lengths.is_whole);
  EXPECT_EQ(lengths.documents, 4);
  EXPECT_EQ(lengths.scale(), 1);
}

}  // namespace design_test
}  // namespace qk
