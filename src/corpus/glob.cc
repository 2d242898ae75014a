#include "corpus/glob.h"

#include "base/error.h"
#include "base/utf8.h"

namespace qk {
namespace {

// Code points; bytes that are not UTF-8 become lone surrogates, which match nothing else.
std::u32string code_points(std::string_view text) {
  std::u32string out;
  size_t valid_end = first_invalid_utf8(text).value_or(text.size());
  for (size_t i = 0; i < text.size();) {
    const auto lead = static_cast<unsigned char>(text[i]);
    if (i >= valid_end) {
      out.push_back(static_cast<char32_t>(0xDC00 + lead));
      ++i;
      const auto next_invalid = first_invalid_utf8(text.substr(i));
      valid_end = next_invalid ? i + *next_invalid : text.size();
      continue;
    }
    const size_t length = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
    char32_t point = length == 1 ? lead : lead & (0x7FU >> length);
    for (size_t k = 1; k < length; ++k) point = (point << 6) | (text[i + k] & 0x3F);
    out += point;
    i += length;
  }
  return out;
}

// The end of the class that starts at pattern[begin] == '[' (after its ']'), 0 if it never closes.
size_t class_end(std::u32string_view pattern, size_t begin) {
  size_t i = begin + 1;
  if (i < pattern.size() && pattern[i] == U'!') ++i;
  if (i < pattern.size() && pattern[i] == U']') ++i;  // a first ']' is a member
  const size_t close = pattern.find(U']', i);
  return close == std::u32string_view::npos ? 0 : close + 1;
}

// members: what stands between '[' and ']'.
bool class_holds(std::u32string_view members, char32_t c) {
  const bool negated = members.starts_with(U'!');
  if (negated) members.remove_prefix(1);
  bool found = false;
  for (size_t i = 0; i < members.size(); ++i) {
    if (i + 2 < members.size() && members[i + 1] == U'-') {
      found |= members[i] <= c && c <= members[i + 2];
      i += 2;
    } else {
      found |= members[i] == c;
    }
  }
  return found != negated;
}

// Matches one character of the pattern at p (not '*'); returns the place after it, 0 if it
// differs.
size_t match_one(std::u32string_view pattern, size_t p, char32_t c) {
  if (pattern[p] == U'?') return p + 1;
  if (pattern[p] == U'[') {
    const size_t end = class_end(pattern, p);
    if (end != 0) return class_holds(pattern.substr(p + 1, end - p - 2), c) ? end : 0;
  }
  return pattern[p] == c ? p + 1 : 0;
}

bool component_matches(std::u32string_view pattern, std::u32string_view name) {
  constexpr size_t kNone = std::u32string_view::npos;
  size_t p = 0;
  size_t n = 0;
  size_t star = kNone;  // the pattern after the last '*', and the name where it stopped
  size_t star_name = 0;
  while (n < name.size()) {
    if (p < pattern.size() && pattern[p] == U'*') {
      star = ++p;
      star_name = n;
      continue;
    }
    const size_t next = p < pattern.size() ? match_one(pattern, p, name[n]) : 0;
    if (next != 0) {
      p = next;
      ++n;
    } else if (star != kNone) {
      p = star;
      n = ++star_name;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == U'*') ++p;
  return p == pattern.size();
}

}  // namespace

bool has_wildcards(std::string_view pattern) {
  return pattern.find_first_of("*?[") != std::string_view::npos;
}

std::vector<std::string> path_components(std::string_view path) {
  std::vector<std::string> parts;
  for (size_t begin = 0; begin < path.size();) {
    const size_t end = std::min(path.find('/', begin), path.size());
    const std::string_view part = path.substr(begin, end - begin);
    if (!part.empty() && part != ".") parts.emplace_back(part);
    begin = end + 1;
  }
  return parts;
}

Glob::Glob(std::string_view pattern) {
  for (const std::string& part : path_components(pattern)) {
    if (part != "**" && part.find("**") != std::string::npos) {
      fail("pattern '{}': '**' must be a whole component, as in 'data/**/x.parquet'",
           printable(pattern));
    }
    components_.push_back(code_points(part));
  }
}

bool Glob::matches(std::string_view path) const {
  constexpr size_t kNone = static_cast<size_t>(-1);
  const std::vector<std::string> parts = path_components(path);
  size_t p = 0;
  size_t n = 0;
  size_t star = kNone;  // as in component_matches, with "**" for '*'
  size_t star_part = 0;
  while (n < parts.size()) {
    if (p < components_.size() && components_[p] == U"**") {
      if (p + 1 == components_.size()) return true;  // everything below: at least one component
      star = ++p;
      star_part = n;
    } else if (p < components_.size() && component_matches(components_[p], code_points(parts[n]))) {
      ++p;
      ++n;
    } else if (star != kNone) {
      p = star;
      n = ++star_part;
    } else {
      return false;
    }
  }
  return p == components_.size();
}

}  // namespace qk
