#include "compare/comparison.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <set>
#include <span>
#include <utility>

#include "base/error.h"
#include "base/path_text.h"
#include "plasticity/head_metrics.h"
#include "report/csv_number.h"
#include "stats/correlation.h"
#include "stats/false_discovery.h"

namespace qk {
namespace {

constexpr double kNoNumber = std::numeric_limits<double>::quiet_NaN();
constexpr const char* kOtherBuckets = "other buckets";

using Head = std::pair<int64_t, int64_t>;

Head key_of(const HeadNumbers& head) { return {head.layer, head.q_head}; }

bool is_p_value(const std::string& metric) {
  const auto fields = metric_fields();
  const auto it = std::ranges::find(fields, metric, &MetricField::name);
  return it != fields.end() && it->scale == ValueScale::kPValue;
}

const HeadNumbers* find_head(const AnalysisResults& results, const Head& key) {
  const auto it = std::ranges::lower_bound(results.heads, key, {}, key_of);
  return it == results.heads.end() || key_of(*it) != key ? nullptr : &*it;
}

std::string differences_text(const std::vector<SettingDifference>& different, SettingGroup group) {
  std::vector<std::string> out;
  for (const SettingDifference& one : different) {
    if (one.a.group != group) continue;
    out.push_back(fmt::format("{} {} and {}", one.a.name, printable(*one.a.value, 60),
                              printable(*one.b.value, 60)));
  }
  return fmt::format("{}", fmt::join(out, "; "));
}

void refuse_other_heads(const AnalysisResults& a, const AnalysisResults& b,
                        const SettingsComparison& settings) {
  if (settings.differ_in(SettingGroup::kHeads)) {
    fail("{} and {}: their heads cannot be compared one by one: {}", path_text(a.csv),
         path_text(b.csv), differences_text(settings.different, SettingGroup::kHeads));
  }
  bool has_common = false;
  for (const HeadNumbers& of_a : a.heads) {
    const HeadNumbers* of_b = find_head(b, key_of(of_a));
    if (of_b == nullptr) continue;
    has_common = true;
    const auto refuse = [&](const char* column, int64_t x, int64_t y) {
      if (x == y) return;
      fail(
          "{} and {}: their heads cannot be compared one by one: layer {}, query head {}: {} is "
          "{} and {}",
          path_text(a.csv), path_text(b.csv), of_a.layer, of_a.q_head, column, x, y);
    };
    refuse("k_head", of_a.k_head, of_b->k_head);
    refuse("d_model", of_a.head_dim, of_b->head_dim);
  }
  if (!has_common) {
    fail("{} and {}: have no head in common", path_text(a.csv), path_text(b.csv));
  }
}

// How the buckets differ, or nothing.
std::string bucket_difference(const AnalysisResults& a, const AnalysisResults& b,
                              const SettingsComparison& settings) {
  if (settings.differ_in(SettingGroup::kBuckets)) {
    return differences_text(settings.different, SettingGroup::kBuckets);
  }
  if (!a.last_q_bucket || !b.last_q_bucket || *a.last_q_bucket == *b.last_q_bucket) return "";
  return fmt::format("the last query bucket is {} and {}", *a.last_q_bucket, *b.last_q_bucket);
}

void add_warnings(const AnalysisResults& a, const AnalysisResults& b, Comparison& out) {
  for (const AnalysisResults* one : {&a, &b}) {
    if (one->has_record) continue;
    out.warnings.push_back(
        fmt::format("{}: has no record, so model, documents, buckets and method are not known",
                    path_text(one->csv)));
  }
  if (a.has_record && b.has_record && !out.settings.unknown.empty()) {
    out.warnings.push_back(fmt::format("not recorded by both, so possibly different: {}",
                                       fmt::join(out.settings.unknown, ", ")));
  }
  std::vector<std::string_view> names;
  for (const SettingGroup group : out.settings.subjects()) names.push_back(name_of(group));
  if (names.size() < 2) return;
  out.warnings.push_back(fmt::format(
      "A and B differ in {} things ({}): a difference cannot be ascribed to one of them",
      names.size(), fmt::join(names, ", ")));
}

// Whether equal example ids mean equal documents.
bool has_same_corpus(const AnalysisResults& a, const AnalysisResults& b) {
  for (const char* name : {"corpus", "dataset"}) {
    const auto of_a = value_of(a.settings, name);
    const auto of_b = value_of(b.settings, name);
    if (of_a && of_b && *of_a == *of_b) return true;
    if (of_a && of_b) return false;
  }
  return false;
}

void decide_pairing(const AnalysisResults& a, const AnalysisResults& b, Comparison& out) {
  for (const AnalysisResults* one : {&a, &b}) {
    if (one->replicates) continue;
    if (!one->has_record) {
      out.pairing_reason =
          fmt::format("{} has no record, which would name its replicates", path_text(one->csv));
      return;
    }
    out.pairing_reason = fmt::format(
        "{} has no head_replicates.parquet: `qkscope analyze` writes it with error bars",
        path_text(one->csv));
    return;
  }
  out.pairing = Pairing::kIndependent;
  if (!has_same_corpus(a, b)) {
    const bool is_known = value_of(a.settings, "corpus") && value_of(b.settings, "corpus");
    out.pairing_reason = is_known ? "the documents are not the same"
                                  : "the datasets do not record whether the documents are the same";
  } else if (a.replicates->kind != b.replicates->kind) {
    out.pairing_reason = "one has jackknife, the other bootstrap replicates";
  } else if (a.replicates->kind == ErrorBars::kBootstrap &&
             a.replicates->seed != b.replicates->seed) {
    out.pairing_reason = "the bootstraps have different seeds";
  } else {
    out.pairing = Pairing::kPaired;
  }
}

std::optional<ReplicateSeries> find_series(const AnalysisResults& results, const HeadNumbers& head,
                                           const std::string& metric) {
  const auto& rows = results.replicates->rows;
  // Only ap_overall depends on the method; the others stand under the first one.
  const std::string& method = metric == "ap_overall" ? results.method : results.methods.front();
  const auto it = rows.find({head.layer, head.q_head, method, metric});
  if (it == rows.end()) return {};
  return series_of(*results.replicates, it->second);
}

// The errors of one metric: of each head, and of the mean over heads.
class MetricErrors {
 public:
  MetricErrors(const AnalysisResults& a, const AnalysisResults& b, std::string metric,
               Pairing pairing, double confidence)
      : a_(a), b_(b), metric_(std::move(metric)), pairing_(pairing), confidence_(confidence) {}

