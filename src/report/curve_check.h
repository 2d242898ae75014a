// Whether means over heads that were read from a table are those of the heads that are drawn.
#pragma once

#include <filesystem>
#include <vector>

#include "report/detail_tables.h"
#include "report/figure_plasticity.h"

namespace qk {

// A mean over heads belongs to them if it has their buckets, and at each of them is the mean of as many
// heads. Throws Error, with the place, if it does not.
//   table  the file of the mean, for the message
//   unit   what the curves are over: "query bucket", "distance"
void refuse_curve_of_others(const std::filesystem::path& table, const TableCurve& curve,
                            const std::vector<HeadCurve>& heads, const char* unit);

}  // namespace qk
