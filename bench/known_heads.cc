#include "known_heads.h"

#include <algorithm>
#include <cmath>

#include "stats/document_interval.h"
#include "stats/normal_cdf.h"

namespace qk {
namespace {

constexpr int64_t kQueries = 2;  // per document and bucket, the smallest number
constexpr int64_t kKeys = 3;
constexpr int64_t kDirections = 1 << 14;

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

// The distribution function of Student's t with 4 degrees of freedom.
double heavy_cdf(double x) {
  const double a = 1 + x * x / 4;
  return 0.5 + 3 * x / (8 * std::sqrt(a)) * (1 - x * x / (12 * a));
}

// [kDirections, dim]: points of Kronecker's sequence, turned to normal numbers, whose directions
// fill the sphere evenly.
std::vector<double> even_directions(int64_t dim) {
  double ratio = 2;  // becomes the root of x^(dim + 1) = x + 1
  for (int i = 0; i < 60; ++i) ratio = std::pow(1 + ratio, 1 / (static_cast<double>(dim) + 1));
  std::vector<double> out;
  for (int64_t n = 1; n <= kDirections; ++n) {
    for (int64_t j = 1; j <= dim; ++j) {
      const double place =
          0.5 + static_cast<double>(n) * std::pow(1 / ratio, static_cast<double>(j));
      out.push_back(normal_quantile(std::clamp(place - std::floor(place), 1e-12, 1 - 1e-12)));
    }
  }
  return out;
}

}  // namespace

KnownHeadSource::KnownHeadSource(const KnownHead& head)
    : head_(head), directions_(even_directions(head.dim)) {
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

std::vector<double> KnownHeadSource::mean_at(int64_t position) const {
  const auto t = static_cast<double>(position);
  std::vector<double> out(static_cast<size_t>(head_.dim));
  out[0] = head_.drift * t / static_cast<double>(head_.buckets * head_.width);
  out[1] = head_.start;
  for (int64_t axis = 0; axis < head_.dim; axis += 2) {
    const double angle =
        t * std::pow(10000.0, -static_cast<double>(axis) / static_cast<double>(head_.dim));
    out[static_cast<size_t>(axis)] += head_.turning * std::cos(angle);
    out[static_cast<size_t>(axis) + 1] += head_.turning * std::sin(angle);
  }
  return out;
}

// White noise, of which the document shares a part.
void KnownHeadSource::add_noise(std::span<const double> shared, bool is_heavy,
                                std::mt19937_64& engine, std::vector<double>& out) const {
  std::normal_distribution<double> normal;
  std::chi_squared_distribution<double> chi_squared(4);
  const double spread = is_heavy ? std::sqrt(4 / chi_squared(engine)) : 1;
  for (size_t j = 0; j < out.size(); ++j) {
    out[j] += spread * (shared[j] + std::sqrt(1 - head_.shared) * normal(engine));
  }
}

// White coordinates of one row become its vector.
void KnownHeadSource::append(bool is_query, const std::vector<double>& white,
                             HeadTable& out) const {
  const std::vector<double>& root = is_query ? root_ : inverse_root_;
  const size_t n = white.size();
  for (size_t a = 0; a < n; ++a) {
    double x = 0;
    for (size_t b = 0; b < n; ++b) x += root[a * n + b] * white[b];
    out.vectors.push_back(static_cast<float>(x));
  }
}

HeadTable KnownHeadSource::table(bool is_query, const std::vector<Document>& documents,
                                 std::mt19937_64& engine) const {
  std::normal_distribution<double> normal;
  std::uniform_int_distribution<int64_t> place(0, head_.width - 1);
  const auto n = static_cast<size_t>(head_.dim);
  HeadTable out;
  out.head_dim = head_.dim;
  if (head_.window > 0) out.window = head_.window;
  std::vector<double> shared(n);
  for (size_t document = 0; document < documents.size(); ++document) {
    const int64_t rows = (is_query ? kQueries : kKeys) * documents[document].size;
    for (double& x : shared) x = std::sqrt(head_.shared) * normal(engine);
    for (int64_t bucket = 0; bucket < head_.buckets; ++bucket) {
      for (int64_t i = 0; i < rows; ++i) {
        const int64_t position = bucket * head_.width + place(engine);
        std::vector<double> white(n);
        if (is_query && !documents[document].is_plain) white = mean_at(position);
        add_noise(shared, is_query && head_.heavy, engine, white);
        if (!is_query && head_.far_keys_aside) {
          for (size_t j = 0; j < n; ++j) {
            if ((j < n / 2) == (bucket % 2 == 1)) white[j] = shared[j];
          }
        }
        append(is_query, white, out);
        out.positions.push_back(position);
        out.buckets.push_back(bucket);
        out.example_ids.push_back(static_cast<int64_t>(document));
      }
    }
  }
  return out;
}

KnownTables KnownHeadSource::sample(int64_t documents, uint64_t seed) const {
  std::mt19937_64 engine(seed);
  std::uniform_int_distribution<int64_t> size(1, 7);
  std::vector<Document> drawn(static_cast<size_t>(documents));
  for (Document& document : drawn) {
    if (head_.unequal) document.size = size(engine);
    if (head_.two_kinds) document.is_plain = engine() % 2 == 0;
  }
  KnownTables out;
  out.queries = table(true, drawn, engine);
  out.keys = table(false, drawn, engine);
  return out;
}

double KnownHeadSource::mean_plasticity(const std::vector<std::vector<double>>& means,
                                        int64_t first_axis, int64_t last_axis) const {
  std::vector<double> z(means.size());
  double sum = 0;
  for (int64_t n = 0; n < kDirections; ++n) {
    const double* direction = directions_.data() + n * head_.dim;
    double square = 0;
    for (int64_t j = first_axis; j < last_axis; ++j) square += direction[j] * direction[j];
    for (size_t i = 0; i < means.size(); ++i) {
      double along = 0;
      for (int64_t j = first_axis; j < last_axis; ++j) {
        along += direction[j] * means[i][static_cast<size_t>(j)];
      }
      z[i] = along / std::sqrt(square);
    }
    if (head_.heavy) {
      std::transform(z.begin(), z.end(), z.begin(), heavy_cdf);
    } else {
      normal_cdf(z, 1, z);
    }
    double p = 0;
    for (const double one : z) p += one / static_cast<double>(z.size());
    if (head_.two_kinds) p = (p + 0.5) / 2;
    sum += 4 * p * (1 - p);
  }
  return sum / static_cast<double>(kDirections);
}

double KnownHeadSource::cell_truth(int64_t q_bucket, int64_t k_bucket) const {
  std::vector<std::vector<double>> means;
  for (int64_t i = 0; i < head_.width; ++i) means.push_back(mean_at(q_bucket * head_.width + i));
  if (!head_.far_keys_aside) return mean_plasticity(means, 0, head_.dim);
  const bool is_aside = k_bucket % 2 == 1;
  return mean_plasticity(means, is_aside ? head_.dim / 2 : 0, is_aside ? head_.dim : head_.dim / 2);
}

// The nearest query and key of the two buckets: the tokens between the buckets, plus one.
bool KnownHeadSource::in_window(int64_t q_bucket, int64_t k_bucket) const {
  return head_.window == 0 || (q_bucket - k_bucket - 1) * head_.width + 1 < head_.window;
}

double KnownHeadSource::truth() const {
  double sum = 0;
  double cells = 0;
  for (int64_t q = 1; q < head_.buckets; ++q) {
    double of_parity[2];  // all that cells of a query bucket differ in
    for (int64_t k = 0; k < 2; ++k) of_parity[k] = cell_truth(q, k);
    for (int64_t k = 0; k < q; ++k) {
      if (!in_window(q, k)) continue;
      sum += of_parity[k % 2];
      cells += 1;
    }
  }
  return sum / cells;
}

}  // namespace qk
