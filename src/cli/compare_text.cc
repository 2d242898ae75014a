#include "cli/compare_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/number_text.h"
#include "base/path_text.h"

namespace qk {
namespace {

std::string number_cell(double value) {
  return std::isnan(value) ? "-" : fmt::format("{:.5g}", value);
}

std::string interval_cell(const DifferenceError& error) {
  if (std::isnan(error.low)) return "-";
  return fmt::format("{:.5g} to {:.5g}", error.low, error.high);
}

// Lines of a table whose first column is left-aligned, the others right-aligned. Columns are as wide
// as `widths` says, or wider if a cell needs it.
std::string table_text(const std::vector<std::vector<std::string>>& rows,
                       std::vector<size_t> widths) {
  constexpr size_t kGap = 2;
  for (const std::vector<std::string>& row : rows) {
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size() + kGap);
  }
  std::string out;
  for (const std::vector<std::string>& row : rows) {
    out += fmt::format("{:<{}}", row[0], widths[0]);
    for (size_t i = 1; i < row.size(); ++i) out += fmt::format("{:>{}}", row[i], widths[i]);
    out += "\n";
  }
  return out;
}

std::string percent_text(double fraction) { return fmt::format("{:g} %", 100 * fraction); }

std::string side_text(char letter, const AnalysisResults& results) {
  return fmt::format("{}         {}: {}{}\n", letter, path_text(results.csv),
                     plural(std::ssize(results.heads), "head"),
                     results.method.empty() ? "" : ", method " + results.method);
}

std::string settings_text(const Comparison& comparison) {
  std::string out;
  for (const SettingDifference& one : comparison.settings.different) {
    if (one.a.group == SettingGroup::kNote && one.a.name == "commit") continue;
    out += fmt::format("Differs   {}: A {}, B {}\n", one.a.name, printable(*one.a.value, 100),
                       printable(*one.b.value, 100));
  }
  return out;
}

std::string names_text(const std::vector<HeadNumbers>& heads) {
  constexpr size_t kMostNamed = 8;
  std::vector<std::string> names;
  for (const HeadNumbers& head : heads) {
    if (names.size() == kMostNamed) break;
    names.push_back(fmt::format("layer {} head {}", head.layer, head.q_head));
  }
  return fmt::format("{}{}", fmt::join(names, ", "), heads.size() > names.size() ? ", ..." : "");
}

std::string heads_text(const Comparison& comparison) {
  std::string out =
      fmt::format("Heads     {} in both", count_text(std::ssize(comparison.metrics.front().heads)));
  const auto only = [&](char side, const std::vector<HeadNumbers>& heads) {
    if (heads.empty()) return;
    out +=
        fmt::format("; {} only in {} ({})", count_text(std::ssize(heads)), side, names_text(heads));
  };
  only('A', comparison.only_a);
  only('B', comparison.only_b);
  return out + "\n";
}

std::string errors_text(const Comparison& comparison, const MetricComparison& metric,
                        const CompareOptions& options) {
  if (comparison.pairing == Pairing::kNone) {
    return fmt::format("Errors    none: {}\n", comparison.pairing_reason);
  }
  const std::string level = percent_text(options.confidence);
  if (metric.num_tested == 0 && !metric.heads.empty()) {
    return fmt::format("Errors    none of {}: {}\n", metric.metric,
                       metric.heads.front().error.note);
  }
  if (comparison.pairing == Pairing::kIndependent) {
    return fmt::format("Errors    {} t intervals, not paired: {}\n", level,
                       comparison.pairing_reason);
  }
  const auto unpaired = std::ranges::count_if(metric.heads, [](const HeadDifference& head) {
    return head.error.note.find(kNotPaired) != std::string::npos;
  });
  std::string out = fmt::format("Errors    {} t intervals, paired document by document", level);
  if (unpaired > 0) {
    out += fmt::format("; {} could not be paired, since documents or numbers of replicates differ",
                       plural(unpaired, "head"));
  }
  return out + "\n";
}

std::string metrics_table(const Comparison& comparison) {
  std::vector<std::vector<std::string>> rows = {
      {"over heads", "heads", "mean A", "mean B", "B - A", "interval", "Spearman", "Pearson"}};
  for (const MetricComparison& metric : comparison.metrics) {
    rows.push_back({metric.metric, count_text(metric.num_pairs), number_cell(metric.mean_a),
                    number_cell(metric.mean_b), number_cell(metric.mean_difference),
                    interval_cell(metric.mean_error), number_cell(metric.spearman),
                    number_cell(metric.pearson)});
  }
  return table_text(rows, {28, 7, 12, 12, 12, 24, 10, 10});
}

std::string movers_table(const MetricComparison& metric, int64_t count) {
  std::vector<HeadDifference> heads;
  for (const HeadDifference& head : metric.heads) {
    if (!std::isnan(head.difference)) heads.push_back(head);
  }
  std::ranges::stable_sort(heads, [](const HeadDifference& a, const HeadDifference& b) {
    return std::abs(a.difference) > std::abs(b.difference);
  });
  heads.resize(std::min(heads.size(), static_cast<size_t>(count)));
  std::vector<std::vector<std::string>> rows = {
      {"largest differences of " + metric.metric, "A", "B", "B - A", "interval", "p", "changed"}};
  for (const HeadDifference& head : heads) {
    const bool is_tested = !std::isnan(head.error.p_value);
    rows.push_back({fmt::format("layer {}, query head {}", head.layer, head.q_head),
                    number_cell(head.a), number_cell(head.b), number_cell(head.difference),
                    interval_cell(head.error), number_cell(head.error.p_value),
                    !is_tested            ? "-"
                    : head.is_significant ? "yes"
                                          : "no"});
  }
  return table_text(rows, {28, 12, 12, 12, 24, 12, 9});
}

std::string changes_text(const MetricComparison& metric, const CompareOptions& options) {
  if (metric.num_tested == 0) return "";
  const double level = 1 - options.confidence;
  return fmt::format(
      "Changed   {} of {} in {}, corrected for the number of heads (Benjamini-Hochberg: at most "
      "{} of them are expected to be false)\n"
      "          {} with p below {:g}; if none had changed, chance alone would give about {:.1f}\n",
      count_text(metric.num_significant), plural(metric.num_tested, "head"), metric.metric,
      percent_text(options.fdr), plural(metric.num_below, "head"), level,
      level * static_cast<double>(metric.num_tested));
}

}  // namespace

std::string compare_text(const AnalysisResults& a, const AnalysisResults& b,
                         const Comparison& comparison, const CompareOptions& options,
                         const CompareTextOptions& text) {
  const auto chosen = std::ranges::find(comparison.metrics, text.metric, &MetricComparison::metric);
  QK_CHECK(chosen != comparison.metrics.end());
  std::string out = side_text('A', a) + side_text('B', b) + settings_text(comparison) +
                    heads_text(comparison) + errors_text(comparison, *chosen, options);
  out += "\n" + metrics_table(comparison);
  out += "\n" + movers_table(*chosen, text.movers);
  const std::string changes = changes_text(*chosen, options);
  return out + (changes.empty() ? "" : "\n" + changes);
}

}  // namespace qk
