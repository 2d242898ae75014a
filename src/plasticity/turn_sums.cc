#include "plasticity/turn_sums.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>

namespace qk {
namespace {

constexpr int64_t kTurnRowsAtOnce = 256;

// cos and sin of inv_freq * (position - origin), as products of two tables: of multiples of the step,
// and of what is left.
class TurnTable {
 public:
  TurnTable(std::span<const HeadRope::Pair> pairs, int64_t first, int64_t last) : first_(first) {
    while (step_ * step_ < last - first + 1) step_ *= 2;
    fine_ = angles(pairs, step_, 1);
    coarse_ = angles(pairs, (last - first) / step_ + 1, step_);
  }

  // cosines, sines  [pairs]
  void at(int64_t position, std::span<float> cosines, std::span<float> sines) const {
    const size_t n = cosines.size();
    const auto offset = static_cast<size_t>(position - first_);
    const auto step = static_cast<size_t>(step_);
    const float* __restrict a = coarse_.data() + (offset / step) * 2 * n;
    const float* __restrict b = fine_.data() + (offset % step) * 2 * n;
    float* __restrict cosine = cosines.data();
    float* __restrict sine = sines.data();
    for (size_t i = 0; i < n; ++i) {
      cosine[i] = a[i] * b[i] - a[n + i] * b[n + i];
      sine[i] = a[i] * b[n + i] + a[n + i] * b[i];
    }
  }

 private:
  // [count][cosines of all pairs, sines of all pairs]
  static std::vector<float> angles(std::span<const HeadRope::Pair> pairs, int64_t count,
                                   int64_t step) {
    std::vector<float> out;
    out.reserve(static_cast<size_t>(count) * 2 * pairs.size());
    for (int64_t i = 0; i < count; ++i) {
      const auto tokens = static_cast<double>(i * step);
      for (const auto& pair : pairs) {
        out.push_back(static_cast<float>(std::cos(tokens * pair.inv_freq)));
      }
      for (const auto& pair : pairs) {
        out.push_back(static_cast<float>(std::sin(tokens * pair.inv_freq)));
      }
    }
    return out;
  }

  int64_t first_;
  int64_t step_ = 1;
  std::vector<float> fine_;
  std::vector<float> coarse_;
};

// Sums over rows of both numbers of a pair times cosine and sine, and of cosine and sine.
enum TurnSum : uint8_t { kFirstCos, kFirstSin, kSecondCos, kSecondSin, kCos, kSin, kTurnSums };

struct TurnSums {
  explicit TurnSums(size_t pairs) : n(pairs), small(kTurnSums * pairs), all(kTurnSums * pairs) {}

  //   first, second, cosine, sine  [pairs]
  void add(const float* __restrict first, const float* __restrict second,
           const float* __restrict cosine, const float* __restrict sine) {
    float* __restrict sums = small.data();
    for (size_t i = 0; i < n; ++i) {
      sums[kFirstCos * n + i] += first[i] * cosine[i];
      sums[kFirstSin * n + i] += first[i] * sine[i];
      sums[kSecondCos * n + i] += second[i] * cosine[i];
      sums[kSecondSin * n + i] += second[i] * sine[i];
      sums[kCos * n + i] += cosine[i];
      sums[kSin * n + i] += sine[i];
    }
  }
  void flush() {
    for (size_t i = 0; i < all.size(); ++i) {
      all[i] += static_cast<double>(small[i]);
      small[i] = 0;
    }
  }
  double of(TurnSum which, size_t pair) const { return all[which * n + pair]; }

  size_t n;
  std::vector<float> small;  // of the last rows
  std::vector<double> all;
};

// With z = first + i second and u = cos + i sin: |sum z conj(u)|^2 over the squares of u around its
// mean. The z add up to 0.
double explained(const TurnSums& sums, size_t pair, double rows) {
  const double square = rows - (sums.of(kCos, pair) * sums.of(kCos, pair) +
                                sums.of(kSin, pair) * sums.of(kSin, pair)) /
                                   rows;
  if (!(square > 1e-7 * rows)) return 0;  // the pair hardly turns: float32 cannot tell
  double out = 0;
  for (const double sign : {1.0, -1.0}) {
    const double real = sums.of(kFirstCos, pair) + sign * sums.of(kSecondSin, pair);
    const double imaginary = sums.of(kSecondCos, pair) - sign * sums.of(kFirstSin, pair);
    out = std::max(out, (real * real + imaginary * imaginary) / square);
  }
  return out;
}

}  // namespace

std::vector<double> turning_squares(const HeadTable& queries, std::span<const double> mean,
                                    std::span<const HeadRope::Pair> pairs) {
  const auto [lowest, highest] =
      std::minmax_element(queries.positions.begin(), queries.positions.end());
  const TurnTable table(pairs, *lowest, *highest);
  TurnSums sums(pairs.size());
  std::vector<float> first(pairs.size());
  std::vector<float> second(pairs.size());
  std::vector<float> cosines(pairs.size());
  std::vector<float> sines(pairs.size());
  for (int64_t row = 0; row < queries.num_rows(); ++row) {
    const float* x = queries.vector(row).data();
    for (size_t i = 0; i < pairs.size(); ++i) {
      const auto a = pairs[i].first_component;
      const auto b = pairs[i].second_component;
      first[i] = x[a] - static_cast<float>(mean[static_cast<size_t>(a)]);
      second[i] = x[b] - static_cast<float>(mean[static_cast<size_t>(b)]);
    }
    table.at(queries.positions[static_cast<size_t>(row)], cosines, sines);
    sums.add(first.data(), second.data(), cosines.data(), sines.data());
    if (row % kTurnRowsAtOnce == kTurnRowsAtOnce - 1) sums.flush();
  }
  sums.flush();
  std::vector<double> out;
  out.reserve(pairs.size());
  for (size_t i = 0; i < pairs.size(); ++i) {
    out.push_back(explained(sums, i, static_cast<double>(queries.num_rows())));
  }
  return out;
}

}  // namespace qk
