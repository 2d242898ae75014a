// Options of the methods `bucket`, `counted` and `online`. docs/methods.md explains each, and its default.
#pragma once

#include <cstdint>
#include <optional>

#include "plasticity/forgetting_law.h"

namespace qk {

// What one step of forgetting is.
enum class OnlineClock : uint8_t {
  kPosition,     // a token
  kObservation,  // a position at which the head has queries
};

enum class ReachUnit : uint8_t { kKeys, kTokens };

// Which queries of a bucket the method `counted` asks about a pair of keys.
enum class CountedQueries : uint8_t {
  kAll,           // all, as the other methods do
  kSameDocument,  // those of the keys' document that attend to both keys
};

struct MethodOptions {
  int64_t min_queries = 32;  // `bucket`, `online`: fewer do not give a covariance

  // Forgetting: alpha in (0, 1] a step, or the steps after which half is left. Neither: a half-life
  // of reach * (highest position + 1 - origin) tokens, at least 1; see position_origin().
  std::optional<double> online_alpha;
  std::optional<double> online_half_life;
  OnlineClock online_clock = OnlineClock::kPosition;
  ForgettingStart online_start = ForgettingStart::kFirst;
  int64_t online_times = 1;    // evaluations in each query bucket
  double online_reach = 0.05;  // of a document's length: how far apart keys of a pair may lie
  ReachUnit online_reach_unit = ReachUnit::kKeys;
};

}  // namespace qk
