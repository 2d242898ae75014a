#include "kernels/linear_plan.h"

#include <algorithm>
#include <numeric>

namespace qk {
namespace {

constexpr int64_t kFewestRowPanels = 4;  // below that, packing weights outweighs the product

// Appends the task, cut along its rows into `pieces`.
void add_pieces(LinearTask task, int64_t pieces, std::vector<LinearTask>& tasks) {
  const int64_t first = task.first_row_panel;
  const int64_t count = task.end_row_panel - first;
  pieces = std::clamp<int64_t>(count / kFewestRowPanels, 1, pieces);
  for (int64_t piece = 0; piece < pieces; ++piece) {
    task.first_row_panel = first + count * piece / pieces;
    task.end_row_panel = first + count * (piece + 1) / pieces;
    tasks.push_back(task);
  }
}

}  // namespace

std::vector<LinearTask> plan_linear(int64_t row_panels, std::span<const int64_t> col_panels,
                                    int num_threads) {
  std::vector<LinearTask> tasks;
  const int64_t total = std::accumulate(col_panels.begin(), col_panels.end(), int64_t{0});
  if (total == 0 || row_panels == 0) return tasks;
  const int64_t threads = num_threads;
  const int64_t wanted = threads == 1 ? 1 : (4 * threads + total - 1) / total;
  const int64_t splits =
      std::clamp<int64_t>(wanted, 1, std::max<int64_t>(1, row_panels / kFewestRowPanels));
  int64_t left = total * splits;
  for (int64_t split = 0; split < splits; ++split) {
    LinearTask task{.job = 0,
                    .first_row_panel = row_panels * split / splits,
                    .end_row_panel = row_panels * (split + 1) / splits};
    for (; task.job < static_cast<int64_t>(col_panels.size()); ++task.job) {
      for (int64_t panel = 0; panel < col_panels[task.job]; panel = task.end_col_panel) {
        const int64_t share = threads == 1 ? kGroupPanels : left / (2 * threads);
        const int64_t group = std::clamp<int64_t>(share, 1, kGroupPanels);
        task.first_col_panel = panel;
        task.end_col_panel = std::min(panel + group, col_panels[task.job]);
        const bool last_ones = threads > 1 && left <= threads;
        add_pieces(task, last_ones ? 4 : 1, tasks);
        left -= task.end_col_panel - panel;
      }
    }
  }
  return tasks;
}

}  // namespace qk
