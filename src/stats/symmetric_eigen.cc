#include "stats/symmetric_eigen.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "base/error.h"

namespace qk {
namespace {

// out = matrix * v on the axes from `first` on.
void multiply_lower(const std::vector<double>& matrix, size_t dim, size_t first,
                    const std::vector<double>& v, std::vector<double>& out) {
  out.assign(v.size(), 0.0);
  for (size_t i = 0; i < v.size(); ++i) {
    const double* row = matrix.data() + (first + i) * dim + first;
    double sum = row[i] * v[i];
    for (size_t j = 0; j < i; ++j) {
      sum += row[j] * v[j];
      out[j] += row[j] * v[i];
    }
    out[i] += sum;
  }
}

}  // namespace

SymmetricEigen::SymmetricEigen(std::span<const double> matrix, int64_t dim)
    : dim_(static_cast<size_t>(dim)) {
  QK_CHECK(dim >= 1 && matrix.size() == dim_ * dim_);
  reduce({matrix.begin(), matrix.end()});
  diagonalise();
  order_.resize(dim_);
  std::iota(order_.begin(), order_.end(), 0);
  std::stable_sort(order_.begin(), order_.end(), [&](int64_t a, int64_t b) {
    return diagonal_[static_cast<size_t>(a)] > diagonal_[static_cast<size_t>(b)];
  });
  for (const int64_t i : order_) values_.push_back(diagonal_[static_cast<size_t>(i)]);
}

// Turns v into the unit vector of the reflection that leaves only its first component, which is
// returned; clears v if there is nothing to turn.
double SymmetricEigen::make_reflection(std::vector<double>& v) {
  const double scale = std::abs(*std::max_element(
      v.begin(), v.end(), [](double a, double b) { return std::abs(a) < std::abs(b); }));
  double rest = 0;
  for (size_t i = 1; i < v.size(); ++i) rest += scale > 0 ? (v[i] / scale) * (v[i] / scale) : 0;
  const double first = v[0];
  if (rest == 0) {
    v.clear();
    return first;
  }
  const double head = first / scale;
  const double turned = -std::copysign(std::sqrt(head * head + rest), head);
  for (double& x : v) x /= scale;
  v[0] -= turned;
  const double length = std::sqrt(v[0] * v[0] + rest);
  for (double& x : v) x /= length;
  return turned * scale;
}

void SymmetricEigen::reduce(std::vector<double> matrix) {
  std::vector<double> product;
  for (size_t k = 0; k + 1 < dim_; ++k) {
    diagonal_.push_back(matrix[k * dim_ + k]);
    const size_t first = k + 1;
    std::vector<double> v;
    for (size_t i = first; i < dim_; ++i) v.push_back(matrix[i * dim_ + k]);
    beside_.push_back(make_reflection(v));
    if (!v.empty()) {
      multiply_lower(matrix, dim_, first, v, product);
      const double along = std::inner_product(v.begin(), v.end(), product.begin(), 0.0);
      for (size_t i = 0; i < v.size(); ++i) product[i] = 2 * (product[i] - along * v[i]);
      for (size_t i = 0; i < v.size(); ++i) {
        double* row = matrix.data() + (first + i) * dim_ + first;
        for (size_t j = 0; j <= i; ++j) row[j] -= v[i] * product[j] + product[i] * v[j];
      }
    }
    reflections_.push_back(std::move(v));
  }
  diagonal_.push_back(matrix.back());
}

// One step of the shifted QR method on the block of the axes `low` to `high`.
void SymmetricEigen::chase(size_t low, size_t high) {
  const double half = (diagonal_[high - 1] - diagonal_[high]) / 2;
  const double last = beside_[high - 1];
  const double shift =
      diagonal_[high] - last * (last / (half + std::copysign(std::hypot(half, last), half)));
  double x = diagonal_[low] - shift;
  double z = beside_[low];
  for (size_t k = low; k < high; ++k) {
    const double r = std::hypot(x, z);
    const double c = r > 0 ? x / r : 1;
    const double s = r > 0 ? z / r : 0;
    if (k > low) beside_[k - 1] = r;
    const double gap = diagonal_[k + 1] - diagonal_[k];
    const double moved = s * (s * gap + 2 * c * beside_[k]);
    diagonal_[k] += moved;
    diagonal_[k + 1] -= moved;
    beside_[k] = c * s * gap + (c * c - s * s) * beside_[k];
    x = beside_[k];
    if (k + 1 < high) {
      z = s * beside_[k + 1];
      beside_[k + 1] *= c;
    }
    rotations_.push_back({static_cast<int64_t>(k), c, s});
  }
}

void SymmetricEigen::diagonalise() {
  double largest = 0;
  for (const double x : diagonal_) largest = std::max(largest, std::abs(x));
  for (const double x : beside_) largest = std::max(largest, std::abs(x));
  const double nothing = std::numeric_limits<double>::epsilon() / 4 * largest;
  size_t steps = 60 * dim_;  // two or three for each eigenvalue are usual
  for (size_t high = dim_ - 1; high > 0;) {
    if (std::abs(beside_[high - 1]) <= nothing) {
      --high;
      continue;
    }
    size_t low = high - 1;
    while (low > 0 && std::abs(beside_[low - 1]) > nothing) --low;
    QK_CHECK(steps > 0);
    --steps;
    chase(low, high);
  }
}

std::vector<double> SymmetricEigen::vector(int64_t index) const {
  std::vector<double> out(dim_, 0.0);
  out.at(static_cast<size_t>(order_.at(static_cast<size_t>(index)))) = 1;
  for (auto turn = rotations_.rbegin(); turn != rotations_.rend(); ++turn) {
    double& x = out[static_cast<size_t>(turn->first)];
    double& y = out[static_cast<size_t>(turn->first) + 1];
    const double before = x;
    x = turn->cosine * before - turn->sine * y;
    y = turn->sine * before + turn->cosine * y;
  }
  for (size_t k = reflections_.size(); k-- > 0;) {
    const std::vector<double>& v = reflections_[k];
    double* tail = out.data() + k + 1;
    double along = 0;
    for (size_t i = 0; i < v.size(); ++i) along += v[i] * tail[i];
    for (size_t i = 0; i < v.size(); ++i) tail[i] -= 2 * along * v[i];
  }
  double length = 0;
  for (const double x : out) length += x * x;
  const auto largest = std::max_element(
      out.begin(), out.end(), [](double a, double b) { return std::abs(a) < std::abs(b); });
  const double scale = std::copysign(1 / std::sqrt(length), *largest);
  for (double& x : out) x *= scale;
  return out;
}

}  // namespace qk
