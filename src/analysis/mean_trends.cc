#include "analysis/mean_trends.h"

#include <algorithm>
#include <cmath>
#include <span>

namespace qk {

void MeanTrends::add_trends(const HeadMetrics& head, const std::string& heads) {
  for (size_t m = 0; m < head.methods.size(); ++m) {
    const MethodResult& method = head.methods[m];
    for (const MethodTrend& trend : method.trends) {
      if (trend.values.empty() || std::isnan(trend.values.front())) continue;
      Sum& sum = sums_[Key{heads, m, trend.kind, trend.reach, slope_unit(head.ranges)}];
      sum.trend.heads = heads;
      sum.trend.method = method.name;
      sum.trend.kind = trend.kind;
      sum.trend.reach = trend.reach;
      sum.trend.unit = slope_unit(head.ranges);
      sum.trend.documents = std::max(sum.trend.documents, trend.documents);
      ++sum.trend.num_heads;
      if (trend.interval.low > 0) ++sum.trend.num_rising;
      if (trend.interval.high < 0) ++sum.trend.num_falling;
      sum.values.resize(std::max(sum.values.size(), trend.values.size()));
      for (size_t r = 0; r < trend.values.size(); ++r) sum.values[r] += trend.values[r];
    }
  }
}

void MeanTrends::add(const HeadMetrics& head) {
  for (const std::string& heads : groups_.add(head)) add_trends(head, heads);
}

std::vector<MeanTrend> MeanTrends::result() const {
  std::vector<MeanTrend> out;
  for (const auto& [key, sum] : sums_) {
    if (groups_.is_all_heads(key.heads)) continue;
    MeanTrend trend = sum.trend;
    std::vector<double> values = sum.values;
    for (double& value : values) value /= static_cast<double>(trend.num_heads);
    trend.slope = values.front();
    trend.note = values.size() > 1 ? groups_.fault() : "";
    if (values.size() > 1 && trend.note.empty()) {
      trend.interval = document_interval(trend.slope, std::span(values).subspan(1),
                                         static_cast<double>(std::max<int64_t>(trend.documents, 1)),
                                         ValueScale::kReal, groups_.error_bars());
    }
    out.push_back(std::move(trend));
  }
  return out;
}

}  // namespace qk
