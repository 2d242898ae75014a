// Which rows of a head are drawn as points.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "heads/head_table.h"
#include "plasticity/head_profile.h"
#include "random/seed_words.h"

namespace qk {

// At most `count` rows of the table: one of each bucket in turn, the buckets in an order drawn once,
// until there are enough; rows are drawn without replacement. So every prefix is spread over the
// buckets as evenly as their rows allow. Tables whose columns `buckets` are equal get the same row
// numbers for the same seed. REQUIRES: count >= 1.
std::vector<int64_t> draw_point_rows(const HeadTable& table, int64_t count, const SeedWords& seed);

PointRows point_rows(const HeadTable& table, std::span<const int64_t> rows);

}  // namespace qk
