#include "known_heads.h"

#include <cmath>
#include <numbers>

#include "plasticity/pair_plasticity.h"

namespace qk {
namespace {

constexpr double kPi = std::numbers::pi;
constexpr int64_t kQueries = 2;  // per document and bucket, the smallest number
constexpr int64_t kKeys = 3;

// A random rotation, from Gram-Schmidt on normal numbers.
std::vector<double> random_rotation(int64_t d, uint64_t seed) {
  std::mt19937_64 engine(seed);
  std::normal_distribution<double> normal;
  const auto n = static_cast<size_t>(d);
  std::vector<double> out(n * n);
  for (double& x : out) x = normal(engine);
  for (size_t i = 0; i < n; ++i) {
    for (size_t k = 0; k < i; ++k) {
      double along = 0;
      for (size_t j = 0; j < n; ++j) along += out[i * n + j] * out[k * n + j];
      for (size_t j = 0; j < n; ++j) out[i * n + j] -= along * out[k * n + j];
    }
    double square = 0;
    for (size_t j = 0; j < n; ++j) square += out[i * n + j] * out[i * n + j];
    for (size_t j = 0; j < n; ++j) out[i * n + j] /= std::sqrt(square);
  }
  return out;
}

}  // namespace

// In two dimensions u is a point of the circle. In more, (u_1, u_2) = r (cos, sin) with density
// (dim - 2) r (1 - r^2)^(dim / 2 - 2) of r: with v = (1 - r^2)^(dim / 2 - 1), v is uniform.
double sphere_plasticity(int64_t dim, double a, double c, double s) {
  constexpr int kAngles = 512;
  constexpr int kRadii = 2000;
  const int radii = dim == 2 ? 1 : kRadii;
  double sum = 0;
  for (int i = 0; i < radii; ++i) {
    const double v = (i + 0.5) / radii;
    const double r = dim == 2 ? 1 : std::sqrt(1 - std::pow(v, 2 / (static_cast<double>(dim) - 2)));
    for (int k = 0; k < kAngles; ++k) {
      const double angle = 2 * kPi * (k + 0.5) / kAngles;
      const double first = r * std::cos(angle);
      const double z = (a * first + c * r * std::sin(angle));
      sum += pair_plasticity(z, 1 + s * s * first * first);
    }
  }
  return sum / (static_cast<double>(radii) * kAngles);
}

KnownHeadSource::KnownHeadSource(const KnownHead& head) : head_(head) {
  const auto n = static_cast<size_t>(head.dim);
  const std::vector<double> basis = random_rotation(head.dim, 77);
  root_.resize(n * n);
  inverse_root_.resize(n * n);
  for (size_t i = 0; i < n; ++i) {
    for (size_t j = 0; j < n; ++j) {
      // Symmetric root: basis' diag(deviations) basis.
      for (size_t k = 0; k < n && head.rotated; ++k) {
        const double deviation = std::pow(10.0, -2.0 * static_cast<double>(k) / (head.dim - 1.0));
        root_[i * n + j] += basis[k * n + i] * deviation * basis[k * n + j];
        inverse_root_[i * n + j] += basis[k * n + i] / deviation * basis[k * n + j];
      }
      if (!head.rotated) root_[i * n + j] = inverse_root_[i * n + j] = i == j ? 1 : 0;
    }
  }
}

HeadTable KnownHeadSource::table(bool is_query, int64_t documents, std::mt19937_64& engine) const {
  std::normal_distribution<double> normal;
  const auto n = static_cast<size_t>(head_.dim);
  const double last = (static_cast<double>(head_.buckets) - 0.5) * static_cast<double>(head_.width);
  HeadTable out;
  out.head_dim = head_.dim;
  if (head_.window > 0) out.window = head_.window;
  std::vector<double> shared(n);
  std::vector<double> own(n);
  for (int64_t document = 0; document < documents; ++document) {
    const int64_t rows = (is_query ? kQueries : kKeys) * (head_.unequal ? 1 + document % 7 : 1);
    for (double& x : shared) x = std::sqrt(head_.shared) * normal(engine);
    for (int64_t bucket = 0; bucket < head_.buckets; ++bucket) {
      const int64_t position = bucket * head_.width + head_.width / 2;
      for (int64_t i = 0; i < rows; ++i) {
        for (size_t j = 0; j < n; ++j)
          own[j] = shared[j] + std::sqrt(1 - head_.shared) * normal(engine);
        if (is_query) {
          own[0] += head_.drift * static_cast<double>(position) / last;
          own[1] += head_.start;
        } else if (head_.far_keys_aside) {
          for (size_t j = 0; j < n; ++j) {
            if ((j < n / 2) == (bucket % 2 == 1)) own[j] = shared[j];
          }
        }
        const std::vector<double>& root = is_query ? root_ : inverse_root_;
        for (size_t a = 0; a < n; ++a) {
          double x = 0;
          for (size_t b = 0; b < n; ++b) x += root[a * n + b] * own[b];
          out.vectors.push_back(static_cast<float>(x));
        }
        out.positions.push_back(position);
        out.buckets.push_back(bucket);
        out.example_ids.push_back(document);
      }
    }
  }
  return out;
}

KnownTables KnownHeadSource::sample(int64_t documents, uint64_t seed) const {
  std::mt19937_64 engine(seed);
  KnownTables out;
  out.queries = table(true, documents, engine);
  out.keys = table(false, documents, engine);
  return out;
}

double KnownHeadSource::truth() const {
  const double last = (static_cast<double>(head_.buckets) - 0.5) * static_cast<double>(head_.width);
  double sum = 0;
  double cells = 0;
  for (int64_t q = 1; q < head_.buckets; ++q) {
    const double position = (static_cast<double>(q) + 0.5) * static_cast<double>(head_.width);
    const double drift = head_.drift * position / last;
    const double all = sphere_plasticity(head_.dim, drift, head_.start, 0);
    for (int64_t k = 0; k < q; ++k) {
      // The nearest query and key of the two buckets: the tokens between the buckets, plus one.
      if (head_.window > 0 && (q - k - 1) * head_.width + 1 >= head_.window) continue;
      double value = all;
      if (head_.far_keys_aside) {
        value = k % 2 == 1 ? 1 : sphere_plasticity(head_.dim / 2, drift, head_.start, 0);
      }
      sum += value;
      cells += 1;
    }
  }
  return sum / cells;
}

double KnownHeadSource::forgetting_truth(double alpha) const {
  const double last = (static_cast<double>(head_.buckets) - 0.5) * static_cast<double>(head_.width);
  double sum = 0;
  for (int64_t q = 0; q < head_.buckets; ++q) {
    double weight = 0;
    double first = 0;
    double second = 0;
    for (int64_t b = 0; b <= q; ++b) {
      const double w = std::pow(1 - alpha, static_cast<double>((q - b) * head_.width));
      const double position = (static_cast<double>(b) + 0.5) * static_cast<double>(head_.width);
      const double drift = head_.drift * position / last;
      weight += w;
      first += w * drift;
      second += w * drift * drift;
    }
    const double mean = first / weight;
    const double spread = std::sqrt(std::max(0.0, second / weight - mean * mean));
    sum += local_plasticity(q, mean, spread);
  }
  return sum / static_cast<double>(head_.buckets);
}

// Keys of a document that a query of bucket q attends to are in order of their buckets; the pairs
// are neighbours (5 % of 3 keys a bucket is no more than one place).
double KnownHeadSource::local_plasticity(int64_t q, double mean, double spread) const {
  const double any = sphere_plasticity(head_.dim, mean, head_.start, spread);
  if (!head_.far_keys_aside) return any;
  const double even = sphere_plasticity(head_.dim / 2, mean, head_.start, spread);
  std::vector<int64_t> buckets;
  for (int64_t b = 0; b <= q; ++b) {
    if (head_.window > 0 && (q - b) * head_.width >= head_.window) continue;
    buckets.insert(buckets.end(), kKeys, b);
  }
  double sum = 0;
  const auto count = static_cast<int64_t>(buckets.size());
  for (int64_t anchor = 0; anchor < count; ++anchor) {
    const double neighbours = anchor == 0 || anchor == count - 1 ? 1 : 2;
    for (const int64_t other : {anchor - 1, anchor + 1}) {
      if (other < 0 || other >= count) continue;
      const int64_t a = buckets[static_cast<size_t>(anchor)];
      const int64_t b = buckets[static_cast<size_t>(other)];
      const double value = a != b ? any : a % 2 == 0 ? even : 1;
      sum += value / neighbours;
    }
  }
  return sum / static_cast<double>(count);
}

}  // namespace qk
