// Means over heads of the slopes over position and distance, with error bars of the means.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "analysis/head_groups.h"
#include "plasticity/head_metrics.h"

namespace qk {

struct MeanTrend {
  std::string heads;  // as in MeanCurve
  std::string_view method;
  TrendKind kind = TrendKind::kPosition;
  std::optional<int64_t> reach;
  int64_t num_heads = 0;    // with a slope
  int64_t num_rising = 0;   // heads whose own interval lies above 0
  int64_t num_falling = 0;  // below 0
  int64_t documents = 0;    // the most of a head
  double slope = kNotANumber;
  Interval interval;
  std::string_view unit;  // slope_unit()
  std::string_view note;  // why there is no interval, if the interval does not say it
};

class MeanTrends {
 public:
  void add(const HeadMetrics& head);
  // Ascending by heads, method, trend, reach; those of all heads first. A group that is all heads is
  // left out.
  std::vector<MeanTrend> result() const;

 private:
  struct Sum {
    MeanTrend trend;
    std::vector<double> values;  // [replicates] sums over heads
  };
  struct Key {
    std::string heads;
    size_t method;  // its place in HeadMetrics::methods
    TrendKind kind;
    std::optional<int64_t> reach;
    std::string_view unit;  // heads whose buckets are counted in other units are not averaged
    auto operator<=>(const Key&) const = default;
  };
  void add_trends(const HeadMetrics& head, const std::string& heads);

  std::map<Key, Sum> sums_;
  HeadGroups groups_;
};

}  // namespace qk
