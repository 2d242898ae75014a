// How much of the variance of rotary pairs is one vector that turns with the position.
#pragma once

#include <span>
#include <vector>

#include "heads/head_table.h"
#include "heads/rope_record.h"

namespace qk {

// For every pair the sum of squares, around the mean of the rows, that a m + b explains, where m
// turns by +-inv_freq radians per token (a component's sign, and so the direction, is arbitrary after
// orient(); the direction that explains more counts), and the two numbers of b are free.
//   mean  [head_dim], of the vectors
std::vector<double> turning_squares(const HeadTable& queries, std::span<const double> mean,
                                    std::span<const HeadRope::Pair> pairs);

}  // namespace qk
