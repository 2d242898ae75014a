#include "capture/document_batch.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "base/error.h"

namespace qk {
namespace {

bool is_query(Site site) { return site == Site::kQueryPreRope || site == Site::kQueryPostRope; }
bool is_pre_rope(Site site) { return site == Site::kQueryPreRope || site == Site::kKeyPreRope; }

// Indexes that bring `positions` into ascending order; empty if they are ascending already.
std::vector<size_t> ascending_order(const std::vector<int32_t>& positions) {
  if (std::is_sorted(positions.begin(), positions.end())) return {};
  std::vector<size_t> order(positions.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::sort(order.begin(), order.end(),
            [&](size_t a, size_t b) { return positions[a] < positions[b]; });
  return order;
}

std::vector<size_t> inverse(const std::vector<size_t>& order) {
  std::vector<size_t> out(order.size());
  for (size_t i = 0; i < order.size(); ++i) out[order[i]] = i;
  return out;
}

// rows [begin + i, heads, head_dim] -> out [heads, i, head_dim], i in the order of the file.
void gather(TensorView<const float, 3> rows, int64_t begin, const std::vector<size_t>& order,
            std::vector<float>& out, size_t num_rows) {
  const auto heads = static_cast<size_t>(rows.dim(1));
  const auto head_dim = static_cast<size_t>(rows.dim(2));
  out.resize(heads * num_rows * head_dim);
  for (size_t row = 0; row < num_rows; ++row) {
    const size_t from = order.empty() ? row : order[row];
    const float* source = rows[begin + static_cast<int64_t>(from)].data();
    for (size_t head = 0; head < heads; ++head) {
      std::copy_n(source + head * head_dim, head_dim,
                  out.data() + (head * num_rows + row) * head_dim);
    }
  }
}

}  // namespace

DocumentBatch::DocumentBatch(const CapturePlan& plan, std::vector<TokenizedDocument> documents,
                             const TokenText& token_text)
    : plan_(plan),
      documents_(std::move(documents)),
      token_text_(token_text),
      selector_(plan.capture.row_rules(),
                plan.compat_reference ? BucketRule::kFloat32 : BucketRule::kExact),
      layers_(plan.layers.size()),
      num_records_(documents_.size(), 0),
      canaries_(documents_.size()) {
  for (size_t layer = 0; layer < layers_.size(); ++layer) {
    select(static_cast<int>(layer), Kind::kQuery);
    select(static_cast<int>(layer), Kind::kKey);
  }
  choose_canaries();
  pack();
  request_rows();
}

void DocumentBatch::select(int layer, Kind kind) {
  const LayerPlan& wanted = plan_.layers[static_cast<size_t>(layer)];
  const std::vector<int32_t>& heads = wanted.heads(kind);
  if (heads.empty()) return;
  for (size_t d = 0; d < documents_.size(); ++d) {
    const TokenizedDocument& document = documents_[d];
    RowSelection rows = selector_.select(document.example_id, layer, kind, heads.front(),
                                         static_cast<int64_t>(document.ids.size()));
    if (rows.positions.empty()) continue;
    Pending pending;
    pending.document = d;
    pending.ascending = ascending_order(rows.positions);
    pending.sites_left = plan_.capture.rope == CaptureRope::kBoth ? 2 : 1;
    CaptureBlock& block = pending.block;
    block.document = document.index;
    block.example_id = document.example_id;
    block.layer = layer;
    block.kind = kind;
    block.head_dim = static_cast<int32_t>(plan_.head_dim);
    block.sliding_window = wanted.sliding_window;
    block.heads = heads;
    block.positions = std::move(rows.positions);
    block.buckets = std::move(rows.buckets);
    num_rows_ += static_cast<int64_t>(block.positions.size() * heads.size());
    pending_of(layer, kind).push_back(std::move(pending));
  }
}

void DocumentBatch::choose_canaries() {
  // Layers in which the document has both kinds, as indexes of its blocks there.
  struct Candidate {
    size_t layer, queries, keys;
  };
  std::vector<std::vector<Candidate>> candidates(documents_.size());
  for (size_t layer = 0; layer < layers_.size(); ++layer) {
    const Layer& blocks = layers_[layer];
    size_t k = 0;
    for (size_t q = 0; q < blocks.queries.size(); ++q) {
      const size_t d = blocks.queries[q].document;
      while (k < blocks.keys.size() && blocks.keys[k].document < d) ++k;
      if (k == blocks.keys.size()) break;
      if (blocks.keys[k].document == d) candidates[d].push_back({layer, q, k});
    }
  }
  for (size_t d = 0; d < documents_.size(); ++d) {
    if (candidates[d].empty()) continue;
    const int64_t index = documents_[d].index;
    const auto chosen = static_cast<size_t>(canary_choice(index, 0, std::ssize(candidates[d])));
    const Candidate& candidate = candidates[d][chosen];
    const CaptureBlock& queries = layers_[candidate.layer].queries[candidate.queries].block;
    const CaptureBlock& keys = layers_[candidate.layer].keys[candidate.keys].block;
    canaries_[d] =
        CanaryWatch(index, {static_cast<int32_t>(candidate.layer), queries.heads, keys.heads,
                            queries.positions, keys.positions, plan_.query_heads_per_key_head});
  }
}

std::vector<DocumentBatch::Pending>& DocumentBatch::pending_of(int layer, Kind kind) {
  Layer& entry = layers_[static_cast<size_t>(layer)];
  return kind == Kind::kQuery ? entry.queries : entry.keys;
}

void DocumentBatch::pack() {
  std::vector<int64_t> lengths(documents_.size(), 0);
  for (const Layer& layer : layers_) {
    for (const std::vector<Pending>* kind : {&layer.queries, &layer.keys}) {
      for (const Pending& pending : *kind) {
        const std::vector<int32_t>& positions = pending.block.positions;
        const int64_t last = *std::max_element(positions.begin(), positions.end());
        lengths[pending.document] = std::max(lengths[pending.document], last + 1);
      }
    }
  }
  first_row_.assign(documents_.size(), 0);
  sequences_.offsets.push_back(0);
  for (size_t d = 0; d < documents_.size(); ++d) {
    const std::vector<int32_t>& ids = documents_[d].ids;
    first_row_[d] = sequences_.offsets.back();
    if (lengths[d] == 0) continue;
    sequences_.ids.insert(sequences_.ids.end(), ids.begin(), ids.begin() + lengths[d]);
    sequences_.offsets.push_back(static_cast<int64_t>(sequences_.ids.size()));
    sequences_.full_lengths.push_back(static_cast<int64_t>(ids.size()));
    sequence_documents_.push_back(d);
  }
}

void DocumentBatch::request_rows() {
  request_.pre_rope = plan_.capture.rope != CaptureRope::kPost;
  request_.post_rope = plan_.capture.rope != CaptureRope::kPre;
  request_.layers.resize(layers_.size());
  const auto collect = [&](const std::vector<Pending>& from, std::vector<int32_t>& rows) {
    for (const Pending& pending : from) {
      const std::vector<int32_t>& positions = pending.block.positions;
      for (size_t i = 0; i < positions.size(); ++i) {
        const size_t at = pending.ascending.empty() ? i : pending.ascending[i];
        rows.push_back(static_cast<int32_t>(first_row_[pending.document] + positions[at]));
      }
    }
  };
  for (size_t layer = 0; layer < layers_.size(); ++layer) {
    LayerRequest& out = request_.layers[layer];
    collect(layers_[layer].queries, out.query_rows);
    collect(layers_[layer].keys, out.key_rows);
    if (!out.query_rows.empty()) out.query_heads = plan_.layers[layer].query_heads;
    if (!out.key_rows.empty()) out.key_heads = plan_.layers[layer].key_heads;
  }
}

void DocumentBatch::take(int layer, Site site, TensorView<const float, 3> rows, const Sink& sink) {
  const Kind kind = is_query(site) ? Kind::kQuery : Kind::kKey;
  std::vector<Pending>& waiting = pending_of(layer, kind);
  const bool second_column = is_pre_rope(site) && plan_.capture.rope == CaptureRope::kBoth;
  int64_t begin = 0;
  for (Pending& pending : waiting) {
    CaptureBlock& block = pending.block;
    const auto num_rows = std::ssize(block.positions);
    QK_CHECK(pending.sites_left > 0 && rows.dim(2) == plan_.head_dim);
    QK_CHECK(rows.dim(1) == std::ssize(block.heads));
    QK_CHECK(begin + num_rows <= rows.dim(0));
    gather(rows, begin, inverse(pending.ascending),
           second_column ? block.vectors_pre_rope : block.vectors, static_cast<size_t>(num_rows));
    CanaryWatch& canary = canaries_[pending.document];
    if (!second_column && canary.layer() == layer) {
      canary.take(kind, rows.slice(begin, begin + num_rows));
    }
    begin += num_rows;
    if (--pending.sites_left == 0) emit(pending, sink);
  }
  QK_CHECK(begin == rows.dim(0));
}

void DocumentBatch::emit(Pending& pending, const Sink& sink) {
  CaptureBlock& block = pending.block;
  if (plan_.capture.capture_token_strings) {
    const std::vector<int32_t>& ids = documents_[pending.document].ids;
    for (const int32_t position : block.positions) {
      block.tokens.push_back(token_text_(ids[static_cast<size_t>(position)]));
    }
  }
  sink(block);
  ++num_records_[pending.document];
  block.vectors = {};
  block.vectors_pre_rope = {};
  block.tokens = {};
}

std::vector<DocumentEnd> DocumentBatch::ends() const {
  for (const Layer& layer : layers_) {
    const auto done = [](const Pending& pending) { return pending.sites_left == 0; };
    QK_CHECK(std::ranges::all_of(layer.queries, done) && std::ranges::all_of(layer.keys, done));
  }
  std::vector<DocumentEnd> out;
  for (size_t d = 0; d < documents_.size(); ++d) {
    const TokenizedDocument& document = documents_[d];
    out.push_back({.document = document.index,
                   .example_id = document.example_id,
                   .num_tokens = std::ssize(document.ids),
                   .num_records = num_records_[d],
                   .outcome = document.outcome,
                   .truncated = document.truncated,
                   .canary = canaries_[d].result()});
  }
  return out;
}

int64_t DocumentBatch::largest_block_bytes() const {
  const int64_t row_bytes = vector_bytes(plan_);
  const bool both = plan_.capture.rope == CaptureRope::kBoth;
  int64_t largest = 0;
  for (const Layer& layer : layers_) {
    for (const std::vector<Pending>* kind : {&layer.queries, &layer.keys}) {
      int64_t all = 0;
      for (const Pending& pending : *kind) {
        const CaptureBlock& block = pending.block;
        const int64_t bytes = std::ssize(block.positions) * std::ssize(block.heads) * row_bytes;
        all = both ? all + bytes : std::max(all, bytes);
      }
      largest = std::max(largest, all);
    }
  }
  return largest;
}

int64_t DocumentBatch::list_bytes() const {
  int64_t rows = 0;
  int64_t ordered_rows = 0;
  for (const Layer& layer : layers_) {
    for (const std::vector<Pending>* kind : {&layer.queries, &layer.keys}) {
      for (const Pending& pending : *kind) {
        rows += std::ssize(pending.block.positions);
        ordered_rows += std::ssize(pending.ascending);
      }
    }
  }
  return rows * 3 * static_cast<int64_t>(sizeof(int32_t)) +
         ordered_rows * 2 * static_cast<int64_t>(sizeof(size_t));
}

}  // namespace qk
