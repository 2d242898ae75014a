#include "capture/block_collector.h"

#include <algorithm>
#include <utility>

#include "base/error.h"

namespace qk {
namespace {

bool is_query(Site site) { return site == Site::kQueryPreRope || site == Site::kQueryPostRope; }
bool is_pre_rope(Site site) { return site == Site::kQueryPreRope || site == Site::kKeyPreRope; }

std::vector<size_t> inverse(const std::vector<size_t>& order) {
  std::vector<size_t> out(order.size());
  for (size_t i = 0; i < order.size(); ++i) out[order[i]] = i;
  return out;
}

// rows [n, heads, head_dim] in order of position -> [heads, n, head_dim] in the order of the file.
std::vector<float> gather(TensorView<const float, 3> rows, const std::vector<size_t>& ascending) {
  const auto num_rows = static_cast<size_t>(rows.dim(0));
  const auto heads = static_cast<size_t>(rows.dim(1));
  const auto head_dim = static_cast<size_t>(rows.dim(2));
  const std::vector<size_t> order = inverse(ascending);
  std::vector<float> out(heads * num_rows * head_dim);
  for (size_t row = 0; row < num_rows; ++row) {
    const size_t from = order.empty() ? row : order[row];
    const float* source = rows[static_cast<int64_t>(from)].data();
    for (size_t head = 0; head < heads; ++head) {
      std::copy_n(source + head * head_dim, head_dim,
                  out.data() + (head * num_rows + row) * head_dim);
    }
  }
  return out;
}

}  // namespace

BlockCollector::BlockCollector(const CapturePlan& plan,
                               std::span<const TokenizedDocument> documents,
                               const BatchRequest& request, TokenText token_text, Sink sink)
    : plan_(plan),
      documents_(documents),
      request_(request),
      token_text_(std::move(token_text)),
      sink_(std::move(sink)),
      num_records_(documents.size(), 0),
      canaries_(documents.size()) {
  const int num_sites = plan.capture.rope == CaptureRope::kBoth ? 2 : 1;
  const auto await = [&](const std::vector<BlockRows>& blocks, std::vector<Pending>& pending) {
    for (const BlockRows& block : blocks) {
      pending.push_back({.rows = &block, .sites_left = num_sites});
    }
  };
  for (const LayerRows& blocks : request.layers) {
    Layer& layer = layers_.emplace_back();
    await(blocks.queries, layer.queries);
    await(blocks.keys, layer.keys);
  }
  choose_canaries();
}

void BlockCollector::choose_canaries() {
  // Layers in which the document has both kinds.
  struct Candidate {
    size_t layer;
    const BlockRows *queries, *keys;
  };
  std::vector<std::vector<Candidate>> candidates(documents_.size());
  for (size_t layer = 0; layer < request_.layers.size(); ++layer) {
    const LayerRows& blocks = request_.layers[layer];
    auto keys = blocks.keys.begin();
    for (const BlockRows& queries : blocks.queries) {
      while (keys != blocks.keys.end() && keys->document < queries.document) ++keys;
      if (keys == blocks.keys.end()) break;
      if (keys->document != queries.document) continue;
      candidates[queries.document].push_back({layer, &queries, &*keys});
    }
  }
  for (size_t d = 0; d < documents_.size(); ++d) {
    if (candidates[d].empty()) continue;
    const int64_t index = documents_[d].index;
    const auto chosen = static_cast<size_t>(canary_choice(index, 0, std::ssize(candidates[d])));
    const auto& [layer, queries, keys] = candidates[d][chosen];
    canaries_[d] = CanaryWatch(index, {static_cast<int32_t>(layer), plan_.layers[layer].query_heads,
                                       plan_.layers[layer].key_heads, queries->rows.positions,
                                       keys->rows.positions, plan_.query_heads_per_key_head});
  }
}

std::vector<BlockCollector::Pending>& BlockCollector::pending_of(int layer, Kind kind) {
  Layer& entry = layers_[static_cast<size_t>(layer)];
  return kind == Kind::kQuery ? entry.queries : entry.keys;
}

void BlockCollector::take(int layer, Site site, TensorView<const float, 3> rows) {
  const Kind kind = is_query(site) ? Kind::kQuery : Kind::kKey;
  const bool second_column = is_pre_rope(site) && plan_.capture.rope == CaptureRope::kBoth;
  QK_CHECK(rows.dim(1) == std::ssize(plan_.layers[static_cast<size_t>(layer)].heads(kind)));
  QK_CHECK(rows.dim(2) == plan_.head_dim);
  int64_t begin = 0;
  for (Pending& pending : pending_of(layer, kind)) {
    const int64_t end = begin + std::ssize(pending.rows->rows.positions);
    QK_CHECK(pending.sites_left > 0 && end <= rows.dim(0));
    const TensorView<const float, 3> mine = rows.slice(begin, end);
    (second_column ? pending.vectors_pre_rope : pending.vectors) =
        gather(mine, pending.rows->ascending);
    CanaryWatch& canary = canaries_[pending.rows->document];
    if (!second_column && canary.layer() == layer) canary.take(kind, mine);
    begin = end;
    if (--pending.sites_left == 0) emit(layer, kind, pending);
  }
  QK_CHECK(begin == rows.dim(0));
}

void BlockCollector::emit(int layer, Kind kind, Pending& pending) {
  const LayerPlan& wanted = plan_.layers[static_cast<size_t>(layer)];
  const TokenizedDocument& document = documents_[pending.rows->document];
  CaptureBlock block{.document = document.index,
                     .example_id = document.example_id,
                     .layer = layer,
                     .kind = kind,
                     .head_dim = static_cast<int32_t>(plan_.head_dim),
                     .sliding_window = wanted.sliding_window,
                     .heads = wanted.heads(kind),
                     .buckets = pending.rows->rows.buckets,
                     .positions = pending.rows->rows.positions,
                     .tokens = {},
                     .vectors = std::move(pending.vectors),
                     .vectors_pre_rope = std::move(pending.vectors_pre_rope)};
  if (plan_.capture.capture_token_strings) {
    for (const int32_t position : block.positions) {
      block.tokens.push_back(token_text_(document.ids[static_cast<size_t>(position)]));
    }
  }
  sink_(std::move(block));
  ++num_records_[pending.rows->document];
}

std::vector<DocumentEnd> BlockCollector::ends() const {
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

}  // namespace qk
