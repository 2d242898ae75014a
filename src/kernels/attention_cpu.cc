#include <algorithm>
#include <cmath>

#include "base/simd_targets.h"
#include "kernels/attention.h"
#include "kernels/kv_layout.h"
#include "kernels/scratch.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/attention_cpu.cc"
#include <hwy/foreach_target.h>
// After foreach_target.h:
#include <hwy/highway.h>

#include "kernels/interleave-inl.h"
#include "kernels/simd_math-inl.h"
#include "kernels/tile-inl.h"

HWY_BEFORE_NAMESPACE();
namespace qk::HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

using DI = hn::RebindToSigned<D>;

constexpr int64_t kQueries = kTileCols;  // queries of a lane group: one lane each
constexpr int64_t kRows = kTileRows;
constexpr int64_t kGroups = 4;               // lane groups of a task: they share the tile of keys
constexpr float kNothingSeen = -4194304.0F;  // -2^22: before the first visible key

// What is the same for a whole call.
struct Call {
  TensorView<const float, 3> q;
  QueryPositions positions;
  KeyValueCache cache;
  AttentionShape shape;
  TensorView<float, 3> out;
  int64_t group = 1;                                     // query heads of a key head
  int64_t num_rows() const { return q.dim(0) * group; }  // of one key head
  // Row r of key head h: query r / group, head h * group + r % group.
  const float* query(int64_t head, int64_t r) const {
    return q.data() + (r / group * q.dim(1) + head * group + r % group) * q.dim(2);
  }
  float* output(int64_t head, int64_t r) const { return out.data() + (query(head, r) - q.data()); }
};

// Up to kQueries rows of one key head, a lane each, and their running softmax.
struct LaneGroup {
  int64_t first_row = 0;
  int64_t num_rows = 0;
  KeyRange any;                  // keys that some lane sees
  KeyRange all;                  // keys that every lane sees
  float* query = nullptr;        // [head_dim][kQueries], times scale / ln 2
  float* sums = nullptr;         // [head_dim][kQueries] weighted values so far
  float* base = nullptr;         // [kQueries] largest score so far
  float* total = nullptr;        // [kQueries] weights so far
  int32_t* first_key = nullptr;  // [kQueries] the lane sees keys [first_key, end_key)
  int32_t* end_key = nullptr;
};

// Floats that a lane group needs, and a task: its groups and one tile of weights.
int64_t group_floats(int64_t head_dim) { return (2 * head_dim + 4) * kQueries; }
int64_t task_floats(int64_t head_dim) {
  return kGroups * group_floats(head_dim) + kKeyTile * kQueries;
}

LaneGroup start_group(const Call& call, int64_t head, int64_t first_row, int64_t end_row,
                      float* memory) {
  const int64_t head_dim = call.q.dim(2);
  LaneGroup g;
  g.first_row = first_row;
  g.num_rows = end_row - first_row;
  g.query = memory;
  g.sums = g.query + head_dim * kQueries;
  g.base = g.sums + head_dim * kQueries;
  g.total = g.base + kQueries;
  g.first_key = reinterpret_cast<int32_t*>(g.total + kQueries);
  g.end_key = g.first_key + kQueries;
  const float* rows[kQueries];
  g.any = g.all = visible_keys(call.shape, call.positions[first_row / call.group]);
  for (int64_t lane = 0; lane < kQueries; ++lane) {
    const int64_t row = std::min(first_row + lane, end_row - 1);  // spare lanes repeat the last
    rows[lane] = call.query(head, row);
    const KeyRange keys = visible_keys(call.shape, call.positions[row / call.group]);
    g.any = {std::min(g.any.begin, keys.begin), std::max(g.any.end, keys.end)};
    g.all = {std::max(g.all.begin, keys.begin), std::min(g.all.end, keys.end)};
    g.first_key[lane] = static_cast<int32_t>(keys.begin);
    g.end_key[lane] = static_cast<int32_t>(keys.end);
    g.base[lane] = kNothingSeen;
    g.total[lane] = 0.0F;
  }
  interleave_rows(rows, kQueries, head_dim, g.query, kQueries);
  const V scale = hn::Set(D(), call.shape.scale * 1.44269504088896341F);
  for (int64_t i = 0; i < head_dim * kQueries; i += kLanes) {
    hn::Store(hn::Mul(hn::Load(D(), g.query + i), scale), D(), g.query + i);
    hn::Store(hn::Zero(D()), D(), g.sums + i);
  }
  return g;
}

struct EmitScores {
  float* scores;
  HWY_INLINE void operator()(size_t r, V lo, V hi) const {
    hn::Store(lo, D(), scores + r * kTileCols);
    hn::Store(hi, D(), scores + r * kTileCols + kLanes);
  }
};

