// Steps that every layer of the loop uses.
#include <algorithm>
#include <cmath>

#include "model/forward_run.h"

namespace qk {

std::vector<Segment> ForwardRun::segments(std::span<const int32_t> rows) const {
  std::vector<Segment> out;
  int64_t sequence = 0;
  if (!rows.empty()) {
    const auto next = std::ranges::upper_bound(sequences_.offsets, rows.front());
    sequence = (next - sequences_.offsets.begin()) - 1;
  }
  int64_t begin = 0;
  while (begin < std::ssize(rows)) {
    while (sequences_.offsets[static_cast<size_t>(sequence) + 1] <=
           rows[static_cast<size_t>(begin)]) {
      ++sequence;
    }
    const int64_t limit = sequences_.offsets[static_cast<size_t>(sequence) + 1];
    const auto end = std::ranges::lower_bound(rows, limit) - rows.begin();
    out.push_back({sequence, begin, end});
    begin = end;
  }
  return out;
}

std::span<const int32_t> ForwardRun::positions(std::span<const int32_t> rows) {
  positions_.resize(rows.size());
  for (const Segment& part : segments(rows)) {
    const int64_t start = sequences_.offsets[static_cast<size_t>(part.sequence)];
    for (auto i = static_cast<size_t>(part.begin); i < static_cast<size_t>(part.end); ++i) {
      positions_[i] = static_cast<int32_t>(rows[i] - start);
    }
  }
  return positions_;
}

void ForwardRun::linear(ConstMatrixView x, std::span<const LinearJob> jobs) {
  const Stopwatch watch(times_.linear);
  backend_.linear(context_, x, jobs);
  for (const LinearJob& job : jobs) {
    times_.matmul_flop += 2.0 * static_cast<double>(x.dim(0)) * static_cast<double>(job.y.dim(1)) *
                          static_cast<double>(job.weight.cols);
  }
}

void ForwardRun::norm(ConstMatrixView x, BoundVector weight, MatrixView out) {
  const Stopwatch watch(times_.norm);
  backend_.rms_norm(context_, x, weight, static_cast<float>(config_.rms_norm_eps), block().norm,
                    out);
}

void ForwardRun::head_norm(TensorView<float, 3> x, BoundVector weight) {
  if (!block().qk_norm) return;
  const MatrixView vectors(x.data(), {x.dim(0) * x.dim(1), x.dim(2)});
  norm(vectors, weight, vectors);
}

void ForwardRun::rotate(int layer, std::span<const int32_t> rows, TensorView<float, 3> x) {
  const int rope_idx = config_.layers[static_cast<size_t>(layer)].rope_idx;
  if (rope_idx < 0 || rows.empty()) return;
  const Stopwatch watch(times_.rope);
  const int64_t half = config_.rope[static_cast<size_t>(rope_idx)].rotary_dim / 2;
  const MatrixView cos = cos_.matrix(std::ssize(rows), half);
  const MatrixView sin = sin_.matrix(std::ssize(rows), half);
  const std::span<const int32_t> at = positions(rows);
  for (const Segment& part : segments(rows)) {
    rope_tables_.gather(
        rope_idx, part.sequence,
        at.subspan(static_cast<size_t>(part.begin), static_cast<size_t>(part.end - part.begin)),
        cos.slice(part.begin, part.end), sin.slice(part.begin, part.end));
  }
  backend_.rope(context_, x, cos, sin, block().rope_layout);
}

void ForwardRun::scale_queries(std::span<const int32_t> rows, TensorView<float, 3> x) {
  if (config_.query_scale_beta == 0 || rows.empty()) return;
  const Stopwatch watch(times_.rope);
  std::vector<float> factors;
  factors.reserve(rows.size());
  const auto length = static_cast<double>(config_.query_scale_length);
  for (const int32_t position : positions(rows)) {
    factors.push_back(static_cast<float>(1.0 + config_.query_scale_beta *
                                                   std::log(1.0 + std::floor(position / length))));
  }
  backend_.scale_rows(context_, MatrixView(x.data(), {x.dim(0), x.dim(1) * x.dim(2)}), factors);
}

}  // namespace qk
