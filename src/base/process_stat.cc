#include "base/process_stat.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>

namespace qk {

std::optional<ProcessStat> process_stat(int64_t pid) {
  std::ifstream file(fmt::format("/proc/{}/stat", pid));
  return parse_process_stat(std::string{std::istreambuf_iterator<char>(file), {}});
}

// "17 (name) S 16 ...": the fields are counted from 1, and the name is the second.
std::optional<ProcessStat> parse_process_stat(std::string_view text) {
  constexpr int kState = 3, kParent = 4, kStart = 22;
  const size_t name_end = text.rfind(')');
  if (name_end == std::string_view::npos || name_end + 2 >= text.size()) return std::nullopt;
  text.remove_prefix(name_end + 2);
  ProcessStat out{.state = text.front()};
  for (int field = kState; !text.empty(); ++field) {
    const size_t end = std::min(text.find(' '), text.size());
    const char* begin = std::to_address(text.begin());
    if (field == kParent) std::from_chars(begin, begin + end, out.parent);
    if (field == kStart) std::from_chars(begin, begin + end, out.start_ticks);
    if (field == kStart) break;
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

}  // namespace qk
