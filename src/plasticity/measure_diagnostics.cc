#include "plasticity/measure_diagnostics.h"

#include <algorithm>
#include <cmath>
#include <span>

#include "base/error.h"
#include "plasticity/bucket_vectors.h"
#include "plasticity/position_share.h"
#include "plasticity/rope_pairs.h"
#include "plasticity/score_normality.h"

namespace qk {
namespace {

constexpr int64_t kBytesOfRow = 64;  // of documents and buckets

DocumentBuckets spread_queries(const DiagnosticsInput& input) {
  const PlasticityInput& head = input.head;
  if (head.documents != nullptr) {
    return spread_rows(head.queries, head.documents->of_query, head.fit.centered_positions);
  }
  return spread_rows(head.queries, document_numbers(head.queries), head.fit.centered_positions);
}

// Documents of equal size that would weigh as evenly as those with queries.
double even_documents(const DocumentBuckets& spread) {
  double sum = 0;
  double squares = 0;
  for (int64_t d = 0; d < spread.num_documents(); ++d) {
    const auto rows = static_cast<double>(spread.rows_of(d).size());
    sum += rows;
    squares += rows * rows;
  }
  return sum * sum / squares;
}

double turn_share_of(std::span<const RopePairShare> pairs) {
  double sum = kNotANumber;
  for (const RopePairShare& pair : pairs) {
    if (std::isnan(pair.turn_share)) continue;
    sum = (std::isnan(sum) ? 0 : sum) + pair.variance_share * pair.turn_share;
  }
  return sum;
}

void fill_interval(const DiagnosticsInput& input, const DocumentBuckets& spread,
                   HeadDiagnostics& out) {
  if (input.counts == nullptr) return;
  const std::vector<double> replicates =
      position_share_replicates(input.head.queries, input.head.fit, spread, *input.counts);
  out.position_interval = document_interval(
      out.position_share, std::span(replicates).subspan(1), even_documents(spread),
      ValueScale::kReal, input.head.options.error_bars);  // chance may take it below 0
  out.position_interval.high = std::min(out.position_interval.high, 1.0);
}

}  // namespace

HeadDiagnostics measure_diagnostics(const DiagnosticsInput& input) {
  QK_CHECK(input.counts == nullptr || input.head.documents != nullptr);
  const PlasticityInput& head = input.head;
  HeadDiagnostics out;
  out.window = head.queries.window;
  const DocumentBuckets spread = spread_queries(input);
  out.documents = spread.num_documents();
  const PositionSquares squares = position_squares(head.queries, head.fit, spread);
  if (squares.freedom > 0) {
    out.bucket_r2 = squares.all.raw_share();
    out.position_floor = squares.all.floor();
    out.position_share = squares.all.share();
    out.line_share = squares.line_share();
    fill_interval(input, spread, out);
  }
  const ScoreNormality scores = score_normality(head, input.seed);
  out.score_ks_distance = scores.ks_distance;
  out.score_ks_floor = scores.ks_floor;
  out.score_skew = scores.abs_skew;
  out.score_kurt = scores.kurtosis;
  if (input.rope != nullptr) {
    out.rope_set = input.rope->rope_set;
    out.rope_pairs = rope_pair_shares(head.queries, head.fit, squares, *input.rope);
  }
  out.turn_share = turn_share_of(out.rope_pairs);
  out.buckets = bucket_vectors(head.queries, head.keys, head.fit);
  return out;
}

int64_t diagnostic_bytes(const MeasureOptions& options, int64_t rows, int64_t head_dim) {
  // Few heads have more buckets than rows / 64; a bucket has a row of the fit, and sums.
  const int64_t buckets = rows / 64 + 1;
  const int64_t matrices = 4 * buckets * buckets * 8;
  const int64_t sums = 4 * buckets * head_dim * 8;
  const int64_t scores = kScoreRows * (head_dim + 32) * 8;
  const int64_t replicates = options.error_bars.wanted() ? int64_t{64} << 20 : 0;
  return rows * kBytesOfRow + matrices + sums + scores + replicates;
}

}  // namespace qk