// scores[j - keys.begin][lane] = k[j].q[lane]
void score_keys(const Call& call, int64_t head, const LaneGroup& g, KeyRange keys, float* scores) {
  const auto head_dim = static_cast<size_t>(call.q.dim(2));
  for (int64_t j = keys.begin; j < keys.end;) {
    const int64_t panel_end = std::min(keys.end, (j / kKeyPanel + 1) * kKeyPanel);
    const auto rows = static_cast<size_t>(std::min(kRows, panel_end - j));
    tile_of(rows, key_column(call.cache, head, j), kKeyPanel, g.query, head_dim,
            EmitScores{scores + (j - keys.begin) * kQueries});
    j += static_cast<int64_t>(rows);
  }
}

// Minus infinity for the keys of [begin, end) that a lane does not see.
void hide_keys(const LaneGroup& g, KeyRange keys, int64_t begin, int64_t end, float* scores) {
  const DI di;
  for (int64_t j = begin; j < end; ++j) {
    const auto key = hn::Set(di, static_cast<int32_t>(j));
    for (size_t lane = 0; lane < kTileCols; lane += kLanes) {
      const auto before = hn::Lt(key, hn::Load(di, g.first_key + lane));
      const auto until = hn::Lt(key, hn::Load(di, g.end_key + lane));
      const auto seen = hn::RebindMask(D(), hn::AndNot(before, until));
      float* s = scores + (j - keys.begin) * kQueries + lane;
      hn::Store(hn::IfThenElse(seen, hn::Load(D(), s), hn::Set(D(), -HUGE_VALF)), D(), s);
    }
  }
}

// max(start, scores[j][lane]) over the keys.
HWY_INLINE V largest_score(const float* scores, size_t num_keys, V start) {
  constexpr size_t kChains = 4;  // independent, to hide the latency; max has no rounding
  V most[kChains] = {start, start, start, start};
  size_t j = 0;
  for (; j + kChains <= num_keys; j += kChains) {
    for (size_t c = 0; c < kChains; ++c) {
      most[c] = hn::Max(most[c], hn::Load(D(), scores + (j + c) * kTileCols));
    }
  }
  for (; j < num_keys; ++j) most[0] = hn::Max(most[0], hn::Load(D(), scores + j * kTileCols));
  return hn::Max(hn::Max(most[0], most[1]), hn::Max(most[2], most[3]));
}

// Scores become weights 2^(score - base), the base being the largest score so far, rounded to an
// integer: so rescaling is exact. Base and total are updated.
// rescale[lane]: what the earlier weights have to be multiplied with.
void weigh_keys(const LaneGroup& g, size_t num_keys, float* scores, float* rescale) {
  const D d;
  const V magic = hn::Set(d, kRoundToInteger);
  for (size_t lane = 0; lane < kTileCols; lane += kLanes) {
    const V earlier = hn::Load(d, g.base + lane);
    const V largest = largest_score(scores + lane, num_keys, earlier);
    const V base = hn::Sub(hn::Add(largest, magic), magic);
    const V factor = exp2_from_base(d, earlier, base);
    V total = hn::Zero(d);
    for (size_t j = 0; j < num_keys; ++j) {
      float* w = scores + lane + j * kTileCols;
      const V weight = exp2_from_base(d, hn::Load(d, w), base);
      total = hn::Add(total, weight);
      hn::Store(weight, d, w);
    }
    hn::Store(base, d, g.base + lane);
    hn::Store(factor, d, rescale + lane);
    hn::Store(hn::MulAdd(hn::Load(d, g.total + lane), factor, total), d, g.total + lane);
  }
}

// sums = sums * rescale + tile
struct EmitSums {
  float* sums;
  V rescale_lo, rescale_hi;
  HWY_INLINE void operator()(size_t r, V lo, V hi) const {
    float* s = sums + r * kTileCols;
    hn::Store(hn::MulAdd(hn::Load(D(), s), rescale_lo, lo), D(), s);
    hn::Store(hn::MulAdd(hn::Load(D(), s + kLanes), rescale_hi, hi), D(), s + kLanes);
  }
};

void add_values(const Call& call, int64_t head, const LaneGroup& g, KeyRange keys,
                const float* weights, const float* rescale) {
  const int64_t head_dim = call.q.dim(2);
  const int64_t width = value_width(head_dim);
  const V rescale_lo = hn::Load(D(), rescale);
  const V rescale_hi = hn::Load(D(), rescale + kLanes);
  for (int64_t begin = 0; begin < head_dim; begin += width) {
    const float* values = value_part(call.cache, head, begin / width, keys.begin);
    const int64_t components = std::min(width, head_dim - begin);
    const int64_t tiles = (components + kRows - 1) / kRows;  // of about equal heights
    for (int64_t t = 0; t < tiles; ++t) {
      const int64_t first = components * t / tiles;
      const int64_t end = components * (t + 1) / tiles;
      tile_of(static_cast<size_t>(end - first), values + first, static_cast<size_t>(width), weights,
              static_cast<size_t>(keys.end - keys.begin),
              EmitSums{g.sums + (begin + first) * kQueries, rescale_lo, rescale_hi});
    }
  }
}

