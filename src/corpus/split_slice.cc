#include "corpus/split_slice.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <string_view>

#include "base/error.h"
#include "corpus/data_files.h"

namespace qk {
namespace {

// "-5", "25%", or nothing at all; false if it is something else.
bool parse_bound(std::string_view text, std::optional<int64_t>& bound, bool& is_percent) {
  if (text.empty()) return true;
  if (text.ends_with('%')) {
    is_percent = true;
    text.remove_suffix(1);
  }
  int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return false;
  bound = number;
  return true;
}

int64_t share(int64_t percent, int64_t num_rows) {
  if (std::abs(percent) > 100) {
    fail("dataset.split: expected at most 100%, found {}%", percent);
  }
  // To the nearest one, halves to the even one, as Python rounds.
  return std::llrint(static_cast<double>(percent) * static_cast<double>(num_rows) / 100.0);
}

// "train" or "train[from:to]".
std::optional<SplitSlice> parse_term(std::string_view text) {
  if (is_split_name(text)) return SplitSlice{std::string(text), {}, {}, false};
  const size_t open = text.find('[');
  const size_t colon = text.find(':');
  if (open == std::string_view::npos || colon == std::string_view::npos || colon < open ||
      !text.ends_with(']') || !is_split_name(text.substr(0, open))) {
    return std::nullopt;
  }
  SplitSlice out{std::string(text.substr(0, open)), {}, {}, false};
  const bool parsed =
      parse_bound(text.substr(open + 1, colon - open - 1), out.from, out.is_percent) &&
      parse_bound(text.substr(colon + 1, text.size() - colon - 2), out.to, out.is_percent);
  return parsed ? std::optional(out) : std::nullopt;
}

}  // namespace

std::vector<SplitSlice> parse_split(const std::string& text) {
  std::vector<SplitSlice> terms;
  for (size_t begin = 0; begin <= text.size();) {
    const size_t end = std::min(text.find('+', begin), text.size());
    const auto term = parse_term(std::string_view(text).substr(begin, end - begin));
    if (!term) return {{text, {}, {}, false}};
    terms.push_back(*term);
    begin = end + 1;
  }
  return terms;
}

RowRange rows_of(const SplitSlice& slice, std::optional<int64_t> num_rows) {
  if (!num_rows) {
    QK_CHECK(!slice.needs_num_rows());
    return {slice.from.value_or(0), slice.to};
  }
  const auto row = [&](const std::optional<int64_t>& bound, int64_t otherwise) {
    if (!bound) return otherwise;
    const int64_t at = slice.is_percent ? share(*bound, *num_rows) : *bound;
    return std::clamp<int64_t>(at < 0 ? *num_rows + at : at, 0, *num_rows);
  };
  const int64_t begin = row(slice.from, 0);
  return {begin, std::max(begin, row(slice.to, *num_rows))};
}

}  // namespace qk
