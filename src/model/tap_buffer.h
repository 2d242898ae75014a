// Collects the requested rows and heads of a layer while blocks of tokens pass by.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "model/bound_model.h"
#include "model/buffer.h"
#include "model/forward.h"

namespace qk {

class LayerTaps {
 public:
  // All outlive this.
  LayerTaps(const BoundModel& model, int layer, const TapRequest& request,
            const Sequences& sequences);
  LayerTaps(const LayerTaps&) = delete;
  LayerTaps& operator=(const LayerTaps&) = delete;
  // Waits for what is under way: memory that is still written to may not be given back.
  ~LayerTaps();

  // Begins to copy what is wanted at `site` out of x [source_rows.size(), heads, head_dim], whose
  // rows are these tokens of the batch (ascending). x holds all heads of the layer, or, with
  // chosen_heads, exactly those of the request.
  // Throws NotFinite if a number is not finite; a backend that is asynchronous tells it in emit().
  void take(Site site, ConstHeads x, std::span<const int32_t> source_rows,
            bool chosen_heads = false);

  // Waits, and calls the tap for every site where anything was wanted. Throws NotFinite.
  // REQUIRES: all rows were taken.
  void emit(const Tap& tap);

 private:
  struct Buffered {
    bool wanted = false;
    std::span<const int32_t> rows, heads;
    HostBuffer values;  // [rows, heads, head_dim]
    int64_t taken = 0;  // rows
  };
  struct Ticket {
    int64_t number = 0;
    Site site = Site::kQueryPreRope;
    std::span<const int32_t> rows;  // of the batch
  };
  void finish(const Ticket& ticket);
  Buffered& buffered(Site site) { return sites_[static_cast<size_t>(site)]; }

  const BoundModel& model_;
  const Sequences& sequences_;
  int layer_;
  std::array<Buffered, 4> sites_;
  std::vector<Ticket> tickets_;
  size_t finished_ = 0;  // of tickets_
};

}  // namespace qk
