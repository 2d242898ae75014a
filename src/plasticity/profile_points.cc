#include "plasticity/profile_points.h"

#include <algorithm>

#include "base/error.h"
#include "heads/row_runs.h"
#include "random/numpy_rng.h"

namespace qk {
namespace {

// The fewest rounds of one row of every bucket that yield so many rows, or all there are.
int64_t num_rounds(std::span<const RowRun> buckets, int64_t count) {
  int64_t rounds = 0;
  for (int64_t rows = 0, before = -1; rows < count && rows > before; ++rounds) {
    before = rows;
    rows = 0;
    for (const RowRun& bucket : buckets) rows += std::min(std::ssize(bucket.rows), rounds + 1);
  }
  return rounds;
}

}  // namespace

std::vector<int64_t> draw_point_rows(const HeadTable& table, int64_t count, const SeedWords& seed) {
  QK_CHECK(count >= 1);
  const std::vector<int64_t> sorted = sorted_rows(table.buckets);
  const std::vector<RowRun> buckets = row_runs(table.buckets, sorted);
  const int64_t rounds = num_rounds(buckets, count);
  NumpyGenerator generator(seed);
  std::vector<std::vector<int64_t>> drawn;
  for (const RowRun& bucket : buckets) {
    const int64_t rows = std::ssize(bucket.rows);
    drawn.push_back(generator.choice(rows, std::min(rows, rounds)));
    for (int64_t& row : drawn.back()) row = bucket.rows[static_cast<size_t>(row)];
  }
  const std::vector<int64_t> order = generator.choice(std::ssize(buckets), std::ssize(buckets));
  std::vector<int64_t> out;
  for (size_t round = 0; round < static_cast<size_t>(rounds); ++round) {
    for (const int64_t bucket : order) {
      const std::vector<int64_t>& rows = drawn[static_cast<size_t>(bucket)];
      if (round < rows.size() && std::ssize(out) < count) out.push_back(rows[round]);
    }
  }
  return out;
}

PointRows point_rows(const HeadTable& table, std::span<const int64_t> rows) {
  PointRows out;
  out.has_large_ids = table.has_large_ids;
  for (const int64_t row : rows) {
    const auto i = static_cast<size_t>(row);
    out.positions.push_back(table.positions[i]);
    out.buckets.push_back(table.buckets[i]);
    if (!table.example_ids.empty()) out.example_ids.push_back(table.example_ids[i]);
  }
  return out;
}

}  // namespace qk
