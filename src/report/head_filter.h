// Which heads a figure shows.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "heads/head_id.h"

namespace qk {

struct IndexRange {
  int64_t first = 0;
  int64_t last = 0;  // inclusive
};

// "0-5,7". Nothing if the text is something else.
std::optional<std::vector<IndexRange>> parse_ranges(std::string_view text);

struct HeadFilter {
  std::vector<IndexRange> layers;                    // empty: all
  std::vector<IndexRange> heads;                     // query heads; empty: all
  std::string window = "all";                        // or "none", or a number of tokens
  std::map<HeadId, std::optional<int64_t>> windows;  // of all heads, unless `window` is "all"

  bool is_open() const { return layers.empty() && heads.empty() && window == "all"; }
  // Throws Error: the window of the head is not known.
  bool has(const HeadId& head) const;
  // What mean_curves.csv calls these heads: "all", "full_attention", "window_512"; empty: it cannot.
  std::string group() const;
  // "heads of layers 0-5 with a sliding window of 512 tokens", for captions; empty: all heads.
  std::string text() const;
};

[[noreturn]] void refuse_empty_filter(const HeadFilter& filter);

// Keeps the rows of these heads. Throws Error if none is left.
template <typename Row>
void keep_heads(std::vector<Row>& rows, const HeadFilter& filter) {
  if (filter.is_open()) return;
  std::erase_if(rows, [&](const Row& row) { return !filter.has(row.head); });
  if (rows.empty()) refuse_empty_filter(filter);
}

}  // namespace qk
