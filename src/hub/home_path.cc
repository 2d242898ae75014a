#include "hub/home_path.h"

#include <cstdlib>

namespace qk {

std::filesystem::path expand_home(const std::string& text) {
  const char* home = std::getenv("HOME");
  if (home == nullptr || *home == '\0') return text;
  return text == "~" || text.starts_with("~/") ? home + text.substr(1) : text;
}

}  // namespace qk