void attend_tile(const Call& call, int64_t head, const LaneGroup& g, int64_t tile_begin,
                 float* scores) {
  const KeyRange keys{std::max(g.any.begin, tile_begin),
                      std::min(g.any.end, tile_begin + kKeyTile)};
  if (keys.begin >= keys.end) return;
  HWY_ALIGN float rescale[kTileCols];
  score_keys(call, head, g, keys, scores);
  const int64_t seen_begin = std::clamp(g.all.begin, keys.begin, keys.end);
  const int64_t seen_end = std::clamp(g.all.end, seen_begin, keys.end);
  hide_keys(g, keys, keys.begin, seen_begin, scores);
  hide_keys(g, keys, seen_end, keys.end, scores);
  weigh_keys(g, static_cast<size_t>(keys.end - keys.begin), scores, rescale);
  add_values(call, head, g, keys, scores, rescale);
}

// out = sums / total; `turned` has room for [kQueries][head_dim].
void finish_group(const Call& call, int64_t head, const LaneGroup& g, float* turned) {
  const int64_t head_dim = call.q.dim(2);
  const D d;
  for (size_t lane = 0; lane < kTileCols; lane += kLanes) {
    const V inverse = hn::Div(hn::Set(d, 1.0F), hn::Load(d, g.total + lane));
    for (int64_t c = 0; c < head_dim; ++c) {
      float* s = g.sums + c * kQueries + lane;
      hn::Store(hn::Mul(hn::Load(d, s), inverse), d, s);
    }
  }
  for (int64_t c = 0; c < head_dim; c += kQueries) {
    const float* rows[kQueries];
    const int64_t count = std::min(kQueries, head_dim - c);
    for (int64_t i = 0; i < count; ++i) rows[i] = g.sums + (c + i) * kQueries;
    interleave_rows(rows, count, kQueries, turned + c, head_dim);
  }
  for (int64_t lane = 0; lane < g.num_rows; ++lane) {
    std::copy_n(turned + lane * head_dim, head_dim, call.output(head, g.first_row + lane));
  }
}

// Rows [first_row, end_row) of one key head, at most kGroups * kQueries.
void attend_rows(const Call& call, int64_t head, int64_t first_row, int64_t end_row) {
  const int64_t head_dim = call.q.dim(2);
  float* memory = Scratch::task().floats(static_cast<size_t>(task_floats(head_dim)));
  float* scores = memory + kGroups * group_floats(head_dim);
  LaneGroup groups[kGroups];
  int64_t num_groups = 0;
  KeyRange any{call.shape.num_keys, 0};
  for (int64_t row = first_row; row < end_row; row += kQueries) {
    LaneGroup& g = groups[num_groups];
    g = start_group(call, head, row, std::min(end_row, row + kQueries),
                    memory + num_groups * group_floats(head_dim));
    any = {std::min(any.begin, g.any.begin), std::max(any.end, g.any.end)};
    ++num_groups;
  }
  for (int64_t begin = any.begin / kKeyTile * kKeyTile; begin < any.end; begin += kKeyTile) {
    for (int64_t i = 0; i < num_groups; ++i) attend_tile(call, head, groups[i], begin, scores);
  }
  for (int64_t i = 0; i < num_groups; ++i) {
    finish_group(call, head, groups[i], groups[i].query);  // the query is no longer needed
  }
}

void run_attention(ThreadPool& pool, const Call& call) {
  constexpr int64_t kBlock = kGroups * kQueries;
  const int64_t blocks = (call.num_rows() + kBlock - 1) / kBlock;
  const int64_t heads = call.cache.num_heads;
  // The last rows see the most keys: they go first, so that threads finish together.
  pool.parallel_for(blocks * heads, [&](int64_t index, int /*thread*/) {
    const int64_t block = blocks - 1 - index / heads;
    attend_rows(call, index % heads, block * kBlock,
                std::min(call.num_rows(), (block + 1) * kBlock));
  });
}

void attend(ThreadPool& pool, TensorView<const float, 3> q, const QueryPositions& positions,
            const KeyValueCache& cache, const AttentionShape& shape, TensorView<float, 3> out) {
  run_attention(pool, Call{q, positions, cache, shape, out, q.dim(1) / cache.num_heads});
}

}  // namespace
}  // namespace qk::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace qk {
HWY_EXPORT(attend);
HWY_EXPORT(task_floats);

int64_t attention_bytes(int64_t head_dim, int num_threads) {
  return num_threads * HWY_DYNAMIC_DISPATCH(task_floats)(head_dim) *
         static_cast<int64_t>(sizeof(float));
}

void attention_cpu(Context& context, TensorView<const float, 3> q, const QueryPositions& positions,
                   const KeyValueCache& cache, const AttentionShape& shape,
                   TensorView<float, 3> out) {
  check_attention(q, positions, cache, shape, out);
  HWY_DYNAMIC_DISPATCH(attend)(context.pool, q, positions, cache, shape, out);
}

}  // namespace qk
#endif  // HWY_ONCE
