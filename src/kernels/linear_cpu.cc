#include <algorithm>
#include <vector>

#include "base/simd_targets.h"
#include "kernels/linear.h"
#include "kernels/linear_plan.h"
#include "kernels/scratch.h"
#include "kernels/widen.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/linear_cpu.cc"
#include <hwy/foreach_target.h>
// After foreach_target.h:
#include <hwy/highway.h>

#include "kernels/interleave-inl.h"
#include "kernels/tile-inl.h"

HWY_BEFORE_NAMESPACE();
namespace qk::HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

constexpr int64_t kM = kTileRows;
constexpr int64_t kN = kTileCols;
constexpr int64_t kWidenStep = 256;                // numbers of a row that are widened at once
constexpr int64_t kWidenStride = kWidenStep + 16;  // keeps the rows out of each other's cache sets

// Rows [panel * kM, ...) of x as [in][kM]; rows past the last are copies of the first.
void pack_rows(ConstMatrixView x, int64_t panel, float* out) {
  const float* rows[kM];
  for (int64_t r = 0; r < kM; ++r) {
    rows[r] = x.data() + std::min(panel * kM + r, x.dim(0) - 1) * x.dim(1);
  }
  interleave_rows(rows, kM, x.dim(1), out, kM);
}

// Its bytes are already an array of float: nothing to widen.
bool stored_as_floats(const WeightMatrix& weight) {
  return weight.dtype == DType::kF32 &&
         reinterpret_cast<uintptr_t>(weight.row(0)) % alignof(float) == 0;
}

// Inputs [begin, end) of weight rows [panel * kN, ...) as [end - begin][kN].
void pack_weight(const WeightMatrix& weight, int64_t panel, int64_t begin, int64_t end, float* wide,
                 float* out) {
  const float* rows[kN];
  const int64_t num_rows = std::min(kN, weight.rows - panel * kN);
  if (stored_as_floats(weight)) {
    for (int64_t r = 0; r < kN; ++r) {
      const std::byte* row = weight.row(panel * kN + std::min(r, num_rows - 1));
      rows[r] = reinterpret_cast<const float*>(row) + begin;
    }
    interleave_rows(rows, kN, end - begin, out, kN);
    return;
  }
  for (int64_t r = 0; r < kN; ++r) rows[r] = wide + std::min(r, num_rows - 1) * kWidenStride;
  for (int64_t k = begin; k < end; k += kWidenStep) {
    const int64_t count = std::min(kWidenStep, end - k);
    for (int64_t r = 0; r < num_rows; ++r) {
      widen_row(weight.dtype, weight.row(panel * kN + r), k, count, wide + r * kWidenStride);
    }
    interleave_rows(rows, kN, count, out + (k - begin) * kN, kN);
  }
}

// y = sum + bias + old y
struct EmitToOutput {
  float* y;
  int64_t stride;
  const float* bias;
  bool add;
  HWY_INLINE void operator()(size_t r, V lo, V hi) const {
    float* row = y + static_cast<int64_t>(r) * stride;
    if (bias != nullptr) {
      lo = hn::Add(lo, hn::LoadU(D(), bias));
      hi = hn::Add(hi, hn::LoadU(D(), bias + kLanes));
    }
    if (add) {
      lo = hn::Add(lo, hn::LoadU(D(), row));
      hi = hn::Add(hi, hn::LoadU(D(), row + kLanes));
    }
    hn::StoreU(lo, D(), row);
    hn::StoreU(hi, D(), row + kLanes);
  }
};

// The outputs that a whole tile is going to write.
HWY_INLINE void fetch_ahead(const EmitToOutput& to) {
  for (int64_t r = 0; r < kM; ++r) {
    hwy::Prefetch(to.y + r * to.stride);
    hwy::Prefetch(to.y + r * to.stride + kLanes);
  }
}

struct EmitToBuffer {
  float* buffer;
  HWY_INLINE void operator()(size_t r, V lo, V hi) const {
    hn::Store(lo, D(), buffer + r * kTileCols);
    hn::Store(hi, D(), buffer + r * kTileCols + kLanes);
  }
};

// A tile at the lower or right edge, through a buffer; the same sums in the same order.
HWY_NOINLINE void edge_tile(const float* a, const float* b, int64_t depth, int64_t rows,
                            int64_t cols, const EmitToOutput& to) {
  HWY_ALIGN float buffer[kTileRows * kTileCols];
  tile_of(static_cast<size_t>(rows), a, kM, b, static_cast<size_t>(depth), EmitToBuffer{buffer});
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t c = 0; c < cols; ++c) {
      float sum = buffer[r * kN + c];
      float* y = to.y + r * to.stride + c;
      if (to.bias != nullptr) sum += to.bias[c];
      if (to.add) sum += *y;
      *y = sum;
    }
  }
}

int64_t task_floats(int64_t in) { return kN * kWidenStride + kGroupPanels * kN * linear_block(in); }

