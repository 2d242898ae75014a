#include "capture/canary_watch.h"

#include <algorithm>

#include "base/error.h"
#include "base/hash.h"
#include "dataset/canary.h"

namespace qk {
namespace {

// The place of positions[row] among all of them.
int64_t rank(const std::vector<int32_t>& positions, int64_t row) {
  const int32_t position = positions[static_cast<size_t>(row)];
  return std::ranges::count_if(positions, [&](int32_t other) { return other < position; });
}

}  // namespace

int64_t canary_choice(int64_t document, int purpose, int64_t count) {
  QK_CHECK(count > 0);
  const int64_t numbers[2] = {document, purpose};
  const uint64_t hash = xxh3_64(std::as_bytes(std::span(numbers)));
  return static_cast<int64_t>(hash % static_cast<uint64_t>(count));
}

CanaryWatch::CanaryWatch(int64_t document, const CanaryChoice& choice) {
  canary_.layer = choice.layer;
  query_.head_idx = canary_choice(document, 1, std::ssize(choice.query_heads));
  canary_.query_head = choice.query_heads[static_cast<size_t>(query_.head_idx)];
  // The key head that serves the query head, if it is captured.
  const auto serving = static_cast<int32_t>(canary_.query_head / choice.query_heads_per_key_head);
  const auto found = std::ranges::find(choice.key_heads, serving);
  key_.head_idx = found == choice.key_heads.end() ? 0 : found - choice.key_heads.begin();
  canary_.key_head = choice.key_heads[static_cast<size_t>(key_.head_idx)];
  const int64_t query_row = canary_choice(document, 2, std::ssize(choice.query_positions));
  const int64_t key_row = canary_choice(document, 3, std::ssize(choice.key_positions));
  canary_.query_row = static_cast<int32_t>(query_row);
  canary_.key_row = static_cast<int32_t>(key_row);
  query_.row = rank(choice.query_positions, query_row);
  key_.row = rank(choice.key_positions, key_row);
}

void CanaryWatch::take(Kind kind, TensorView<const float, 3> rows) {
  Side& here = side(kind);
  const auto vector = rows[here.row][here.head_idx];
  here.vector.assign(vector.data(), vector.data() + rows.dim(2));
}

Canary CanaryWatch::result() const {
  Canary out = canary_;
  if (out.layer >= 0) {
    QK_CHECK(!query_.vector.empty() && !key_.vector.empty());
    out.dot = canary_dot(query_.vector, key_.vector);
  }
  return out;
}

}  // namespace qk
