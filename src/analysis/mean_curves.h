// Means over heads of plasticity over position and over distance, with error bars of the means: the
// replicates of all heads draw the same documents, so they are averaged one by one.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "analysis/head_groups.h"
#include "plasticity/head_metrics.h"
#include "stats/document_interval.h"

namespace qk {

struct MeanPoint {
  int64_t bucket = 0;  // as in CurvePoint
  double center = 0;   // means over the heads
  double first = 0;
  double last = 0;
  int64_t num_heads = 0;
  int64_t documents = 0;  // the most of a head
  double value = kNotANumber;
  Interval interval;
  std::string_view note;  // why there is no interval, if the interval does not say it
};

struct MeanCurve {
  bool is_distance = false;  // over distance, else over position
  std::string heads;         // "all", "full_attention", "window_512"
  std::string_view method;
  std::optional<int64_t> reach;
  std::vector<MeanPoint> points;  // ascending by bucket
};

class MeanCurves {
 public:
  void add(const HeadMetrics& head);
  // Ascending by curve, heads, method, reach; those of all heads first. A group that is all heads is
  // left out.
  std::vector<MeanCurve> result() const;

 private:
  struct Sum {
    MeanPoint point;             // sums over heads
    std::vector<double> values;  // [replicates] sums over heads; NaN where a head has none
  };
  struct Key {
    bool is_distance;
    std::string heads;
    size_t method;  // its place in HeadMetrics::methods
    std::optional<int64_t> reach;
    auto operator<=>(const Key&) const = default;
  };
  static void add_curve(const MethodCurve& curve, std::map<int64_t, Sum>& points);
  void add_curves(const HeadMetrics& head, const std::string& heads);

  std::map<Key, std::map<int64_t, Sum>> sums_;
  std::vector<std::string_view> methods_;
  HeadGroups groups_;
};

}  // namespace qk
