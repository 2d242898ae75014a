#include "page/head_choice.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"

namespace qk {
namespace {

// Whether * and ? of the pattern can stand for what the name has there.
bool matches(std::string_view pattern, std::string_view name) {
  size_t at = 0;                         // in the name
  size_t star = std::string_view::npos;  // place of the last *
  size_t after_star = 0;                 // where the name continues behind it
  for (size_t i = 0; at < name.size() || i < pattern.size();) {
    if (i < pattern.size() && pattern[i] == '*') {
      star = i++;
      after_star = at;
    } else if (i < pattern.size() && at < name.size() &&
               (pattern[i] == '?' || pattern[i] == name[at])) {
      ++i;
      ++at;
    } else if (star != std::string_view::npos && after_star < name.size()) {
      i = star + 1;
      at = ++after_star;
    } else {
      return false;
    }
  }
  return true;
}

std::string_view without_blanks(std::string_view text) {
  const size_t begin = std::min(text.find_first_not_of(" \t"), text.size());
  return text.substr(begin, text.find_last_not_of(" \t") + 1 - begin);
}

}  // namespace

std::string head_name(const HeadId& head) {
  return fmt::format("l{:02}h{:02}", head.layer, head.q_head);
}

HeadChoice::HeadChoice(const std::string& patterns) {
  for (size_t begin = 0; begin <= patterns.size();) {
    const size_t end = std::min(patterns.find(',', begin), patterns.size());
    const auto name = without_blanks(std::string_view(patterns).substr(begin, end - begin));
    if (name.empty()) {
      fail("--heads: expected names such as l20h03 or l12* with commas between them, found {}",
           patterns.empty() ? "nothing" : printable(patterns));
    }
    patterns_.emplace_back(name);
    begin = end + 1;
  }
}

bool HeadChoice::has(const HeadId& head) const {
  if (is_open()) return true;
  const std::string name = head_name(head);
  return std::ranges::any_of(patterns_,
                             [&](const std::string& pattern) { return matches(pattern, name); });
}

void HeadChoice::refuse_unknown(const std::vector<HeadId>& heads) const {
  for (const std::string& pattern : patterns_) {
    const auto is_meant = [&](const HeadId& head) { return matches(pattern, head_name(head)); };
    if (std::ranges::any_of(heads, is_meant)) continue;
    fail("--heads: {} is no head of the analysis, whose heads are {} to {}", printable(pattern),
         head_name(heads.front()), head_name(heads.back()));
  }
}

}  // namespace qk
