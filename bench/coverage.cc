// How often do the error bars hold the right value? Tries every method on many samples of heads
// whose plasticity is known, and prints the tables of docs/methods.md, "Truth".
//
//   coverage truth                                  truth and limit of every method
//   coverage bars [samples] [error bars] [head]     coverage for 3 to 500 documents
//   coverage metrics [samples] [error bars] [head]  the same for the other numbers of a head
//
// error bars: jackknife (default), t, percentile or bias-corrected; the last three bootstrap.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "heads/document_index.h"
#include "heads/key_groups.h"
#include "known_heads.h"
#include "plasticity/head_seeds.h"
#include "plasticity/measure_head.h"
#include "plasticity/plasticity_method.h"
#include "plasticity/query_noise.h"
#include "stats/document_interval.h"
#include "stats/resample_counts.h"

namespace qk {
namespace {

// Methods that are measured together.
struct Run {
  std::vector<std::string> methods;
  Covariance covariance = Covariance::kFull;  // of `linear`
};
const Run kDiagonal{{"linear"}, Covariance::kDiagonal};
const Run kFull{{"linear", "bucket", "counted", "online"}};
const Run kBucket{{"bucket"}};
constexpr double kHalfLife = 64;  // of `online`
constexpr int64_t kDocuments[] = {3, 5, 10, 20, 50, 100, 500};
constexpr int64_t kManyDocuments = 20'000;  // of a limit
constexpr int64_t kManyPairs = 5'000;       // in each cell
constexpr int64_t kPairs = 64;              // in each cell of a sample
constexpr int64_t kDraws = 200;             // of a bootstrap

std::vector<KnownHead> known_heads() {
  return {
      {.name = "drifting", .drift = 5},
      {.name = "content-driven", .start = 2},
      {.name = "undecided", .start = 0},
      {.name = "turning", .turning = 1.5},
      {.name = "turning, windowed", .turning = 1.5, .window = 128},
      {.name = "windowed", .drift = 5, .window = 128, .far_keys_aside = true},
      {.name = "rotated noise", .drift = 5, .rotated = true},
      {.name = "heavy-tailed", .start = 1, .drift = 4, .heavy = true},
      {.name = "two kinds", .start = 3, .two_kinds = true},
      {.name = "correlated", .start = 2, .drift = 4, .shared = 0.5, .unequal = true},
  };
}

struct Number {
  double value = kNotANumber;
  Interval interval;
};
using Numbers = std::map<std::string, Number>;

MeasureOptions options_of(const Run& run, const ErrorBarOptions& bars, int64_t pairs,
                          int64_t seed) {
  MeasureOptions out;
  out.methods = run.methods;
  out.covariance = run.covariance;
  out.error_bars = bars;
  out.num_pairs_per_bucket = pairs;
  out.seed = seed;
  out.method_options.online_half_life = kHalfLife;
  return out;
}

std::string label_of(const MeasureOptions& options, const std::string& method) {
  if (method != "linear") return method;
  return options.covariance == Covariance::kFull ? "linear, full" : "linear, diagonal";
}

// ap_overall of every method.
Numbers plasticity_of(const KnownTables& tables, const KnownHead& head,
                      const MeasureOptions& options) {
  const KeyGroups groups(tables.keys);
  const BucketRanges ranges = BucketRanges::uniform(head.width);
  QueryFit fit = fit_queries(tables.queries, false);
  measure_noise(tables.queries, fit, {});
  const DocumentIndex documents = index_documents(tables.queries, tables.keys);
  const PlasticityInput input{
      options,   tables.queries, tables.keys, groups, fit, ranges, key_pairs_seed(options, 0, 0),
      &documents};
  const auto counts =
      ResampleCounts::of_options(documents.num_documents(), options.error_bars, options.seed);
  Numbers out;
  for (const std::string& method : options.methods) {
    Number& number = out[label_of(options, method)];
    number.value = find_method(method).measure(input).ap_overall;
    if (!options.error_bars.wanted()) continue;
    const PlasticityReplicates found = find_method(method).replicates({input, documents, counts});
    number.interval = document_interval(number.value, std::span(found.ap_overall).subspan(1),
                                        found.pairs.effective_documents, ValueScale::kFraction,
                                        options.error_bars);
  }
  return out;
}

// The other numbers of a head; `cell`: of query bucket 5 and key bucket 4; `trend`: the slope over
// position at fixed distance; both of the first method.
Numbers metrics_of(const KnownTables& tables, const KnownHead& head,
                   const MeasureOptions& options) {
  const KeyGroups groups(tables.keys);
  const HeadMetrics metrics = measure_head(options, {}, tables.queries, tables.keys, groups,
                                           BucketRanges::uniform(head.width));
  Numbers out;
  for (const MetricField& field : metric_fields()) out[field.name].value = metrics.*field.value;
  for (const MetricInterval& row : metrics.intervals) out[row.metric].interval = row.interval;
  const MethodResult& first = metrics.methods.front();
  for (size_t c = 0; c < first.cells.size(); ++c) {
    if (first.cells[c].q_bucket != 5 || first.cells[c].k_bucket != 4) continue;
    Number& cell = out["cell"];
    cell.value = first.cells[c].value;
    if (!first.cell_intervals.empty()) cell.interval = first.cell_intervals[c];
  }
  out["trend"] = {first.trends.front().values.front(), first.trends.front().interval};
  return out;
}

using Measure = Numbers (*)(const KnownTables&, const KnownHead&, const MeasureOptions&);

// What the methods say of endlessly many documents.
Numbers limit(Measure measure, const Run& run, const KnownHeadSource& source,
              const KnownHead& head) {
  return measure(source.sample(kManyDocuments, 1), head, options_of(run, {}, kManyPairs, 0));
}

// Of one number over many samples.
class Coverage {
 public:
  void add(const Number& number, double right) {
    if (std::isnan(number.value)) return;
    sum_ += number.value - right;
    squares_ += (number.value - right) * (number.value - right);
    ++values_;
    if (!number.interval.has_value()) return;
    held_ += number.interval.low <= right && right <= number.interval.high ? 1 : 0;
    ++intervals_;
  }
  // Percent held, and the bias in standard deviations; empty if no sample has an interval.
  std::string text() const {
    const double n = std::max(values_, 1);
    const double bias = sum_ / n;
    const double deviation = std::sqrt(std::max(0.0, squares_ / n - bias * bias));
    if (intervals_ == 0) return "";
    const std::string held = fmt::format("{:.0f}", 100.0 * held_ / intervals_);
    return deviation > 0 ? fmt::format("{} ({:+.1f})", held, bias / deviation) : held;
  }

