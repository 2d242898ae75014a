#include "capture/design.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <map>
#include <optional>
#include <string_view>
#include <utility>

#include "base/error.h"
#include "base/number_text.h"
#include "base/range_text.h"
#include "base/utf8.h"
#include "sampling/buckets.h"
#include "sampling/sampler.h"

namespace qk {
namespace {

constexpr int64_t kMeasuredBytes = int64_t{8} << 20;  // of text
constexpr size_t kLongestMeasured = size_t{4} << 20;  // bytes of one text; the rest is estimated

constexpr double kEnoughRows = 32;      // the default of `analyze --min_queries`
constexpr double kEnoughPairs = 32;     // of keys, for a cell
constexpr double kEnoughDocuments = 5;  // below that error bars are very wide, and missing below 3

// Tokens of a text; those of a very long one are estimated from its beginning.
int64_t count_tokens(const PreparedRun& run, const Document& document, bool& truncated) {
  const int64_t most = run.config.tokenizer.max_length;
  const std::string_view text = utf8_prefix(document.text, kLongestMeasured);
  Encoding encoding;
  try {
    encoding = run.tokenizer.encode(text, most);
  } catch (const Error& error) {
    fail("{}: {}", document.place, error.what());
  }
  truncated = encoding.truncated;
  const auto counted = std::ssize(encoding.ids);
  if (truncated || text.size() == document.text.size()) return counted;
  const double all = static_cast<double>(counted) * static_cast<double>(document.text.size()) /
                     static_cast<double>(text.size());
  truncated = all > static_cast<double>(most);
  return truncated ? most : static_cast<int64_t>(all);
}

class Designer {
 public:
  explicit Designer(const CaptureSection& capture)
      : capture_(capture),
        sampler_(capture.sampler, capture.base_rate, capture.min_bucket_size),
        ranges_(capture.sampler, capture.min_bucket_size, BucketRule::kExact) {}

  void add(int64_t length, double documents) {
    if (length <= 0) return;
    double kept = 1;  // the share of the drawn rows that the cap keeps
    if (capture_.max_rows_per_batch) {
      const double drawn = sampler_.expected_rows(length);
      kept = std::min(1.0, static_cast<double>(*capture_.max_rows_per_batch) / drawn);
    }
    for (size_t i = 0; next(i) < length; ++i) {
      if (i == out_.size()) {
        const auto bucket = static_cast<int32_t>(first_bucket() + static_cast<int64_t>(i));
        out_.push_back({.bucket = bucket, .first = next(i), .last = next(i + 1) - 1});
      }
      BucketDesign& bucket = out_[i];
      const auto tokens = static_cast<double>(std::min(length, bucket.last + 1) - bucket.first);
      const double share = kept * sampler_.expected_share(bucket.first);
      bucket.documents += documents;
      bucket.rows += documents * tokens * share;
      bucket.pairs += documents * tokens * (tokens - 1) / 2 * share * share;
    }
  }

  std::vector<BucketDesign> take() { return std::move(out_); }

 private:
  int32_t first_bucket() const { return ranges_.of(0); }
  // The first position of the i-th bucket.
  int64_t next(size_t i) const {
    return ranges_.first_position(static_cast<int32_t>(first_bucket() + static_cast<int64_t>(i)));
  }

  const CaptureSection& capture_;
  PositionSampler sampler_;
  Buckets ranges_;
  std::vector<BucketDesign> out_;
};

// "bucket 3 has", "buckets 3-5 have": those for which `is_one` holds; empty if there are none.
std::string buckets_where(std::span<const BucketDesign> buckets, const char* one, const char* many,
                          const std::function<bool(const BucketDesign&)>& is_one) {
  std::vector<int32_t> found;
  for (const BucketDesign& bucket : buckets) {
    if (is_one(bucket)) found.push_back(bucket.bucket);
  }
  if (found.empty()) return "";
  return fmt::format("bucket{} {} {}", found.size() == 1 ? "" : "s", ranges_text(found),
                     found.size() == 1 ? one : many);
}

// Something of which every bucket should have `enough`. It grows with the documents, and with
// base_rate to `power`.
struct Need {
  double BucketDesign::* value;
  double enough, power;
  bool (*is_meant)(const BucketDesign&);
};

class Warnings {
 public:
  Warnings(const CapturePlan& plan, std::span<const BucketDesign> buckets, bool advises)
      : plan_(plan), capture_(plan.capture), buckets_(buckets), advises_(advises) {}

