#include "plasticity/rope_pairs.h"

#include <numbers>

#include "plasticity/turn_sums.h"

namespace qk {
namespace {

RopePairShare share_of(const QueryFit& fit, const PositionSquares& squares,
                       std::span<const int64_t> components) {
  ExplainedSquares sum;
  double residual = 0;
  for (const int64_t component : components) {
    const auto j = static_cast<size_t>(component);
    sum.total += squares.components[j].total;
    sum.buckets += squares.components[j].buckets;
    sum.chance += squares.components[j].chance;
    residual += fit.residual_ss[j];
  }
  RopePairShare out;
  out.first_component = components.front();
  if (components.size() > 1) out.second_component = components.back();
  if (squares.all.total > 0) out.variance_share = sum.total / squares.all.total;
  if (!(sum.total > 0)) return out;
  if (fit.position_ss > 0) out.line_r2 = 1 - residual / sum.total;
  if (squares.freedom == 0) return out;
  out.bucket_r2 = sum.raw_share();
  out.floor = sum.floor();
  out.position_share = sum.share();
  return out;
}

}  // namespace

std::vector<RopePairShare> rope_pair_shares(const HeadTable& queries, const QueryFit& fit,
                                            const PositionSquares& squares, const HeadRope& rope) {
  std::vector<double> turning;
  if (rope.is_rotated) turning = turning_squares(queries, fit.mean, rope.pairs);
  std::vector<RopePairShare> out;
  const double rows = static_cast<double>(fit.num_rows);
  for (size_t i = 0; i < rope.pairs.size(); ++i) {
    const HeadRope::Pair& pair = rope.pairs[i];
    const int64_t components[] = {pair.first_component, pair.second_component};
    out.push_back(share_of(fit, squares, components));
    RopePairShare& row = out.back();
    row.pair = pair.pair;
    row.wavelength = 2 * std::numbers::pi / pair.inv_freq;
    const double total = fit.total_ss[static_cast<size_t>(pair.first_component)] +
                         fit.total_ss[static_cast<size_t>(pair.second_component)];
    if (turning.empty() || !(total > 0) || rows < 3) continue;
    // The turning vector's two numbers explain 1 / (rows - 1) of the squares by chance.
    row.turn_share = 1 - (1 - turning[i] / total) * (rows - 1) / (rows - 2);
  }
  for (const int64_t component : rope.unrotated) {
    out.push_back(share_of(fit, squares, {&component, 1}));
  }
  return out;
}

}  // namespace qk
