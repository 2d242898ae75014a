#include "model/rope_tables.h"

#include <algorithm>

namespace qk {
namespace {

// A table to make: its frequencies and the number of positions it needs.
struct TablePlan {
  RopeFrequencies frequencies;
  int64_t positions = 0;
};

// Sequences of equal frequencies share a table, unless its bits may depend on its size; group_of
// [sequences] receives the index into the result.
std::vector<TablePlan> plan_tables(const RopeParameters& rope, const BackendTraits& traits,
                                   std::span<const int64_t> lengths,
                                   std::span<const int64_t> full_lengths,
                                   std::vector<int>& group_of) {
  std::vector<TablePlan> plans;
  for (size_t s = 0; s < lengths.size(); ++s) {
    RopeFrequencies frequencies = rope_frequencies(rope, full_lengths[s]);
    auto it = traits.rows_depend_on_shape
                  ? plans.end()
                  : std::ranges::find(plans, frequencies, &TablePlan::frequencies);
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

RopeTables::RopeTables(const BoundModel& model, const Sequences& sequences,
                       std::span<const int> rope_sets)
    : model_(model) {
  const ModelConfig& config = model.model().config;
  std::vector<int64_t> lengths;
  for (size_t s = 0; s + 1 < sequences.offsets.size(); ++s) {
    lengths.push_back(sequences.offsets[s + 1] - sequences.offsets[s]);
  }
  table_of_.resize(config.rope.size());
  for (const int set : rope_sets) {
    std::vector<int>& group_of = table_of_[static_cast<size_t>(set)];
    const auto first = static_cast<int>(tables_.size());
    for (const TablePlan& plan :
         plan_tables(config.rope[static_cast<size_t>(set)], model.backend().traits, lengths,
                     sequences.full_lengths, group_of)) {
      add_table(plan.frequencies, plan.positions);
    }
    for (int& group : group_of) group += first;
  }
}

void RopeTables::add_table(const RopeFrequencies& frequencies, int64_t positions) {
  const auto half = std::ssize(frequencies.values);
  const auto buffer = [&] {
    return Buffer(model_.backend(), model_.context(),
                  activation_bytes(positions * half, model_.backend().traits.dtype));
  };
  const Table& table = tables_.emplace_back(Table{buffer(), buffer(), positions, half});
  model_.backend().rope_table(model_.context(), frequencies.values, frequencies.attention_factor,
                              /*first=*/0, table.cos.matrix(positions, half),
                              table.sin.matrix(positions, half));
}

RopeTables::Rows RopeTables::of(int rope_idx, int64_t sequence) const {
  const std::vector<int>& table_of = table_of_[static_cast<size_t>(rope_idx)];
  const Table& table = tables_[static_cast<size_t>(table_of[static_cast<size_t>(sequence)])];
  return {table.cos.matrix(table.positions, table.half),
          table.sin.matrix(table.positions, table.half)};
}

int64_t RopeTables::bytes(const ModelConfig& config, const BackendTraits& traits,
                          std::span<const int64_t> lengths, std::span<const int64_t> full_lengths,
                          std::span<const int> rope_sets) {
  int64_t total = 0;
  for (const int set : rope_sets) {
    std::vector<int> group_of;
    for (const TablePlan& plan : plan_tables(config.rope[static_cast<size_t>(set)], traits, lengths,
                                             full_lengths, group_of)) {
      total +=
          2 * activation_bytes(plan.positions * std::ssize(plan.frequencies.values), traits.dtype);
    }
  }
  return total;
}

}  // namespace qk
