// "Did you mean": the known word nearest to an unknown one.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace qk {

// The candidate with the smallest Levenshtein distance to `word`, if that is at most
// max(2, a third of the longer length); the first of equals.
std::optional<std::string> nearest(std::string_view word,
                                   std::span<const std::string_view> candidates);

// "red", "red or green", "red, green or blue".
std::string one_of(std::span<const std::string_view> words);

// "; did you mean green?", for the end of a sentence; empty if no candidate is near.
std::string did_you_mean(std::string_view word, std::span<const std::string_view> candidates);

}  // namespace qk
