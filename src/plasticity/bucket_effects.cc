#include "plasticity/bucket_effects.h"

#include <cmath>
#include <numeric>

#include "base/error.h"

namespace qk {
namespace {

// matrix [n, n], symmetric and positive definite, becomes its inverse (Gauss-Jordan).
void invert_in_place(std::span<double> matrix, size_t n) {
  for (size_t k = 0; k < n; ++k) {
    double* pivot_row = matrix.data() + k * n;
    const double pivot = pivot_row[k];
    pivot_row[k] = 1;
    for (size_t j = 0; j < n; ++j) pivot_row[j] /= pivot;
    for (size_t i = 0; i < n; ++i) {
      if (i == k) continue;
      double* row = matrix.data() + i * n;
      const double factor = row[k];
      row[k] = 0;
      for (size_t j = 0; j < n; ++j) row[j] -= factor * pivot_row[j];
    }
  }
}

double rows_of(std::span<const DocumentBuckets::Count> counts) {
  double out = 0;
  for (const auto& count : counts) out += count.rows;
  return out;
}

}  // namespace

BucketEffects::BucketEffects(const DocumentBuckets& spread, const DocumentWeight& weight)
    : spread_(spread),
      n_(spread.buckets.size()),
      rows_(n_),
      normal_(n_ * n_),
      squares_(n_ * n_),
      line_(n_) {
  add_documents(weight);
  const std::vector<int64_t> group_of = groups();
  invert(group_of);
  find_line(group_of);
  center(group_of);
}

void BucketEffects::add_documents(const DocumentWeight& weight) {
  for (int64_t d = 0; d < spread_.num_documents(); ++d) {
    const double times = weight(d);
    if (times == 0) continue;
    const auto counts = spread_.counts_of(d);
    const double all = rows_of(counts);
    for (const auto& a : counts) {
      double* row = normal_.data() + static_cast<size_t>(a.bucket) * n_;
      rows_[static_cast<size_t>(a.bucket)] += times * a.rows;
      row[a.bucket] += times * a.rows;
      for (const auto& b : counts) row[b.bucket] -= times * a.rows * b.rows / all;
    }
  }
}

// Which buckets documents connect: the smallest bucket of each one's group.
std::vector<int64_t> BucketEffects::groups() const {
  std::vector<int64_t> out(n_, -1);
  std::vector<size_t> waiting;
  for (size_t first = 0; first < n_; ++first) {
    if (out[first] >= 0) continue;
    waiting.assign(1, first);
    out[first] = static_cast<int64_t>(first);
    while (!waiting.empty()) {
      const size_t a = waiting.back();
      waiting.pop_back();
      for (size_t b = 0; b < n_; ++b) {
        if (out[b] >= 0 || normal_[a * n_ + b] == 0) continue;
        out[b] = out[first];
        waiting.push_back(b);
      }
    }
  }
  return out;
}

void BucketEffects::invert(std::span<const int64_t> group_of) {
  // Only differences between the constants of a group are determined: a term that holds their sum at
  // 0 makes the matrix regular, and changes nothing else.
  std::vector<double> traces(n_);
  std::vector<double> sizes(n_);
  for (size_t b = 0; b < n_; ++b) {
    traces[static_cast<size_t>(group_of[b])] += normal_[b * n_ + b];
    sizes[static_cast<size_t>(group_of[b])] += 1;
  }
  for (size_t a = 0; a < n_; ++a) {
    const auto group = static_cast<size_t>(group_of[a]);
    freedom_ += group == a ? 0 : 1;
    const double scale = sizes[group] > 1 ? traces[group] / (sizes[group] * sizes[group]) : 1;
    for (size_t b = 0; b < n_; ++b) {
      if (group_of[b] == group_of[a]) normal_[a * n_ + b] += scale;
    }
  }
  invert_in_place(normal_, n_);
}

void BucketEffects::find_line(std::span<const int64_t> group_of) {
  std::vector<double> weights(n_);
  std::vector<double> sums(n_);
  for (size_t b = 0; b < n_; ++b) {
    weights[static_cast<size_t>(group_of[b])] += rows_[b];
    sums[static_cast<size_t>(group_of[b])] += rows_[b] * spread_.mean_position[b];
  }
  double total = 0;
  std::vector<double> along(n_);
  for (size_t b = 0; b < n_; ++b) {
    const auto group = static_cast<size_t>(group_of[b]);
    if (rows_[b] == 0) continue;
    const double position = spread_.mean_position[b] - sums[group] / weights[group];
    along[b] = rows_[b] * position;
    total += rows_[b] * position * position;
  }
  if (total <= 0) return;
  for (size_t a = 0; a < n_; ++a) {
    for (size_t b = 0; b < n_; ++b) line_[a] += normal_[a * n_ + b] * along[b] / std::sqrt(total);
  }
}

void BucketEffects::center(std::span<const int64_t> group_of) {
  std::vector<double> weights(n_);
  std::vector<double> means(n_ * n_);  // of the inverse's columns, for every group
  for (size_t b = 0; b < n_; ++b) {
    const auto group = static_cast<size_t>(group_of[b]);
    weights[group] += rows_[b];
    for (size_t j = 0; j < n_; ++j) means[group * n_ + j] += rows_[b] * normal_[b * n_ + j];
  }
  std::vector<double> centered(n_ * n_);
  for (size_t b = 0; b < n_; ++b) {
    const auto group = static_cast<size_t>(group_of[b]);
    for (size_t j = 0; j < n_; ++j) {
      const double mean = weights[group] > 0 ? means[group * n_ + j] / weights[group] : 0;
      centered[b * n_ + j] = normal_[b * n_ + j] - mean;
    }
  }
  for (size_t b = 0; b < n_; ++b) {
    const double* row = centered.data() + b * n_;
    for (size_t i = 0; i < n_; ++i) {
      const double factor = rows_[b] * row[i];
      if (factor == 0) continue;
      for (size_t j = 0; j < n_; ++j) squares_[i * n_ + j] += factor * row[j];
    }
  }
}

BucketEffects::Squares BucketEffects::squares(std::span<const double> sums, int64_t columns) const {
  const auto width = static_cast<size_t>(columns);
  QK_CHECK(sums.size() == n_ * width);
  Squares out{std::vector<double>(width), std::vector<double>(width)};
  std::vector<double> along(width);
  std::vector<double> products(width);
  for (size_t a = 0; a < n_; ++a) {
    const double* row = sums.data() + a * width;
    std::fill(products.begin(), products.end(), 0.0);
    for (size_t b = 0; b < n_; ++b) {
      const double factor = squares_[a * n_ + b];
      const double* other = sums.data() + b * width;
      for (size_t j = 0; j < width; ++j) products[j] += factor * other[j];
    }
    for (size_t j = 0; j < width; ++j) {
      out.buckets[j] += row[j] * products[j];
      along[j] += line_[a] * row[j];
    }
  }
  for (size_t j = 0; j < width; ++j) out.line[j] = along[j] * along[j];
  return out;
}

BucketEffects::Chance BucketEffects::chance(int64_t document) const {
  const auto counts = spread_.counts_of(document);
  const double all = rows_of(counts);
  Chance out;
  if (all < 2) return out;
  double line_sum = 0;
  for (const auto& a : counts) {
    const auto i = static_cast<size_t>(a.bucket);
    out.buckets += a.rows * squares_[i * n_ + i];
    out.line += a.rows * line_[i] * line_[i];
    line_sum += a.rows * line_[i];
    for (const auto& b : counts) {
      out.buckets -= a.rows * b.rows * squares_[i * n_ + static_cast<size_t>(b.bucket)] / all;
    }
  }
  out.line -= line_sum * line_sum / all;
  out.buckets *= all / (all - 1);
  out.line *= all / (all - 1);
  return out;
}

}  // namespace qk