  DifferenceError of(const HeadNumbers& of_a, const HeadNumbers& of_b) {
    if (pairing_ == Pairing::kNone) return no_error("no replicates");
    if (is_p_value(metric_)) return no_error(note_text(IntervalNote::kPValue));
    auto first = find_series(a_, of_a, metric_);
    auto second = find_series(b_, of_b, metric_);
    if (!first || !second) {
      is_whole_ = false;
      return no_error("no replicates");
    }
    series_a_.push_back(*first);
    series_b_.push_back(*second);
    if (pairing_ == Pairing::kPaired) {
      if (auto difference = difference_series(*first, *second)) {
        differences_.push_back(std::move(*difference));
        return paired_error(differences_.back(), confidence_);
      }
    }
    return independent_error(*first, *second, confidence_);
  }

  DifferenceError of_mean() const {
    if (pairing_ == Pairing::kNone || !is_whole_) return no_error("no replicates");
    if (differences_.size() == series_a_.size()) {
      if (const auto mean = mean_series(differences_)) return paired_error(*mean, confidence_);
    }
    const auto mean_a = mean_series(series_a_);
    const auto mean_b = mean_series(series_b_);
    if (!mean_a || !mean_b) return no_error("the heads have different documents");
    return independent_error(*mean_a, *mean_b, confidence_);
  }