int64_t packed_floats(int64_t rows, int64_t in) { return (rows + kM - 1) / kM * kM * in; }

// Inputs [begin, begin + depth) of a call: row panels of x [in][kM], packed column panels of one
// task.
struct Block {
  int64_t begin = 0;
  int64_t depth = 0;
  const float* packed_rows = nullptr;
  const float* packed_weights = nullptr;
  int64_t weight_stride = 0;  // numbers from one column panel to the next
};

// Adds the block's sums of one row panel to the outputs of the task's columns.
HWY_INLINE void multiply_panel(const MappedJob& job, const LinearTask& task, const Block& block,
                               int64_t m) {
  const int64_t out = job.weight.rows;
  const float* a = block.packed_rows + (m * job.weight.cols + block.begin) * kM;
  const float* b = block.packed_weights;
  const int64_t rows = std::min(kM, job.y.dim(0) - m * kM);
  const bool first = block.begin == 0;
  for (int64_t p = task.first_col_panel; p < task.end_col_panel; ++p, b += block.weight_stride) {
    const int64_t cols = std::min(kN, out - p * kN);
    const EmitToOutput to{job.y.data() + m * kM * out + p * kN, out,
                          first && job.bias != nullptr ? job.bias + p * kN : nullptr,
                          !first || job.accumulate};
    if (rows == kM && cols == kN) {
      fetch_ahead(to);
      const bool first_use = p == task.first_col_panel && m + 1 < task.end_row_panel;
      const float* next = first_use ? a + job.weight.cols * kM : nullptr;
      tile<kTileRows>(a, kM, b, static_cast<size_t>(block.depth), to, next);
    } else {
      edge_tile(a, b, block.depth, rows, cols, to);
    }
  }
}

// One task; `packed` are the row panels [in][kM] of x.
void run_task(const MappedJob& job, const LinearTask& task, const float* packed) {
  const int64_t in = job.weight.cols;
  const int64_t block_size = linear_block(in);
  float* wide = Scratch::task().floats(static_cast<size_t>(task_floats(in)));
  float* weights = wide + kN * kWidenStride;
  Block block{.packed_rows = packed, .packed_weights = weights, .weight_stride = kN * block_size};
  for (; block.begin < in; block.begin += block_size) {
    block.depth = std::min(block_size, in - block.begin);
    for (int64_t p = task.first_col_panel; p < task.end_col_panel; ++p) {
      pack_weight(job.weight, p, block.begin, block.begin + block.depth, wide,
                  weights + (p - task.first_col_panel) * block.weight_stride);
    }
    for (int64_t m = task.first_row_panel; m < task.end_row_panel; ++m) {
      multiply_panel(job, task, block, m);
    }
  }
}

void run_linear(ThreadPool& pool, ConstMatrixView x, std::span<const MappedJob> jobs) {
  const int64_t row_panels = (x.dim(0) + kM - 1) / kM;
  const int64_t panel_floats = x.dim(1) * kM;
  float* packed =
      Scratch::shared_operand().floats(static_cast<size_t>(packed_floats(x.dim(0), x.dim(1))));
  constexpr int64_t kPackedAtOnce = 4;
  pool.parallel_for((row_panels + kPackedAtOnce - 1) / kPackedAtOnce, [&](int64_t index, int) {
    const int64_t end = std::min(row_panels, (index + 1) * kPackedAtOnce);
    for (int64_t p = index * kPackedAtOnce; p < end; ++p) {
      pack_rows(x, p, packed + p * panel_floats);
    }
  });
  std::vector<int64_t> col_panels;
  for (const MappedJob& job : jobs) col_panels.push_back((job.weight.rows + kN - 1) / kN);
  const std::vector<LinearTask> tasks = plan_linear(row_panels, col_panels, pool.num_threads());
  pool.parallel_for(static_cast<int64_t>(tasks.size()), [&](int64_t index, int) {
    run_task(jobs[tasks[index].job], tasks[index], packed);
  });
}

}  // namespace
}  // namespace qk::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace qk {
HWY_EXPORT(run_linear);
HWY_EXPORT(task_floats);
HWY_EXPORT(packed_floats);

int64_t linear_bytes(int64_t rows, int64_t in, int num_threads) {
  const int64_t floats = HWY_DYNAMIC_DISPATCH(packed_floats)(rows, in) +
                         num_threads * HWY_DYNAMIC_DISPATCH(task_floats)(in);
  return floats * static_cast<int64_t>(sizeof(float));
}

void linear_cpu(Context& context, ConstMatrixView x, std::span<const LinearJob> jobs) {
  check_linear(x, jobs);
  if (x.dim(0) == 0) return;
  HWY_DYNAMIC_DISPATCH(run_linear)(context.pool, x, mapped_jobs(jobs));
}

}  // namespace qk
#endif  // HWY_ONCE
