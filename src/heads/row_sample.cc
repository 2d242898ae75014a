#include "heads/row_sample.h"

#include "base/error.h"
#include "random/numpy_rng.h"

namespace qk {

std::optional<std::vector<int64_t>> sample_rows(int64_t num_rows, int64_t max_rows,
                                                const SeedWords& seed) {
  if (num_rows <= max_rows) return {};
  return NumpyGenerator(seed).choice(num_rows, max_rows);
}

void KeyOrientation::add(int64_t bucket, std::span<const float> vector) {
  if (last_ == nullptr || bucket != last_bucket_) {
    last_ = &buckets_[bucket];
    last_bucket_ = bucket;
  }
  last_->vector.resize(vector.size());
  ++last_->rows;
  double* sums = last_->vector.data();
  for (size_t j = 0; j < vector.size(); ++j) sums[j] += static_cast<double>(vector[j]);
}

std::vector<float> KeyOrientation::signs() const {
  QK_CHECK(!buckets_.empty());
  const size_t dim = buckets_.begin()->second.vector.size();
  std::vector<double> means(dim, 0.0);
  for (const auto& [bucket, sum] : buckets_) {
    QK_CHECK(sum.vector.size() == dim);
    for (size_t j = 0; j < dim; ++j) means[j] += sum.vector[j] / static_cast<double>(sum.rows);
  }
  std::vector<float> out(dim, 1.0F);
  for (size_t j = 0; j < dim; ++j) {
    if (means[j] < 0) out[j] = -1.0F;
  }
  return out;
}

}  // namespace qk