  std::vector<std::string> make() {
    if (buckets_.empty()) return {};
    kinds();
    if (buckets_.size() == 1) {
      one_bucket();
      return std::move(out_);
    }
    rows();
    pairs();
    documents();
    windows();
    return std::move(out_);
  }

 private:
  void kinds() {
    if (capture_.capture_queries && capture_.capture_keys) return;
    out_.push_back(
        fmt::format("capture.capture_{} is false: plasticity needs both queries and keys",
                    capture_.capture_queries ? "keys" : "queries"));
  }

  void one_bucket() {
    out_.push_back(
        "all positions lie in one bucket, and plasticity compares the queries of a bucket with keys "
        "of earlier ones: there would be none; make capture.min_bucket_size smaller, or take longer "
        "documents (tokenizer.max_length)");
  }

  // A bucket that few documents reach needs documents first, as documents() says, unless all do.
  bool counts(const BucketDesign& bucket) const {
    return bucket.documents >= kEnoughDocuments ||
           std::ranges::none_of(buckets_, [](const BucketDesign& other) {
             return other.documents >= kEnoughDocuments;
           });
  }

  // How many times `value` a bucket would need to have `enough`; 1: it has.
  static double factor(double value, double enough) {
    if (!(value > 0)) return std::numeric_limits<double>::infinity();
    const double factor = enough / value;
    return factor > 1 + 1e-9 ? factor : 1;
  }

  // The base_rate with which a bucket would have `need.enough`; nothing if it is too small for that.
  std::optional<double> rate(const BucketDesign& bucket, const Need& need) const {
    const double wanted = std::pow(factor(bucket.*need.value, need.enough), 1 / need.power);
    const double rate = std::ceil(capture_.base_rate * wanted - 1e-9);
    const double most = capture_.sampler == SamplerType::kLogUniform
                            ? std::ldexp(1.0, bucket.bucket)  // all positions are drawn
                            : static_cast<double>(capture_.min_bucket_size);
    return rate <= most ? std::optional(rate) : std::nullopt;
  }

  std::string rate_advice(const std::vector<BucketDesign>& helped, const Need& need) const {
    double most = 0, times = 1;
    for (const BucketDesign& bucket : helped) {
      most = std::max(most, rate(bucket, need).value_or(0));
      times = std::max(times, factor(bucket.*need.value, need.enough));
    }
    return fmt::format("capture.sampler.base_rate {:.0f} would do, or {:.1f} times the documents",
                       most, std::ceil(10 * times - 1e-6) / 10);
  }

  std::string other_advice() const {
    if (capture_.max_rows_per_batch && capture_.sampler != SamplerType::kAll) {
      return "raise capture.max_rows_per_batch and capture.sampler.base_rate, or add documents";
    }
    return capture_.sampler == SamplerType::kLogUniform
               ? "add documents"
               : "add documents, or make the buckets wider";
  }

  // One warning for the buckets that the same helps; `lack` follows "buckets 3-5 have ".
  void few(const Need& need, const std::string& lack) {
    const bool is_fixed = capture_.sampler == SamplerType::kAll || capture_.max_rows_per_batch;
    std::vector<BucketDesign> rate_helps, more_helps, nothing_drawn;
    for (const BucketDesign& bucket : buckets_) {
      if (!need.is_meant(bucket) || factor(bucket.*need.value, need.enough) <= 1) continue;
      if (!counts(bucket)) continue;
      (!(bucket.*need.value > 0)         ? nothing_drawn
       : is_fixed || !rate(bucket, need) ? more_helps
                                         : rate_helps)
          .push_back(bucket);
    }
    const auto tell = [&](const std::vector<BucketDesign>& buckets, const std::string& what_helps) {
      const std::string which =
          buckets_where(buckets, "has", "have", [](const auto&) { return true; });
      out_.push_back(which + " " + lack + (advises_ ? ": " + what_helps : ""));
    };
    if (!rate_helps.empty()) tell(rate_helps, rate_advice(rate_helps, need));
    if (!more_helps.empty()) tell(more_helps, other_advice());
    if (!nothing_drawn.empty()) tell(nothing_drawn, "take longer documents (tokenizer.max_length)");
  }

  void rows() {
    few({&BucketDesign::rows, kEnoughRows, 1, [](const BucketDesign&) { return true; }},
        fmt::format("fewer than {:.0f} rows of a head, too few for a covariance of its own "
                    "(min_queries)",
                    kEnoughRows));
  }

