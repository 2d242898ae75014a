#include "capture/batch_request.h"

#include <algorithm>
#include <array>
#include <numeric>
#include <utility>

namespace qk {
namespace {

constexpr std::array<Kind, 2> kKinds = {Kind::kQuery, Kind::kKey};

// Indexes that bring `positions` into ascending order; empty if they are ascending already.
std::vector<size_t> ascending_order(const std::vector<int32_t>& positions) {
  if (std::is_sorted(positions.begin(), positions.end())) return {};
  std::vector<size_t> order(positions.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::sort(order.begin(), order.end(),
            [&](size_t a, size_t b) { return positions[a] < positions[b]; });
  return order;
}

std::vector<BlockRows> draw_blocks(const RowSelector& selector, int layer, Kind kind,
                                   int32_t first_head, std::span<const DocumentLength> documents) {
  std::vector<BlockRows> out;
  for (size_t d = 0; d < documents.size(); ++d) {
    RowSelection rows =
        selector.select(documents[d].example_id, layer, kind, first_head, documents[d].num_tokens);
    if (rows.positions.empty()) continue;
    std::vector<size_t> ascending = ascending_order(rows.positions);
    out.push_back({d, std::move(rows), std::move(ascending)});
  }
  return out;
}

void draw_rows(const CapturePlan& plan, std::span<const DocumentLength> documents,
               BatchRequest& out) {
  const RowSelector selector(plan.capture.row_rules(),
                             plan.compat_reference ? BucketRule::kFloat32 : BucketRule::kExact);
  for (int layer = 0; layer < std::ssize(plan.layers); ++layer) {
    LayerRows& blocks = out.layers.emplace_back();
    for (const Kind kind : kKinds) {
      const std::vector<int32_t>& heads = plan.layers[static_cast<size_t>(layer)].heads(kind);
      if (heads.empty()) continue;
      (kind == Kind::kQuery ? blocks.queries : blocks.keys) =
          draw_blocks(selector, layer, kind, heads.front(), documents);
      for (const BlockRows& block : blocks.of(kind)) {
        out.num_rows += std::ssize(block.rows.positions) * std::ssize(heads);
      }
    }
  }
}

void find_lengths(std::span<const DocumentLength> documents, bool whole, BatchRequest& out) {
  out.lengths.assign(documents.size(), 0);
  for (const LayerRows& layer : out.layers) {
    for (const Kind kind : kKinds) {
      for (const BlockRows& block : layer.of(kind)) {
        int64_t& length = out.lengths[block.document];
        length = std::max<int64_t>(length, std::ranges::max(block.rows.positions) + 1);
      }
    }
  }
  for (size_t d = 0; d < documents.size(); ++d) {
    if (out.lengths[d] == 0) continue;
    if (whole) out.lengths[d] = documents[d].num_tokens;
    out.sequence_documents.push_back(d);
  }
}

// first_tokens: [documents] index of the document's first token in the packed batch
std::vector<int32_t> tap_rows(const std::vector<BlockRows>& blocks,
                              const std::vector<int64_t>& first_tokens) {
  size_t count = 0;
  for (const BlockRows& block : blocks) count += block.rows.positions.size();
  std::vector<int32_t> out;
  out.reserve(count);
  for (const BlockRows& block : blocks) {
    const std::vector<int32_t>& positions = block.rows.positions;
    for (size_t i = 0; i < positions.size(); ++i) {
      const size_t at = block.ascending.empty() ? i : block.ascending[i];
      out.push_back(static_cast<int32_t>(first_tokens[block.document] + positions[at]));
    }
  }
  return out;
}

void request_taps(const CapturePlan& plan, BatchRequest& out) {
  std::vector<int64_t> first_tokens(out.lengths.size());
  std::exclusive_scan(out.lengths.begin(), out.lengths.end(), first_tokens.begin(), int64_t{0});
  out.tap.pre_rope = plan.capture.rope != CaptureRope::kPost;
  out.tap.post_rope = plan.capture.rope != CaptureRope::kPre;
  for (size_t layer = 0; layer < plan.layers.size(); ++layer) {
    LayerRequest request;
    request.query_rows = tap_rows(out.layers[layer].queries, first_tokens);
    request.key_rows = tap_rows(out.layers[layer].keys, first_tokens);
    if (!request.query_rows.empty()) request.query_heads = plan.layers[layer].query_heads;
    if (!request.key_rows.empty()) request.key_heads = plan.layers[layer].key_heads;
    out.tap.layers.push_back(std::move(request));
  }
}

}  // namespace

int64_t BatchRequest::num_tokens() const {
  return std::accumulate(lengths.begin(), lengths.end(), int64_t{0});
}

int64_t BatchRequest::largest_block_bytes(const CapturePlan& plan) const {
  const int64_t vector = plan.head_dim * static_cast<int64_t>(sizeof(float));
  int64_t largest = 0;
  for (size_t layer = 0; layer < layers.size(); ++layer) {
    for (const Kind kind : kKinds) {
      const int64_t row_bytes = std::ssize(plan.layers[layer].heads(kind)) * vector;
      int64_t block = 0;  // the largest
      int64_t all = 0;
      for (const BlockRows& rows : layers[layer].of(kind)) {
        const int64_t bytes = std::ssize(rows.rows.positions) * row_bytes;
        block = std::max(block, bytes);
        all += bytes;
      }
      largest = std::max(largest, plan.capture.rope == CaptureRope::kBoth ? all + block : block);
    }
  }
  return largest;
}

int64_t BatchRequest::all_block_bytes(const CapturePlan& plan) const {
  return num_rows * vector_bytes(plan);
}

int64_t BatchRequest::list_bytes() const {
  int64_t bytes = 0;
  int64_t largest = 0;  // of the collector's copy of positions and buckets, and its inverse order
  for (const LayerRows& layer : layers) {
    for (const Kind kind : kKinds) {
      for (const BlockRows& block : layer.of(kind)) {
        const int64_t row_lists =
            std::ssize(block.rows.positions) * static_cast<int64_t>(2 * sizeof(int32_t));
        const int64_t order = std::ssize(block.ascending) * static_cast<int64_t>(sizeof(size_t));
        bytes += row_lists + row_lists / 2 + order;
        largest = std::max(largest, row_lists + order);
      }
    }
  }
  return bytes + largest;
}

BatchRequest make_batch_request(const CapturePlan& plan, std::span<const DocumentLength> documents,
                                const BackendTraits& traits) {
  BatchRequest out;
  draw_rows(plan, documents, out);
  find_lengths(documents, traits.rows_depend_on_shape, out);
  request_taps(plan, out);
  return out;
}

std::vector<DocumentLength> lengths_of(std::span<const TokenizedDocument> documents) {
  std::vector<DocumentLength> out;
  for (const TokenizedDocument& document : documents) {
    out.push_back({document.example_id, std::ssize(document.ids)});
  }
  return out;
}

Sequences pack_sequences(const BatchRequest& request,
                         std::span<const TokenizedDocument> documents) {
  Sequences out;
  out.ids.reserve(static_cast<size_t>(request.num_tokens()));
  out.offsets.push_back(0);
  for (const size_t d : request.sequence_documents) {
    const std::vector<int32_t>& ids = documents[d].ids;
    out.ids.insert(out.ids.end(), ids.begin(), ids.begin() + request.lengths[d]);
    out.offsets.push_back(std::ssize(out.ids));
    out.full_lengths.push_back(std::ssize(ids));
  }
  return out;
}

}  // namespace qk
