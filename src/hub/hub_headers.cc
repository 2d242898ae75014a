#include "hub/hub_headers.h"

#include <curl/curl.h>

#include <algorithm>
#include <cctype>
#include <charconv>

namespace qk {
namespace {

constexpr int64_t kMostSeconds = int64_t{1} << 31;

std::string_view without_blanks(std::string_view text) {
  const size_t first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

// Decimal digits and nothing else; numbers too large for us are kMostSeconds.
std::optional<int64_t> digits(std::string_view text) {
  if (text.empty()) return std::nullopt;
  int64_t number = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    number = std::min(number * 10 + (c - '0'), kMostSeconds);
  }
  return number;
}

// The text up to the first of `ends` that is not inside quotes; removed from `rest` with the end.
std::string_view take_until(std::string_view& rest, char end) {
  bool quoted = false;
  size_t at = 0;
  for (; at < rest.size(); ++at) {
    if (rest[at] == '"') quoted = !quoted;
    if (rest[at] == '\\' && quoted && at + 1 < rest.size()) {
      ++at;
    } else if (rest[at] == end && !quoted) {
      break;
    }
  }
  const std::string_view part = rest.substr(0, std::min(at, rest.size()));
  rest.remove_prefix(std::min(at + 1, rest.size()));
  return without_blanks(part);
}

bool equals_ignoring_case(std::string_view a, std::string_view lower) {
  return std::equal(a.begin(), a.end(), lower.begin(), lower.end(), [](char x, char y) {
    return std::tolower(static_cast<unsigned char>(x)) == y;
  });
}

// name=value or name="value"; empty if the parameter has another name.
std::string_view parameter(std::string_view text, std::string_view name) {
  const size_t equals = text.find('=');
  if (equals == std::string_view::npos) return {};
  if (!equals_ignoring_case(without_blanks(text.substr(0, equals)), name)) return {};
  std::string_view value = without_blanks(text.substr(equals + 1));
  if (value.size() >= 2 && value.front() == '"' && value.back() == '"') {
    value = value.substr(1, value.size() - 2);
  }
  return value;
}

// Whether a list of relation types separated by blanks has "next".
bool names_next(std::string_view relations) {
  while (!relations.empty()) {
    if (equals_ignoring_case(take_until(relations, ' '), "next")) return true;
  }
  return false;
}

}  // namespace

std::optional<std::string> next_of_link(std::string_view link) {
  while (true) {
    const size_t open = link.find('<');
    const size_t close = link.find('>', open == std::string_view::npos ? 0 : open);
    if (open == std::string_view::npos || close == std::string_view::npos) return std::nullopt;
    const std::string_view target = without_blanks(link.substr(open + 1, close - open - 1));
    link.remove_prefix(close + 1);
    std::string_view parameters = take_until(link, ',');
    while (!parameters.empty()) {
      if (names_next(parameter(take_until(parameters, ';'), "rel")) && !target.empty()) {
        return std::string(target);
      }
    }
  }
}

std::optional<std::chrono::seconds> wait_of_rate_limit(std::string_view rate_limit) {
  while (!rate_limit.empty()) {
    std::string_view item = take_until(rate_limit, ',');
    std::optional<int64_t> remaining, seconds;
    while (!item.empty()) {
      const std::string_view part = take_until(item, ';');
      if (const auto value = digits(parameter(part, "r"))) remaining = value;
      if (const auto value = digits(parameter(part, "t"))) seconds = value;
    }
    if (remaining == 0 && seconds) return std::chrono::seconds(*seconds);
  }
  return std::nullopt;
}

std::optional<std::chrono::seconds> wait_of_retry_after(std::string_view retry_after,
                                                        std::chrono::system_clock::time_point now) {
  retry_after = without_blanks(retry_after);
  if (const auto seconds = digits(retry_after)) return std::chrono::seconds(*seconds);
  if (retry_after.find('\0') != std::string_view::npos) return std::nullopt;
  const time_t date = curl_getdate(std::string(retry_after).c_str(), nullptr);
  if (date == -1) return std::nullopt;
  const int64_t wait = date - std::chrono::system_clock::to_time_t(now);
  return std::chrono::seconds(std::clamp<int64_t>(wait, 0, kMostSeconds));
}

}  // namespace qk
