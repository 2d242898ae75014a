// When the method `online` evaluates the law of the queries, and the key pairs that it judges then:
// docs/methods.md.
#pragma once

#include <cstdint>
#include <vector>

#include "heads/head_table.h"
#include "heads/key_groups.h"
#include "plasticity/method_options.h"
#include "random/seed_words.h"

namespace qk {

struct OnlineTime {
  int64_t position = 0;  // tokens; every query up to and including it has been seen
  int64_t q_bucket = 0;
  std::vector<KeyPair> pairs;  // of keys that a query at the position attends to; may be empty
};

// In every query bucket the positions below which 1/T, 2/T, ... and all of its queries lie, for
// T = online_times; ascending, each with `num_pairs` local pairs. Keys are attended to up to the
// position itself and less than `window` tokens back. Without example ids no keys can be paired.
std::vector<OnlineTime> online_times(const HeadTable& queries, const HeadTable& keys,
                                     const MethodOptions& options, int64_t num_pairs,
                                     const SeedWords& seed);

// Forgetting a step, from the options or from the positions. origin: position_origin() of the head.
double online_alpha(const MethodOptions& options, const HeadTable& queries, int64_t origin);

// The clock of `options` at the query positions.
class StepClock {
 public:
  StepClock(OnlineClock clock, const HeadTable& queries);
  // Steps at a position at which the head has a query. The first one is 1 step after the start.
  double at(int64_t position) const;

 private:
  OnlineClock clock_;
  std::vector<int64_t> distinct_;  // positions, ascending
};

}  // namespace qk