 private:
  const AnalysisResults& a_;
  const AnalysisResults& b_;
  std::string metric_;
  Pairing pairing_;
  double confidence_;
  bool is_whole_ = true;  // every head has replicates
  std::vector<ReplicateSeries> series_a_, series_b_, differences_;
};

void add_note(std::string_view note, std::string& notes) {
  if (!notes.empty() && !note.empty()) notes += "; ";
  notes += note;
}

void summarise(const CompareOptions& options, MetricComparison& out) {
  std::vector<double> of_a;
  std::vector<double> of_b;
  std::vector<double> p_values;
  for (const HeadDifference& head : out.heads) {
    p_values.push_back(head.error.p_value);
    if (!std::isnan(head.error.p_value)) ++out.num_tested;
    if (head.error.p_value < 1 - options.confidence) ++out.num_below;
    if (std::isnan(head.difference)) continue;
    of_a.push_back(head.a);
    of_b.push_back(head.b);
  }
  const std::vector<bool> significant = false_discovery_tests(p_values, options.fdr);
  for (size_t i = 0; i < significant.size(); ++i) {
    out.heads[i].is_significant = significant[i];
    if (significant[i]) ++out.num_significant;
  }
  const auto count = static_cast<double>(of_a.size());
  out.num_pairs = std::ssize(of_a);
  out.mean_a = out.mean_b = of_a.empty() ? kNoNumber : 0;
  for (const double value : of_a) out.mean_a += value / count;
  for (const double value : of_b) out.mean_b += value / count;
  out.mean_difference = out.mean_b - out.mean_a;
  out.spearman = spearman_correlation(of_a, of_b);
  out.pearson = pearson_correlation(of_a, of_b);
}

size_t column_of(const AnalysisResults& results, const std::string& metric) {
  const auto it = std::ranges::find(results.metrics, metric);
  return static_cast<size_t>(it - results.metrics.begin());
}

MetricComparison compare_metric(const AnalysisResults& a, const AnalysisResults& b,
                                const std::string& metric, Pairing pairing,
                                const CompareOptions& options, const std::string& warning) {
  MetricComparison out;
  out.metric = metric;
  const size_t column_a = column_of(a, metric);
  const size_t column_b = column_of(b, metric);
  MetricErrors errors(a, b, metric, pairing, options.confidence);
  for (const HeadNumbers& of_a : a.heads) {
    const HeadNumbers* of_b = find_head(b, key_of(of_a));
    if (of_b == nullptr) continue;
    HeadDifference head{.layer = of_a.layer,
                        .q_head = of_a.q_head,
                        .k_head = of_a.k_head,
                        .a = of_a.values[column_a],
                        .b = of_b->values[column_b],
                        .difference = of_b->values[column_b] - of_a.values[column_a],
                        .error = no_error("no value")};
    if (!std::isnan(head.difference)) head.error = errors.of(of_a, *of_b);
    add_note(warning, head.error.note);
    out.heads.push_back(std::move(head));
  }
  summarise(options, out);
  out.mean_error = errors.of_mean();
  return out;
}

std::vector<HeadNumbers> heads_without(const AnalysisResults& here, const AnalysisResults& there) {
  std::vector<HeadNumbers> out;
  for (const HeadNumbers& head : here.heads) {
    if (find_head(there, key_of(head)) == nullptr) out.push_back(head);
  }
  return out;
}

}  // namespace

Comparison compare_results(const AnalysisResults& a, const AnalysisResults& b,
                           const CompareOptions& options) {
  Comparison out;
  out.settings = compare_settings(a.settings, b.settings);
  refuse_other_heads(a, b, out.settings);
  std::string warning;
  if (const std::string buckets = bucket_difference(a, b, out.settings); !buckets.empty()) {
    if (!options.anyway) {
      fail(
          "{} and {}: their buckets differ ({}), so ap_overall is the mean of other cells; "
          "--anyway compares them all the same",
          path_text(a.csv), path_text(b.csv), buckets);
    }
    warning = kOtherBuckets;
    out.warnings.push_back(
        fmt::format("the buckets differ ({}), so ap_overall is the mean of other cells", buckets));
  }
  add_warnings(a, b, out);
  decide_pairing(a, b, out);
  for (const std::string& metric : a.metrics) {
    if (column_of(b, metric) == b.metrics.size()) continue;
    out.metrics.push_back(compare_metric(a, b, metric, out.pairing, options, warning));
  }
  if (out.metrics.empty()) {
    fail("{} and {}: have no metric in common", path_text(a.csv), path_text(b.csv));
  }
  out.only_a = heads_without(a, b);
  out.only_b = heads_without(b, a);
  return out;
}

std::string comparison_header() {
  return "layer,q_head,k_head,metric,a,b,difference,ci_low,ci_high,std_error,p_value,significant,"
         "note";
}

std::string comparison_lines(const Comparison& comparison) {
  std::string out;
  for (const MetricComparison& metric : comparison.metrics) {
    for (const HeadDifference& head : metric.heads) {
      out += fmt::format("{},{},{},{}", head.layer, head.q_head, head.k_head, metric.metric);
      const DifferenceError& error = head.error;
      for (const double value : {head.a, head.b, head.difference, error.low, error.high,
                                 error.std_error, error.p_value}) {
        out += ',';
        append_csv_number(out, value);
      }
      const bool is_tested = !std::isnan(error.p_value);
      out += fmt::format(",{},{}\n",
                         !is_tested            ? ""
                         : head.is_significant ? "true"
                                               : "false",
                         error.note);
    }
  }
  return out;
}

}  // namespace qk
