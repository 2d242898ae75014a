#include "stats/group_spread.h"

#include <algorithm>
#include <limits>

namespace qk {

void GroupSpread::add(int64_t document, const double* values) {
  Group& group = groups_[document];
  group.sum.resize(static_cast<size_t>(dim_));
  ++group.count;
  ++count_;
  for (size_t j = 0; j < group.sum.size(); ++j) {
    group.sum[j] += values[j];
    total_[j] += values[j];
    squares_ += values[j] * values[j];
  }
}

EffectiveSize GroupSpread::size() const {
  EffectiveSize out;
  out.documents = static_cast<int64_t>(groups_.size());
  const auto n = static_cast<double>(count_);
  const auto groups = static_cast<double>(groups_.size());
  double sum_of_squares = 0;  // of the groups' sizes
  double between = 0;
  for (const auto& [document, group] : groups_) {
    const auto size = static_cast<double>(group.count);
    sum_of_squares += size * size;
    for (double s : group.sum) between += s * s / size;
  }
  double middle = 0;
  for (double s : total_) middle += s * s / n;
  if (count_ > 0) out.effective_documents = n * n / sum_of_squares;
  if (groups_.size() < 2) {
    out.effective_rows = std::numeric_limits<double>::quiet_NaN();
    return out;
  }
  out.effective_rows = n;
  const double within_freedom = n - groups;
  if (within_freedom <= 0) return out;  // one row a document: rows are as independent as documents
  const double mean_square_between = std::max(0.0, between - middle) / (groups - 1);
  const double mean_square_within = std::max(0.0, squares_ - between) / within_freedom;
  const double typical = (n - sum_of_squares / n) / (groups - 1);
  const double whole = mean_square_between + (typical - 1) * mean_square_within;
  if (!(whole > 0)) return out;  // nothing varies
  const double alike = std::clamp((mean_square_between - mean_square_within) / whole, 0.0, 1.0);
  out.effective_rows = n / (1 + (sum_of_squares / n - 1) * alike);
  return out;
}

}  // namespace qk