  void pairs() {
    const std::string none = buckets_where(buckets_, "holds", "hold",
                                           [](const BucketDesign& b) { return b.first == b.last; });
    if (!none.empty()) {
      out_.push_back(none +
                     " one position each, and so no two keys of a document that could be "
                     "compared: make capture.min_bucket_size larger");
    }
    few({&BucketDesign::pairs, kEnoughPairs, 2,
         [](const BucketDesign& bucket) { return bucket.first < bucket.last; }},
        fmt::format("fewer than {:.0f} pairs of keys (two keys of one document in one bucket)",
                    kEnoughPairs));
  }

  void documents() {
    const std::string which =
        buckets_where(buckets_, "is reached", "are reached",
                      [](const BucketDesign& b) { return b.documents < kEnoughDocuments; });
    if (which.empty()) return;
    out_.push_back(fmt::format(
        "{} by fewer than {:.0f} documents: error bars there would be very wide, or missing; "
        "lower tokenizer.max_length, or add long documents",
        which, kEnoughDocuments));
  }

  // A query of a later bucket reaches the bucket before, at least; but if the window is narrower
  // than a bucket, few of its keys.
  void windows() {
    std::map<int32_t, std::vector<int32_t>> layers;  // by window
    for (size_t i = 0; i < plan_.layers.size(); ++i) {
      const LayerPlan& layer = plan_.layers[i];
      if (layer.skip == Skip::kNone && layer.sliding_window) {
        layers[*layer.sliding_window].push_back(static_cast<int32_t>(i));
      }
    }
    for (const auto& [window, those] : layers) {
      const std::string which =
          buckets_where(buckets_, "is wider", "are wider",
                        [w = window](const BucketDesign& b) { return b.last - b.first + 1 > w; });
      if (which.empty()) continue;
      out_.push_back(fmt::format(
          "{} than the window of {} tokens in layer{} {}: queries there see only the end of the "
          "bucket before; {}buckets of at most {} tokens would fit",
          which, window, those.size() == 1 ? "" : "s", ranges_text(those),
          capture_.sampler == SamplerType::kLogUniform ? "the sampler uniform with " : "",
          std::max(1, window / 2)));
    }
  }

  const CapturePlan& plan_;
  const CaptureSection& capture_;
  std::span<const BucketDesign> buckets_;
  bool advises_;
  std::vector<std::string> out_;
};

}  // namespace

double CorpusLengths::scale() const {
  if (is_whole || !documents || tokens.empty()) return 1;
  return static_cast<double>(*documents) / static_cast<double>(tokens.size());
}

CorpusLengths measure_lengths(const PreparedRun& run) {
  CorpusLengths out;
  int64_t bytes = 0;
  while (bytes < kMeasuredBytes) {
    const std::optional<Document> document = run.corpus->next();
    if (!document) {
      out.is_whole = true;
      out.documents = std::ssize(out.tokens);
      return out;
    }
    bool truncated = false;
    const bool has_text = document->fault == TextFault::kNone;
    out.tokens.push_back(has_text ? count_tokens(run, *document, truncated) : 0);
    out.truncated += truncated ? 1 : 0;
    // A row without text costs its reading, too.
    bytes += std::ssize(document->text) + 64;
  }
  out.documents = run.corpus->num_documents();
  out.is_whole = out.documents == std::ssize(out.tokens);
  return out;
}

std::vector<BucketDesign> design_buckets(const CaptureSection& capture,
                                         std::span<const int64_t> lengths, double scale) {
  Designer designer(capture);
  for (const int64_t length : lengths) designer.add(length, scale);
  return designer.take();
}

std::vector<std::string> design_warnings(const CapturePlan& plan,
                                         std::span<const BucketDesign> buckets) {
  return Warnings(plan, buckets, /*advises=*/true).make();
}

std::vector<std::string> design_warnings(const CapturePlan& plan,
                                         std::span<const BucketDesign> buckets,
                                         int64_t assumed_length) {
  std::vector<std::string> out = Warnings(plan, buckets, /*advises=*/false).make();
  for (std::string& sentence : out) {
    if (sentence.find(" fewer than ") == std::string::npos) continue;
    sentence = fmt::format("even if every document had {}: {}; --dry-run says more",
                           plural(assumed_length, "token"), sentence);
  }
  return out;
}

}  // namespace qk
