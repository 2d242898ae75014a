// How a call of linear is cut into tasks: rectangles of rows and output columns, large ones first
// and smaller ones towards the end, so that threads finish together. Tasks never cut the sums, so
// the plan has no influence on results.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace qk {

struct LinearTask {
  int64_t job = 0;
  int64_t first_row_panel = 0, end_row_panel = 0;  // of tile rows each
  int64_t first_col_panel = 0, end_col_panel = 0;  // of tile columns each
};

// Column panels that one task packs at once, at most.
inline constexpr int64_t kGroupPanels = 8;

// Every (job, row panel, column panel) in exactly one task.
//   col_panels  [jobs] column panels of each job
std::vector<LinearTask> plan_linear(int64_t row_panels, std::span<const int64_t> col_panels,
                                    int num_threads);

}  // namespace qk
