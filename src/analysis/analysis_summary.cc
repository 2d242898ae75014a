#include "analysis/analysis_summary.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>

#include "plasticity/method_warning.h"

namespace qk {
namespace {

constexpr std::array<std::string_view, 8> kShown = {"q_R2_pos",
                                                    "q_R2_scalar",
                                                    "q_mae_ratio",
                                                    "q_resid0_kurt",
                                                    "q_noise_med_abs_skew",
                                                    "q_noise_med_abs_kurt",
                                                    "q_noise_frac_ks_p_lt_alpha",
                                                    "ap_overall"};

double quantile(const std::vector<double>& sorted, double part) {
  const double place = part * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<size_t>(place);
  const size_t above = std::min(below + 1, sorted.size() - 1);
  return sorted[below] + (place - static_cast<double>(below)) * (sorted[above] - sorted[below]);
}

std::string cell(double value) {
  // The longest text, -0.00012345 or -1.2345e-05, leaves one space between columns.
  return std::isnan(value) ? fmt::format("{:>12}", "-") : fmt::format("{:>12.5g}", value);
}

std::string line(std::string_view label, const std::vector<double>& values) {
  const Spread spread = spread_of(values);
  std::string out = fmt::format("{:<28}{:>7}", label, spread.count);
  for (const double value : {spread.mean, spread.deviation, spread.lowest, spread.lower,
                             spread.median, spread.upper, spread.highest}) {
    out += cell(value);
  }
  return out + '\n';
}

}  // namespace

Spread spread_of(std::vector<double> values) {
  std::erase_if(values, [](double x) { return std::isnan(x); });
  Spread out{.count = std::ssize(values)};
  if (values.empty()) {
    out.mean = out.deviation = out.lowest = out.lower = kNotANumber;
    out.median = out.upper = out.highest = kNotANumber;
    return out;
  }
  std::sort(values.begin(), values.end());
  const auto n = static_cast<double>(values.size());
  for (const double x : values) out.mean += x / n;
  double squares = 0;
  for (const double x : values) squares += (x - out.mean) * (x - out.mean);
  out.deviation = values.size() > 1 ? std::sqrt(squares / (n - 1)) : kNotANumber;
  out.lowest = values.front();
  out.lower = quantile(values, 0.25);
  out.median = quantile(values, 0.5);
  out.upper = quantile(values, 0.75);
  out.highest = values.back();
  return out;
}

AnalysisSummary::AnalysisSummary() : values_(kShown.size()) {}

void AnalysisSummary::add(const HeadMetrics& head) {
  if (head.num_passed_over > 0) ++num_passed_over_;
  for (const MetricField& field : metric_fields()) {
    const auto it = std::find(kShown.begin(), kShown.end(), field.name);
    if (it == kShown.end()) continue;
    values_[static_cast<size_t>(it - kShown.begin())].push_back(head.*field.value);
  }
  methods_.resize(std::max(methods_.size(), head.methods.size()));
  for (size_t m = 0; m < head.methods.size(); ++m) {
    const MethodResult& result = head.methods[m];
    OfMethod& method = methods_[m];
    method.name = result.name;
    method.values.push_back(result.ap_overall);
    if (!result.difference) continue;
    method.against = result.difference->against;
    method.differences.push_back(result.difference->value);
    if (depends_on_method(result)) ++method.num_warnings;
  }
}

std::string AnalysisSummary::text() const {
  std::string out =
      fmt::format("{:<28}{:>7}{:>12}{:>12}{:>12}{:>12}{:>12}{:>12}{:>12}\n", "over heads", "count",
                  "mean", "std", "min", "25%", "50%", "75%", "max");
  for (size_t i = 0; i < kShown.size(); ++i) out += line(kShown[i], values_[i]);
  for (size_t m = 1; m < methods_.size(); ++m) {
    out += line(fmt::format("ap_overall, {}", methods_[m].name), methods_[m].values);
  }
  return out;
}

std::vector<std::string> AnalysisSummary::warnings() const {
  std::vector<std::string> out;
  for (const OfMethod& method : methods_) {
    if (method.num_warnings == 0) continue;
    out.push_back(fmt::format(
        "ap_overall of {} of {} heads depends on the method: {} differs from {} by more than its "
        "error (mean over all heads: {:+.3f})",
        method.num_warnings, method.values.size(), method.name, method.against,
        spread_of(method.differences).mean));
  }
  return out;
}

}  // namespace qk
