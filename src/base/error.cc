#include "base/error.h"

#include <cstdio>
#include <cstdlib>

namespace qk {

std::string printable(std::string_view text, size_t max_bytes) {
  const bool cut = text.size() > max_bytes;
  if (cut) {
    size_t end = max_bytes;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
    text = text.substr(0, end);
  }
  std::string out(text);
  for (char& c : out) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7F) c = '?';
  }
  if (cut) out += "...";
  return out;
}

void check_failed(const char* expression, const char* file, int line) {
  std::fprintf(stderr, "qkscope: bug: %s:%d: check failed: %s\n", file, line, expression);
  std::fflush(stderr);
  std::_Exit(2);
}

}  // namespace qk
