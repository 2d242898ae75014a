// Integers of any size as the seeds of random generators.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace qk {

struct SeedWords {
  bool negative = false;
  std::vector<uint32_t> magnitude;  // least significant first, at least one, no leading zeros
};

SeedWords seed_words(int64_t seed);

// From decimal digits with an optional sign ("-0" is 0). Throws Error if the text is anything else
// or has more than 4300 digits (Python's own limit).
SeedWords seed_words(std::string_view decimal);

}  // namespace qk
