#include "report/head_filter.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace qk {
namespace {

std::string_view trimmed(std::string_view text) {
  const size_t begin = std::min(text.find_first_not_of(" \t"), text.size());
  return text.substr(begin, text.find_last_not_of(" \t") + 1 - begin);
}

std::optional<int64_t> index_of(std::string_view text) {
  text = trimmed(text);
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value < 0) return std::nullopt;
  return value;
}

bool is_in(const std::vector<IndexRange>& ranges, int64_t index) {
  return ranges.empty() || std::any_of(ranges.begin(), ranges.end(), [&](const IndexRange& range) {
           return range.first <= index && index <= range.last;
         });
}

// "layers 0-5,7", "layer 7".
std::string ranges_text(const char* what, const std::vector<IndexRange>& ranges) {
  const bool is_one = ranges.size() == 1 && ranges[0].first == ranges[0].last;
  std::string out = fmt::format("{}{} ", what, is_one ? "" : "s");
  for (const IndexRange& range : ranges) {
    if (&range != ranges.data()) out += ',';
    out += fmt::format("{}", range.first);
    if (range.last != range.first) out += fmt::format("-{}", range.last);
  }
  return out;
}

}  // namespace

std::optional<std::vector<IndexRange>> parse_ranges(std::string_view text) {
  std::vector<IndexRange> out;
  while (true) {
    const size_t end = std::min(text.find(','), text.size());
    const std::string_view part = text.substr(0, end);
    const size_t dash = std::min(part.find('-'), part.size());
    const auto first = index_of(part.substr(0, dash));
    const auto last = dash == part.size() ? first : index_of(part.substr(dash + 1));
    if (!first || !last || *last < *first) return std::nullopt;
    out.push_back({*first, *last});
    if (end == text.size()) return out;
    text.remove_prefix(end + 1);
  }
}

bool HeadFilter::has(const HeadId& head) const {
  if (!is_in(layers, head.layer) || !is_in(heads, head.q_head)) return false;
  if (window == "all") return true;
  const auto found = windows.find(head);
  if (found == windows.end()) {
    fail("window: head_diagnostics.csv does not hold layer {}, query head {}", head.layer,
         head.q_head);
  }
  const auto& tokens = found->second;
  return window == "none" ? !tokens : tokens && std::to_string(*tokens) == window;
}

std::string HeadFilter::group() const {
  if (!layers.empty() || !heads.empty()) return "";
  if (window == "all") return "all";
  return window == "none" ? "full_attention" : "window_" + window;
}

std::string HeadFilter::text() const {
  std::vector<std::string> parts;
  if (!layers.empty()) parts.push_back(ranges_text("layer", layers));
  if (!heads.empty()) parts.push_back(ranges_text("query head", heads));
  const std::string where = fmt::format("{}", fmt::join(parts, ", "));
  std::string out = where.empty() ? "heads" : "heads of " + where;
  if (window == "none") out += " without a sliding window";
  if (window != "all" && window != "none") {
    out += fmt::format(" with a sliding window of {} tokens", window);
  }
  return out == "heads" ? "" : out;
}

void refuse_empty_filter(const HeadFilter& filter) {
  std::string known;
  if (filter.window != "all") {
    std::vector<std::string> sizes;
    for (const auto& [head, window] : filter.windows) {
      const std::string size = window ? std::to_string(*window) : "none";
      if (std::find(sizes.begin(), sizes.end(), size) == sizes.end()) sizes.push_back(size);
    }
    known = fmt::format(" (the windows of the analysis's heads: {})", fmt::join(sizes, ", "));
  }
  fail("there is nothing to draw: the table has no {}{}", filter.text(), known);
}

}  // namespace qk
