#include "model/tap_buffer.h"

#include <algorithm>
#include <numeric>

#include "base/error.h"
#include "model/row_places.h"

namespace qk {
namespace {

[[noreturn]] void refuse_not_finite(int layer, Site site, int32_t row, const Sequences& sequences) {
  const auto next = std::ranges::upper_bound(sequences.offsets, row);
  const auto sequence = (next - sequences.offsets.begin()) - 1;
  const bool query = site == Site::kQueryPreRope || site == Site::kQueryPostRope;
  throw NotFinite(layer, query, sequence, row - sequences.offsets[static_cast<size_t>(sequence)]);
}

}  // namespace

NotFinite::NotFinite(int layer, bool is_query, int64_t sequence, int64_t token)
    : Error(fmt::format(
          "layer {}: expected finite {}, found NaN or infinity in sequence {} of the batch at "
          "token {} (damaged weights, or activations that overflow)",
          layer, is_query ? "queries" : "keys", sequence, token)),
      layer_(layer),
      is_query_(is_query),
      sequence_(sequence),
      token_(token) {}

LayerTaps::LayerTaps(const BoundModel& model, int layer, const TapRequest& request,
                     const Sequences& sequences)
    : model_(model), sequences_(sequences), layer_(layer) {
  const LayerRequest& wanted = request.layers[static_cast<size_t>(layer)];
  const auto add = [&](Site site, std::span<const int32_t> rows, std::span<const int32_t> heads) {
    if (rows.empty() || heads.empty()) return;
    buffered(site) = {.wanted = true,
                      .rows = rows,
                      .heads = heads,
                      .values = {model.backend(), model.context(), std::ssize(rows),
                                 std::ssize(heads), model.model().config.head_dim}};
  };
  if (request.pre_rope) {
    add(Site::kQueryPreRope, wanted.query_rows, wanted.query_heads);
    add(Site::kKeyPreRope, wanted.key_rows, wanted.key_heads);
  }
  if (request.post_rope) {
    add(Site::kQueryPostRope, wanted.query_rows, wanted.query_heads);
    add(Site::kKeyPostRope, wanted.key_rows, wanted.key_heads);
  }
}

LayerTaps::~LayerTaps() {
  while (finished_ < tickets_.size()) {
    try {
      model_.backend().finish_taps(model_.context(), tickets_[finished_++].number);
    } catch (const Error&) {  // NOLINT(bugprone-empty-catch): the pass has failed already
    }
  }
}

void LayerTaps::take(Site site, ConstHeads x, std::span<const int32_t> source_rows,
                     bool chosen_heads) {
  Buffered& buffer = buffered(site);
  if (!buffer.wanted || source_rows.empty()) return;
  const auto left = buffer.rows.subspan(static_cast<size_t>(buffer.taken));
  const auto here = left.first(
      static_cast<size_t>(std::ranges::upper_bound(left, source_rows.back()) - left.begin()));
  if (here.empty()) return;
  std::vector<int32_t> heads(buffer.heads.begin(), buffer.heads.end());
  if (chosen_heads) std::iota(heads.begin(), heads.end(), 0);
  const int64_t end = buffer.taken + std::ssize(here);
  const Ticket ticket{
      model_.backend().gather_taps(model_.context(), x, row_places(here, source_rows), heads,
                                   buffer.values.heads().slice(buffer.taken, end)),
      site, here};
  buffer.taken = end;
  tickets_.push_back(ticket);
  if (model_.backend().traits.asynchronous) return;
  ++finished_;
  finish(ticket);
}

void LayerTaps::finish(const Ticket& ticket) {
  const int64_t finite = model_.backend().finish_taps(model_.context(), ticket.number);
  if (finite == std::ssize(ticket.rows)) return;
  refuse_not_finite(layer_, ticket.site, ticket.rows[static_cast<size_t>(finite)], sequences_);
}

void LayerTaps::emit(const Tap& tap) {
  while (finished_ < tickets_.size()) finish(tickets_[finished_++]);
  for (const Site site :
       {Site::kQueryPreRope, Site::kQueryPostRope, Site::kKeyPreRope, Site::kKeyPostRope}) {
    const Buffered& buffer = buffered(site);
    if (!buffer.wanted) continue;
    QK_CHECK(buffer.taken == std::ssize(buffer.rows));
    tap(layer_, site, buffer.values.heads());
  }
}

}  // namespace qk
