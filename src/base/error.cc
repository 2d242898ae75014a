#include "base/error.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "base/utf8.h"

namespace qk {
namespace {

// C0, DEL, and C1, which UTF-8 writes as C2 80 to C2 9F. REQUIRES: text is UTF-8.
void append_printable(std::string_view text, std::string& out) {
  for (size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const bool is_c1 = byte == 0xC2 && static_cast<unsigned char>(text[i + 1]) < 0xA0;
    out += byte < 0x20 || byte == 0x7F || is_c1 ? '?' : text[i];
    if (is_c1) ++i;
  }
}

}  // namespace

std::string printable(std::string_view text, size_t max_bytes) {
  const bool cut = text.size() > max_bytes;
  if (cut) {
    size_t end = max_bytes;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
    text = text.substr(0, end);
  }
  std::string out;
  while (!text.empty()) {
    const size_t valid = first_invalid_utf8(text).value_or(text.size());
    append_printable(text.substr(0, valid), out);
    if (valid < text.size()) out += '?';
    text.remove_prefix(std::min(valid + 1, text.size()));
  }
  if (cut) out += "...";
  return out;
}

void fail_formatted(fmt::string_view sentence, fmt::format_args args) {
  throw Error(printable(fmt::vformat(sentence, args), std::string::npos));
}

void check_failed(const char* expression, const char* file, int line) {
  std::fprintf(stderr, "qkscope: bug: %s:%d: check failed: %s\n", file, line, expression);
  std::fflush(stderr);
  std::_Exit(2);
}

}  // namespace qk
