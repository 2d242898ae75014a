#include "analysis/mean_curves.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <span>

namespace qk {
namespace {

constexpr std::string_view kAllHeads = "all";

std::string group_of(const HeadMetrics& head) {
  return head.window ? fmt::format("window_{}", *head.window) : "full_attention";
}

}  // namespace

void MeanCurves::add_curves(const HeadMetrics& head, const std::string& heads) {
  for (size_t m = 0; m < head.methods.size(); ++m) {
    const MethodResult& method = head.methods[m];
    for (const bool is_distance : {false, true}) {
      for (const MethodCurve& curve : is_distance ? method.distances : method.positions) {
        auto& points = sums_[Key{is_distance, heads, m, curve.reach}];
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
    }
  }
}

void MeanCurves::add(const HeadMetrics& head) {
  if (num_heads_.empty()) {
    documents_ = head.document_ids;
    error_bars_ = head.error_bars;
    for (const MethodResult& method : head.methods) methods_.push_back(method.name);
  }
  same_documents_ = same_documents_ && head.document_ids == documents_;
  const std::string group = group_of(head);
  ++num_heads_[std::string(kAllHeads)];
  ++num_heads_[group];
  add_curves(head, std::string(kAllHeads));
  add_curves(head, group);
}

std::vector<MeanCurve> MeanCurves::result() const {
  std::vector<MeanCurve> out;
  for (const auto& [key, sums] : sums_) {
    const bool is_all = key.heads == kAllHeads;
    if (!is_all && num_heads_.at(key.heads) == num_heads_.at(std::string(kAllHeads))) continue;
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
      if (values.size() > 1 && same_documents_) {
        point.interval =
            document_interval(point.value, std::span(values).subspan(1),
                              static_cast<double>(std::max<int64_t>(point.documents, 1)),
                              ValueScale::kFraction, error_bars_);
      } else if (values.size() > 1) {
        point.note = "the heads have different documents";
      }
      curve.points.push_back(std::move(point));
    }
  }
  return out;
}

}  // namespace qk
