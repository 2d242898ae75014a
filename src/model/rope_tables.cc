#include "model/rope_tables.h"

#include <algorithm>
#include <cstring>

namespace qk {
namespace {

// One table to be: its frequencies and how many positions it needs.
struct TablePlan {
  RopeFrequencies frequencies;
  int64_t positions = 0;
};

// Groups sequences of equal frequencies; group_of [sequences] receives the index into the result.
std::vector<TablePlan> plan_tables(const RopeParameters& rope, std::span<const int64_t> lengths,
                                   std::span<const int64_t> full_lengths,
                                   std::vector<int>& group_of) {
  std::vector<TablePlan> plans;
  for (size_t s = 0; s < lengths.size(); ++s) {
    RopeFrequencies frequencies = rope_frequencies(rope, full_lengths[s]);
    auto it = std::ranges::find(plans, frequencies, &TablePlan::frequencies);
    if (it == plans.end()) {
      plans.push_back({std::move(frequencies), 0});
      it = plans.end() - 1;
    }
    it->positions = std::max(it->positions, lengths[s]);
    group_of.push_back(static_cast<int>(it - plans.begin()));
  }
  return plans;
}

}  // namespace

RopeTables::RopeTables(const ModelConfig& config, const Sequences& sequences,
                       std::span<const int> rope_sets, ThreadPool& pool) {
  constexpr int64_t kRowsPerTask = 64;
  std::vector<int64_t> lengths;
  for (size_t s = 0; s + 1 < sequences.offsets.size(); ++s) {
    lengths.push_back(sequences.offsets[s + 1] - sequences.offsets[s]);
  }
  table_of_.resize(config.rope.size());
  for (const int set : rope_sets) {
    std::vector<int>& group_of = table_of_[static_cast<size_t>(set)];
    const auto first = static_cast<int>(tables_.size());
    for (const TablePlan& plan : plan_tables(config.rope[static_cast<size_t>(set)], lengths,
                                             sequences.full_lengths, group_of)) {
      const auto half = static_cast<int64_t>(plan.frequencies.values.size());
      Table& table = tables_.emplace_back();
      table.half = half;
      table.cos = FloatBuffer(plan.positions * half);
      table.sin = FloatBuffer(plan.positions * half);
      const MatrixView cos = table.cos.matrix(plan.positions, half);
      const MatrixView sin = table.sin.matrix(plan.positions, half);
      const int64_t num_tasks = (plan.positions + kRowsPerTask - 1) / kRowsPerTask;
      pool.parallel_for(num_tasks, [&](int64_t task, int /*thread*/) {
        const int64_t begin = task * kRowsPerTask;
        const int64_t end = std::min(begin + kRowsPerTask, plan.positions);
        fill_rope_table(plan.frequencies, begin, cos.slice(begin, end), sin.slice(begin, end));
      });
    }
    for (int& group : group_of) group += first;
  }
}

void RopeTables::gather(int rope_idx, int64_t sequence, std::span<const int32_t> positions,
                        MatrixView cos, MatrixView sin) const {
  const std::vector<int>& table_of = table_of_[static_cast<size_t>(rope_idx)];
  const Table& table = tables_[static_cast<size_t>(table_of[static_cast<size_t>(sequence)])];
  const int64_t half = table.half;
  QK_CHECK(cos.dim(1) == half && sin.dim(1) == half);
  const size_t row_bytes = static_cast<size_t>(half) * sizeof(float);
  for (size_t row = 0; row < positions.size(); ++row) {
    const auto to = static_cast<int64_t>(row) * half;
    std::memcpy(cos.data() + to, table.cos.data() + positions[row] * half, row_bytes);
    std::memcpy(sin.data() + to, table.sin.data() + positions[row] * half, row_bytes);
  }
}

int64_t RopeTables::floats(const ModelConfig& config, std::span<const int64_t> lengths,
                           std::span<const int64_t> full_lengths, std::span<const int> rope_sets) {
  int64_t total = 0;
  for (const int set : rope_sets) {
    std::vector<int> group_of;
    for (const TablePlan& plan :
         plan_tables(config.rope[static_cast<size_t>(set)], lengths, full_lengths, group_of)) {
      total += 2 * plan.positions * static_cast<int64_t>(plan.frequencies.values.size());
    }
  }
  return total;
}

}  // namespace qk
