#include "random/seed_words.h"

#include <algorithm>

#include "base/error.h"

namespace qk {
namespace {

constexpr size_t kMaxDigits = 4300;

// words = words * 10 + digit.
void append_digit(std::vector<uint32_t>& words, uint32_t digit) {
  uint64_t carry = digit;
  for (uint32_t& word : words) {
    carry += uint64_t{word} * 10;
    word = static_cast<uint32_t>(carry);
    carry >>= 32;
  }
  if (carry != 0) words.push_back(static_cast<uint32_t>(carry));
}

}  // namespace

SeedWords seed_words(int64_t seed) {
  const auto bits = static_cast<uint64_t>(seed);
  const uint64_t magnitude = seed < 0 ? 0 - bits : bits;
  SeedWords out{seed < 0, {static_cast<uint32_t>(magnitude)}};
  if (magnitude >> 32 != 0) out.magnitude.push_back(static_cast<uint32_t>(magnitude >> 32));
  return out;
}

SeedWords seed_words(std::string_view decimal) {
  std::string_view digits = decimal;
  const bool negative = digits.starts_with('-');
  if (negative || digits.starts_with('+')) digits.remove_prefix(1);
  const bool only_digits = std::ranges::all_of(digits, [](char c) { return '0' <= c && c <= '9'; });
  if (digits.empty() || !only_digits || digits.size() > kMaxDigits) {
    fail("seed: expected a whole number of at most {} digits, found '{}'", kMaxDigits,
         printable(decimal));
  }
  SeedWords out{negative, {0}};
  for (const char c : digits) append_digit(out.magnitude, static_cast<uint32_t>(c - '0'));
  if (out.magnitude == std::vector<uint32_t>{0}) out.negative = false;
  return out;
}

}  // namespace qk
