#include "capture/time_limit.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "base/error.h"

namespace qk {
namespace {

constexpr int64_t kMinute = 60, kHour = 60 * kMinute, kDay = 24 * kHour;
constexpr int64_t kLongestLimit = 1000 * kDay;
constexpr size_t kRemembered = 512;
// Lengths that differ by less say nothing about the quadratic part.
constexpr double kOneLength = 1.05;

// Digits at the start of `text`, which are taken off it. None if there are none, or too many.
std::optional<int64_t> take_number(std::string_view& text) {
  size_t digits = 0;
  int64_t value = 0;
  while (digits < text.size() && text[digits] >= '0' && text[digits] <= '9') {
    value = 10 * value + (text[digits++] - '0');
    if (digits > 10) return std::nullopt;
  }
  if (digits == 0) return std::nullopt;
  text.remove_prefix(digits);
  return value;
}

// "1d12h30m15s": each unit at most once, larger ones first.
std::optional<int64_t> seconds_of_units(std::string_view text) {
  constexpr std::array<std::pair<char, int64_t>, 4> kUnits = {
      {{'d', kDay}, {'h', kHour}, {'m', kMinute}, {'s', 1}}};
  int64_t seconds = 0;
  size_t unit = 0;
  while (!text.empty()) {
    const auto count = take_number(text);
    if (!count || text.empty()) return std::nullopt;
    while (unit < kUnits.size() && kUnits[unit].first != text.front()) ++unit;
    if (unit == kUnits.size()) return std::nullopt;
    seconds += *count * kUnits[unit++].second;
    text.remove_prefix(1);
  }
  return seconds;
}

// "1:30:00", and behind days "12", "12:30" or "12:30:00".
std::optional<int64_t> seconds_of_clock(std::string_view text) {
  int64_t days = 0;
  const bool has_days = text.find('-') != std::string_view::npos;
  if (has_days) {
    const auto count = take_number(text);
    if (!count || text.empty() || text.front() != '-') return std::nullopt;
    text.remove_prefix(1);
    days = *count;
  }
  std::array<int64_t, 3> parts = {0, 0, 0};  // hours, minutes, seconds
  size_t num_parts = 0;
  while (num_parts < parts.size()) {
    const auto part = take_number(text);
    if (!part || (num_parts > 0 && *part >= 60)) return std::nullopt;
    parts[num_parts++] = *part;
    if (text.empty()) break;
    if (text.front() != ':') return std::nullopt;
    text.remove_prefix(1);
  }
  if (!text.empty() || (!has_days && num_parts != 3)) return std::nullopt;
  return days * kDay + parts[0] * kHour + parts[1] * kMinute + parts[2];
}

std::optional<int64_t> seconds_of(std::string_view text) {
  std::string_view rest = text;
  if (const auto plain = take_number(rest); plain && rest.empty()) return plain;
  if (const auto units = seconds_of_units(text)) return units;
  return seconds_of_clock(text);
}

}  // namespace

double parse_time_limit(std::string_view text) {
  const auto seconds = seconds_of(text);
  if (!seconds || text.empty()) {
    fail(
        "--time-limit: expected a time as 3h55m, 90m, 1:30:00 (hours), 2-12:00:00 (days) or 1200 "
        "(seconds), found '{}'",
        printable(text));
  }
  if (*seconds <= 0 || *seconds > kLongestLimit) {
    fail("--time-limit: expected more than 0 s and at most 1,000 days, found '{}'",
         printable(text));
  }
  return static_cast<double>(*seconds);
}

TimeLimit::TimeLimit(double seconds, std::function<double()> now)
    : limit_(seconds), end_(now() + seconds), now_(std::move(now)) {}

void TimeLimit::add(int64_t num_tokens, double seconds) {
  if (num_tokens <= 0 || !(seconds > 0)) return;
  const Finished document{.tokens = static_cast<double>(num_tokens), .seconds = seconds};
  if (finished_.size() < kRemembered) {
    finished_.push_back(document);
  } else {
    finished_[next_] = document;
    next_ = (next_ + 1) % kRemembered;
  }
  fit_.reset();
}

double TimeLimit::margin() const { return std::clamp(0.02 * limit_, 1.0, 120.0); }

std::optional<double> TimeLimit::expected(int64_t num_tokens) const {
  if (finished_.empty()) return std::nullopt;
  if (!fit_) fit_ = fit();
  return fit_->at(static_cast<double>(std::max<int64_t>(num_tokens, 0)));
}

bool TimeLimit::fits(std::span<const int64_t> num_tokens) const {
  double seconds = 0;
  for (const int64_t length : num_tokens) seconds += expected(length).value_or(0);
  return seconds < left() - margin();
}

TimeLimit::Fit TimeLimit::fit() const {
  const auto [shortest, longest] = std::ranges::minmax(finished_, {}, &Finished::tokens);
  Fit out;
  if (finished_.size() <= 2) {
    for (const Finished& document : finished_) {
      out.linear = std::max(out.linear, document.seconds / document.tokens);
    }
    return out;
  }
  // In units of the longest document, so that the sums are of one size.
  double xx = 0, xxx = 0, xxxx = 0, xt = 0, xxt = 0;
  for (const Finished& document : finished_) {
    const double x = document.tokens / longest.tokens;
    xx += x * x;
    xxx += x * x * x;
    xxxx += x * x * x * x;
    xt += x * document.seconds;
    xxt += x * x * document.seconds;
  }
  double linear = xt / xx;
  double quadratic = 0;
  const double determinant = xx * xxxx - xxx * xxx;
  if (longest.tokens > kOneLength * shortest.tokens && determinant > 0) {
    quadratic = (xxt * xx - xt * xxx) / determinant;
    linear = (xt * xxxx - xxt * xxx) / determinant;
    if (quadratic < 0) {
      quadratic = 0;
      linear = xt / xx;
    } else if (linear < 0) {
      linear = 0;
      quadratic = xxt / xxxx;
    }
  }
  out.linear = linear / longest.tokens;
  out.quadratic = quadratic / (longest.tokens * longest.tokens);
  std::vector<double> ratios;  // observed to fitted
  ratios.reserve(finished_.size());
  for (const Finished& document : finished_) {
    ratios.push_back(document.seconds / out.at(document.tokens));
  }
  const auto ninth = ratios.begin() + static_cast<int64_t>((9 * ratios.size() + 9) / 10 - 1);
  std::ranges::nth_element(ratios, ninth);
  out.slack = std::max(1.0, *ninth);
  return out;
}

std::string limit_text(double seconds) {
  constexpr std::array<std::pair<const char*, int64_t>, 4> kUnits = {
      {{"d", kDay}, {"h", kHour}, {"min", kMinute}, {"s", 1}}};
  auto rest = static_cast<int64_t>(std::llround(std::max(seconds, 0.0)));
  std::string out;
  for (const auto& [name, size] : kUnits) {
    const int64_t count = rest / size;
    rest %= size;
    if (count == 0 && (size > 1 || !out.empty())) continue;
    out += fmt::format("{}{} {}", out.empty() ? "" : " ", count, name);
  }
  return out;
}

std::string out_of_time_sentence(const TimeLimit& limit, int64_t num_documents,
                                 int64_t num_tokens) {
  std::string out = fmt::format(
      "no document is begun that would not end before the time limit ({}): stopped after {} "
      "document{}",
      limit_text(limit.limit()), num_documents, num_documents == 1 ? "" : "s");
  const auto expected = limit.expected(num_tokens);
  if (expected && num_tokens > 0) {
    out += fmt::format(", with {} left, where one of {} tokens takes about {}",
                       limit_text(limit.left()), num_tokens, limit_text(*expected));
  }
  return out;
}

}  // namespace qk
