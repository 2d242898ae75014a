#include "draft/settings.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <functional>
#include <numeric>
#include <span>
#include <string_view>

#include "base/number_text.h"

namespace qk {
namespace {

// Documents: docs/methods.md, "How much is enough".
constexpr int64_t kEnoughDocuments = 1000;  // of a corpus, 50 of which reach the last bucket
constexpr int64_t kReachingDocuments = 20;  // that reach the last bucket, if there are so many
constexpr double kReachingPart = 0.05;      // ... and this part of all
// Rows of one head and pairs of keys in every bucket.
constexpr double kWantedRows = 128, kWantedPairs = 128;
constexpr double kMostRate = 64;  // rows of one document resemble each other
constexpr int64_t kManyHeads = 400, kSampledHeads = 300;
constexpr int64_t kFewestBuckets = 16;  // of a long document
constexpr int64_t kNarrowest = 32;      // tokens, of a bucket of a document of many tokens
constexpr int64_t kBatchTokens = 8192, kMostBatch = 32;
constexpr double kMostBytes = 50e9;  // of vectors

// The largest power of two that is at most `number`, and at least 1.
int64_t power_of_two(int64_t number) {
  return static_cast<int64_t>(std::bit_floor(static_cast<uint64_t>(std::max<int64_t>(number, 1))));
}

class Drafter {
 public:
  Drafter(const SniffConfig& config, const Model& model, const LengthSample& lengths)
      : model_(model) {
    out_.config = config;
    lengths_ = lengths.tokens;
    scale_ = lengths.scale();
    limit_documents(lengths);
    std::erase(lengths_, 0);
    std::sort(lengths_.begin(), lengths_.end());
  }

  Draft make() {
    choose_layers();
    choose_length();
    choose_buckets();
    choose_heads();
    choose_rate();
    choose_batch();
    choose_dtype();
    reckon();
    return std::move(out_);
  }

 private:
  CaptureSection& capture() { return out_.config.capture; }
  int64_t& max_length() { return out_.config.tokenizer.max_length; }

  void limit_documents(const LengthSample& lengths) {
    const int64_t all = lengths.documents.value_or(std::ssize(lengths.tokens));
    std::string& why = out_.reasons["dataset.max_samples"];
    const bool is_known = lengths.documents || lengths.is_whole || all == 0;
    if (is_known && all <= kEnoughDocuments) {
      why = fmt::format("all {}", plural(all, "document"));
      return;
    }
    if (all <= kEnoughDocuments) {  // a capture of documents that nobody counted might fill a disk
      out_.config.dataset.max_samples = all;
      why = fmt::format(
          "the first {}: the corpus has more, and only these were looked at; null takes all",
          count_text(all));
      scale_ = 1;
      return;
    }
    out_.config.dataset.max_samples = kEnoughDocuments;
    why = fmt::format(
        "the first {} of {}{}; more documents make error bars smaller, with the square root of "
        "their number; null takes all",
        count_text(kEnoughDocuments), lengths.documents ? "" : "more than ", count_text(all));
    if (std::ssize(lengths_) > kEnoughDocuments) {
      lengths_.resize(static_cast<size_t>(kEnoughDocuments));
    }
    scale_ = static_cast<double>(kEnoughDocuments) / static_cast<double>(lengths_.size());
  }

  // Layers with a window see little of a long document.
  void choose_layers() {
    int64_t full = 0;
    int64_t windowed = 0;
    for (const LayerConfig& layer : model_.config.layers) {
      if (!layer.runs) continue;
      ++(layer.sliding_window > 0 ? windowed : full);
      if (layer.sliding_window > 0) {
        window_ = window_ == 0 ? layer.sliding_window : std::min(window_, layer.sliding_window);
      }
    }
    std::string& why = out_.reasons["capture.full_attention_only"];
    if (windowed == 0) {
      why = "no layer of the model has a sliding window";
      window_ = 0;
      return;
    }
    capture().full_attention_only = full > 0;
    if (full == 0) {
      why = fmt::format("every layer has a sliding window (of {} tokens): all are captured",
                        count_text(window_));
      return;
    }
    why = fmt::format(
        "{} of {} layers have a sliding window (of {} tokens) and see only a part of a document: "
        "they are left out; false captures them, too",
        windowed, full + windowed, count_text(window_));
    window_ = 0;
  }

