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

void ForwardRun::linear(ConstMatrix x, std::span<const LinearJob> jobs) {
  const PartWatch watch(clock_, times_.linear);
  backend_.linear(context_, x, jobs);
  for (const LinearJob& job : jobs) {
    times_.matmul_flop += 2.0 * static_cast<double>(x.rows) * static_cast<double>(job.y.cols) *
                          static_cast<double>(job.weight.cols);
  }
}

void ForwardRun::norm(ConstMatrix x, BoundVector weight, Matrix out) {
  const PartWatch watch(clock_, times_.norm);
  backend_.rms_norm(context_, x, weight, static_cast<float>(config_.rms_norm_eps), block().norm,
                    out);
}

void ForwardRun::head_norm(Heads x, BoundVector weight) {
  if (block().qk_norm) norm(x.vectors(), weight, x.vectors());
}

void ForwardRun::take(LayerTaps& taps, Site site, ConstHeads x, std::span<const int32_t> rows,
                      bool chosen_heads) {
  const PartWatch watch(clock_, times_.tap);
  taps.take(site, x, rows, chosen_heads);
}

void ForwardRun::rotate(int layer, std::span<const int32_t> rows, Heads x) {
  const int rope_idx = config_.layers[static_cast<size_t>(layer)].rope_idx;
  if (rope_idx < 0 || rows.empty()) return;
  const PartWatch watch(clock_, times_.rope);
  const std::span<const int32_t> at = positions(rows);
  for (const Segment& part : segments(rows)) {
    const RopeTables::Rows table = rope_tables_.of(rope_idx, part.sequence);
    const std::span<const int32_t> here =
        at.subspan(static_cast<size_t>(part.begin), static_cast<size_t>(part.end - part.begin));
    Matrix cos, sin;
    if (here.back() - here.front() + 1 == std::ssize(here)) {
      cos = table.cos.slice(here.front(), here.back() + 1);
      sin = table.sin.slice(here.front(), here.back() + 1);
    } else {
      cos = cos_.matrix(std::ssize(here), table.cos.cols);
      sin = sin_.matrix(std::ssize(here), table.sin.cols);
      backend_.gather_rows(context_, table.cos, here, cos);
      backend_.gather_rows(context_, table.sin, here, sin);
    }
    backend_.rope(context_, x.slice(part.begin, part.end), cos, sin, block().rope_layout);
  }
}

void ForwardRun::scale_queries(std::span<const int32_t> rows, Heads x) {
  if (config_.query_scale_beta == 0 || rows.empty()) return;
  const PartWatch watch(clock_, times_.rope);
  std::vector<float> factors;
  factors.reserve(rows.size());
  const auto length = static_cast<double>(config_.query_scale_length);
  const double beta = config_.query_scale_beta;
  for (const int32_t position : positions(rows)) {
    const double log = std::log(1.0 + std::floor(position / length));
    factors.push_back(backend_.traits.rounds_as_transformers
                          ? 1.0F + static_cast<float>(beta) * static_cast<float>(log)
                          : static_cast<float>(1.0 + beta * log));
  }
  backend_.scale_rows(context_, x.flat(), factors);
}

}  // namespace qk
