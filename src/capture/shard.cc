#include "capture/shard.h"

#include <charconv>
#include <optional>

#include "base/error.h"

namespace qk {
namespace {

constexpr int64_t kMostShards = 1'000'000'000;

std::optional<int64_t> whole_number(std::string_view text) {
  int64_t value = 0;
  const char* const begin = text.data();
  const char* const end = begin + text.size();
  const auto [stop, error] = std::from_chars(begin, end, value);
  const bool is_whole = error == std::errc() && stop == end && value >= 0 && value <= kMostShards;
  return is_whole ? std::optional(value) : std::nullopt;
}

}  // namespace

Shard parse_shard(std::string_view text) {
  const size_t slash = text.find('/');
  const auto index = whole_number(text.substr(0, slash));
  const auto count = slash == text.npos ? std::nullopt : whole_number(text.substr(slash + 1));
  if (!index || !count || *index >= *count) {
    fail(
        "--shard: expected I/N, whole numbers from 0/N to N-1/N (0/4, 1/4, 2/4 and 3/4 are four "
        "shards), found {}",
        printable(text, 40));
  }
  return {*index, *count};
}

std::string to_text(const Shard& shard) { return fmt::format("{}/{}", shard.index, shard.count); }

}  // namespace qk