  void choose_length() {
    std::string& why = out_.reasons["tokenizer.max_length"];
    const int64_t context = longest_context(model_.config);
    if (lengths_.empty()) {
      max_length() = TokenizerSection{}.max_length;
      if (context > 0) max_length() = std::min(max_length(), context);
      why = "no document has a token: this is the default";
      return;
    }
    const int64_t count = std::ssize(lengths_);
    const auto part = static_cast<int64_t>(std::ceil(kReachingPart * static_cast<double>(count)));
    reaching_ = std::clamp<int64_t>(std::max(kReachingDocuments, part), 1, (count + 1) / 2);
    const int64_t reached = lengths_[static_cast<size_t>(count - reaching_)];
    const bool is_cut = context > 0 && context < reached;
    max_length() = std::min({reached, is_cut ? context : reached, kLongestPlanned});
    why = is_cut ? fmt::format("the model's longest context; {} of {} documents are longer",
                               count_text(longer_than(context)), count_text(count))
                 : fmt::format(
                       "{} of {} documents that were looked at are at least so long (the "
                       "longest has {} tokens{}); the rest of a longer one is cut off",
                       count_text(count - below(max_length())), count_text(count),
                       count_text(lengths_.back()),
                       context > 0 ? fmt::format("; the model's context is {}", count_text(context))
                                   : "");
  }

  int64_t below(int64_t length) const {
    return std::lower_bound(lengths_.begin(), lengths_.end(), length) - lengths_.begin();
  }
  int64_t longer_than(int64_t length) const { return std::ssize(lengths_) - below(length + 1); }

  void choose_buckets() {
    const int64_t length = max_length();
    int64_t width = std::max(kNarrowest, power_of_two(length / kFewestBuckets));
    if (length < 4 * kNarrowest) width = std::max<int64_t>(2, power_of_two(length / 4));
    if (window_ > 0) width = std::max<int64_t>(2, std::min(width, power_of_two(window_ / 2)));
    const int64_t median = lengths_.empty() ? length : lengths_[lengths_.size() / 2];
    std::string& why = out_.reasons["capture.min_bucket_size"];
    if (median < width && window_ == 0) {
      capture().sampler = SamplerType::kLogUniform;
      capture().min_bucket_size = std::max<int64_t>(2, power_of_two(median / 4));
      out_.reasons["capture.sampler.type"] = fmt::format(
          "half of the documents have less than {} tokens, a few up to {}: buckets that double "
          "suit both (draw the figures with --bucket_type log)",
          count_text(median + 1), count_text(length));
      why = "the lowest bucket, a quarter of the median document";
      return;
    }
    capture().sampler = SamplerType::kUniform;
    capture().min_bucket_size = width;
    out_.reasons["capture.sampler.type"] = "buckets of equal width, comparable along the document";
    const int64_t buckets = std::max<int64_t>(1, length / width);
    if (length >= width) max_length() = buckets * width;  // the last bucket is a whole one
    why = fmt::format("{} of a document of {} tokens{}", plural(buckets, "bucket"),
                      count_text(max_length()),
                      window_ > 0 ? ", none wider than half the window" : "");
  }

  void choose_heads() {
    const CapturePlan plan = make_plan(out_.config, model_.config, *model_.architecture);
    std::string& why = out_.reasons["capture.head_sampling"];
    if (plan.num_query_heads <= kManyHeads) {
      why = fmt::format("all {} and {}", plural(plan.num_query_heads, "query head"),
                        plural(plan.num_key_heads, "key head"));
      return;
    }
    capture().head_sampling = HeadSampling{.count = kSampledHeads, .seed = 0};
    why = fmt::format(
        "{} of {} query heads, drawn from all layers, with their key heads; null "
        "captures all",
        count_text(kSampledHeads), count_text(plan.num_query_heads));
  }

  std::vector<BucketDesign> buckets() {
    std::vector<int64_t> cut = lengths_;
    for (int64_t& length : cut) length = std::min(length, max_length());
    return design_buckets(capture(), cut, scale_);
  }

