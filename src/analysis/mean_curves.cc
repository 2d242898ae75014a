#include "analysis/mean_curves.h"

#include <algorithm>
#include <cmath>
#include <span>

namespace qk {

void MeanCurves::add_curve(const MethodCurve& curve, std::map<int64_t, Sum>& points) {
  for (const CurvePoint& point : curve.points) {
    if (std::isnan(point.values.front())) continue;
    Sum& sum = points[point.bucket];
    sum.point.center += point.center;
    sum.point.first += point.first;
    sum.point.last += point.last;
    ++sum.point.num_heads;
    sum.point.documents = std::max(sum.point.documents, point.documents);
    sum.values.resize(std::max(sum.values.size(), point.values.size()));
    for (size_t r = 0; r < point.values.size(); ++r) sum.values[r] += point.values[r];
  }
}

void MeanCurves::add_curves(const HeadMetrics& head, const std::string& heads) {
  for (size_t m = 0; m < head.methods.size(); ++m) {
    const MethodResult& method = head.methods[m];
    for (const MethodCurve& curve : method.positions) {
      add_curve(curve, sums_[Key{false, heads, m, curve.reach}]);
    }
    for (const MethodCurve& curve : method.distances) {
      add_curve(curve, sums_[Key{true, heads, m, curve.reach}]);
    }
  }
}

void MeanCurves::add(const HeadMetrics& head) {
  if (methods_.empty()) {
    for (const MethodResult& method : head.methods) methods_.push_back(method.name);
  }
  for (const std::string& heads : groups_.add(head)) add_curves(head, heads);
}

std::vector<MeanCurve> MeanCurves::result() const {
  std::vector<MeanCurve> out;
  for (const auto& [key, sums] : sums_) {
    if (groups_.is_all_heads(key.heads)) continue;
    MeanCurve& curve = out.emplace_back();
    curve.is_distance = key.is_distance;
    curve.heads = key.heads;
    curve.method = methods_[key.method];
    curve.reach = key.reach;
    for (const auto& [bucket, sum] : sums) {
      const auto heads = static_cast<double>(sum.point.num_heads);
      MeanPoint point = sum.point;
      point.bucket = bucket;
      point.center /= heads;
      point.first /= heads;
      point.last /= heads;
      std::vector<double> values = sum.values;
      for (double& value : values) value /= heads;
      point.value = values.front();
      point.note = values.size() > 1 ? groups_.fault() : "";
      if (values.size() > 1 && point.note.empty()) {
        point.interval =
            document_interval(point.value, std::span(values).subspan(1),
                              static_cast<double>(std::max<int64_t>(point.documents, 1)),
                              ValueScale::kFraction, groups_.error_bars());
      }
      curve.points.push_back(point);
    }
  }
  return out;
}

}  // namespace qk