 private:
  double sum_ = 0;
  double squares_ = 0;
  int values_ = 0;
  int held_ = 0;
  int intervals_ = 0;
};

std::string header_of(const char* of_rows) {
  std::string out = fmt::format("| head | {} | limit |", of_rows);
  std::string line = "\n| - | - | - |";
  for (const int64_t documents : kDocuments) {
    out += fmt::format(" {} |", documents);
    line += " - |";
  }
  return out + line;
}

struct Options {
  int64_t samples = 100;
  ErrorBarOptions bars{.kind = ErrorBars::kJackknife, .replicates = kDraws};
  std::string head;  // empty: all
};

void print_truths() {
  fmt::print("| head | truth | linear, diagonal | linear, full | bucket | counted | online |\n");
  fmt::print("| - | - | - | - | - | - | - |\n");
  for (const KnownHead& head : known_heads()) {
    const KnownHeadSource source(head);
    Numbers found = limit(plasticity_of, kFull, source, head);
    found.merge(limit(plasticity_of, kDiagonal, source, head));
    fmt::print("| {} | {:.3f} |", head.name, source.truth());
    for (const char* method : {"linear, diagonal", "linear, full", "bucket", "counted", "online"}) {
      fmt::print(" {:.3f} |", found.at(method).value);
    }
    fmt::print("\n");
    std::fflush(stdout);
  }
}

// A row of the table for each of `names`.
void print_rows(Measure measure, const KnownHead& head, const Run& run, const Options& options,
                const std::vector<std::string>& names) {
  const KnownHeadSource source(head);
  const Numbers right = limit(measure, run, source, head);
  std::map<std::string, std::string> rows;
  for (const int64_t documents : kDocuments) {
    std::map<std::string, Coverage> coverage;
    for (int64_t i = 0; i < options.samples; ++i) {
      const KnownTables tables = source.sample(documents, static_cast<uint64_t>(i) + 2);
      const Numbers found = measure(tables, head, options_of(run, options.bars, kPairs, i));
      for (const std::string& name : names) {
        if (found.contains(name)) coverage[name].add(found.at(name), right.at(name).value);
      }
    }
    for (const std::string& name : names) rows[name] += fmt::format(" {} |", coverage[name].text());
  }
  for (const std::string& name : names) {
    fmt::print("| {} | {} | {:.4g} |{}\n", head.name, name, right.at(name).value, rows[name]);
  }
  std::fflush(stdout);
}

void print_bars(const Options& options) {
  fmt::print("{}\n", header_of("method"));
  for (const KnownHead& head : known_heads()) {
    if (!options.head.empty() && head.name != options.head) continue;
    print_rows(plasticity_of, head, kDiagonal, options, {"linear, diagonal"});
    print_rows(plasticity_of, head, kFull, options,
               {"linear, full", "bucket", "counted", "online"});
  }
}

void print_metrics(const Options& options) {
  std::vector<std::string> names;
  for (const MetricField& field : metric_fields()) {
    const bool is_plasticity = field.value == &HeadMetrics::ap_overall;
    if (field.scale != ValueScale::kPValue && !is_plasticity) names.emplace_back(field.name);
  }
  names.insert(names.end(), {"cell", "trend"});
  fmt::print("{}\n", header_of("number"));
  for (const KnownHead& head : known_heads()) {
    if (!options.head.empty() && head.name != options.head) continue;
    print_rows(metrics_of, head, kBucket, options, names);
  }
}

Options read_options(const std::vector<std::string>& words) {
  Options out;
  if (words.size() > 1) out.samples = std::stoll(words[1]);
  if (words.size() > 2 && words[2] != "jackknife") {
    out.bars.kind = ErrorBars::kBootstrap;
    if (words[2] == "percentile") out.bars.interval = IntervalKind::kPercentile;
    if (words[2] == "bias-corrected") out.bars.interval = IntervalKind::kBiasCorrected;
  }
  if (words.size() > 3) out.head = words[3];
  return out;
}

}  // namespace
}  // namespace qk

int main(int argc, char** argv) {
  const std::vector<std::string> words(argv + 1, argv + argc);
  const std::string what = words.empty() ? "" : words[0];
  if (what == "truth") qk::print_truths();
  if (what == "bars") qk::print_bars(qk::read_options(words));
  if (what == "metrics") qk::print_metrics(qk::read_options(words));
  return 0;
}
