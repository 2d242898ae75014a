// The data of a page within its limit: what is left out if there is too much.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "page/container.h"

namespace qk {

// Fewest sampled queries, and keys, that are left of a head.
inline constexpr size_t kFewestPoints = 64;
// Beyond so many query buckets single cells have no intervals, whatever the limit is.
inline constexpr size_t kMostBucketsWithIntervals = 32;

struct PageData {
  nlohmann::ordered_json directory;
  NamedTables tables;
  NamedTables points;  // "0/points", "0/rows"; empty: no template of points
  std::vector<std::string> notes;
};

struct PackedData {
  std::string tables;  // base64
  std::string points;  // base64; empty: none
  std::vector<std::string> notes;
};

// At most `max_bytes` together with the blank page. If it is more, points are thinned; if kFewestPoints of
// them are still too many, the intervals of cells are left out, and there are as many points as fit. The
// notes, which become a member of the directory, say so.
// Throws Error that names --heads if that is not enough. The same arguments give the same bytes.
PackedData pack_within(PageData data, int64_t max_bytes, int64_t blank_bytes = 0);

// Keeps the first `most` points of each head, and of the rows that they are: every beginning is a sample
// over all buckets (docs/analysis.md, "Points").
void thin_points(NamedTables& points, size_t most);

}  // namespace qk