  double total_bytes(const CapturePlan& plan, std::span<const BucketDesign> buckets) const {
    double rows = 0;
    for (const BucketDesign& bucket : buckets) rows += bucket.rows;
    return rows * static_cast<double>(plan.num_files()) * row_bytes(plan);
  }

  // Of the buckets that the wanted number of documents reaches.
  bool is_enough() {
    const auto reached = static_cast<double>(reaching_) * scale_;
    for (const BucketDesign& bucket : buckets()) {
      if (bucket.documents < reached) continue;
      if (bucket.rows < kWantedRows || bucket.pairs < kWantedPairs) return false;
    }
    return true;
  }

  void choose_rate() {
    const auto width = static_cast<double>(capture().min_bucket_size);
    const double most = std::min(kMostRate, std::max(1.0, width / 2));
    double& rate = capture().base_rate;
    rate = 1;
    while (rate < most && !is_enough()) rate *= 2;
    const CapturePlan plan = make_plan(out_.config, model_.config, *model_.architecture);
    const double wanted = rate;
    while (rate > 1 && total_bytes(plan, buckets()) > kMostBytes) rate /= 2;
    const std::string per_bucket = "rows of a document in a bucket: ";
    std::string& why = out_.reasons["capture.sampler.base_rate"];
    if (rate < wanted) {
      why = fmt::format("{}{} would be enough for every bucket, but vectors are to stay below {}",
                        per_bucket, wanted, bytes_text(kMostBytes));
    } else if (is_enough()) {
      why =
          fmt::format("{}enough for {:.0f} rows of a head and {:.0f} pairs of keys in every bucket",
                      per_bucket, kWantedRows, kWantedPairs);
    } else {
      why = per_bucket +
            "not more, since rows of one document resemble each other; only more "
            "documents would make every bucket full";
    }
  }

  void choose_batch() {
    const int64_t median = lengths_.empty() ? kBatchTokens : lengths_[lengths_.size() / 2];
    const int64_t length = std::max<int64_t>(1, std::min(median, max_length()));
    out_.config.inference.batch_size = std::clamp<int64_t>(kBatchTokens / length, 1, kMostBatch);
    out_.reasons["inference.batch_size"] =
        "documents computed together, up to 8,192 tokens; no result depends on it";
  }

  void choose_dtype() {
    const DType stored = model_.embedding.dtype;
    out_.config.model.dtype = stored == DType::kF16   ? "float16"
                              : stored == DType::kF32 ? "float32"
                                                      : "bfloat16";
    out_.reasons["model.dtype"] =
        stored == DType::kF16 || stored == DType::kF32 || stored == DType::kBF16
            ? "as the weights are stored; it matters on a GPU only: a CPU computes in float32"
            : "it matters on a GPU only: a CPU computes in float32";
  }

  void reckon() {
    out_.plan = make_plan(out_.config, model_.config, *model_.architecture);
    out_.buckets = buckets();
    for (const BucketDesign& bucket : out_.buckets) out_.rows += bucket.rows;
    out_.rows *= static_cast<double>(out_.plan.num_files());
    out_.bytes = out_.rows * row_bytes(out_.plan);
    out_.documents = static_cast<double>(lengths_.size()) * scale_;
    for (const int64_t length : lengths_) {
      out_.tokens += scale_ * static_cast<double>(std::min(length, max_length()));
    }
    out_.warnings = design_warnings(out_.plan, out_.buckets);
    if (lengths_.empty()) {
      out_.warnings.emplace_back(
          "no document that was read has a token: a run that captures nothing is refused");
    }
  }

  const Model& model_;
  Draft out_;
  std::vector<int64_t> lengths_;  // tokens, ascending, without those of none
  double scale_ = 1;              // documents for each of them
  int64_t reaching_ = 1;          // of lengths_ that reach max_length
  int64_t window_ = 0;            // the narrowest of the captured layers; 0: none has one
};

}  // namespace

Draft draft_settings(const SniffConfig& config, const Model& model, const LengthSample& lengths) {
  return Drafter(config, model, lengths).make();
}

}  // namespace qk
