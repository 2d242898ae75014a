#include "base/home_path.h"

#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

namespace qk {
namespace {

// The home folder of a user ("": the one who runs the program), or "" if it is unknown.
std::string home_of(const std::string& name) {
  const char* home = name.empty() ? std::getenv("HOME") : nullptr;
  if (home != nullptr && *home != '\0') return home;
  const passwd* user = name.empty() ? ::getpwuid(::getuid()) : ::getpwnam(name.c_str());
  return user == nullptr || user->pw_dir == nullptr ? "" : user->pw_dir;
}

}  // namespace

std::filesystem::path expand_home(const std::string& text) {
  if (!text.starts_with('~')) return text;
  const size_t end = std::min(text.find('/'), text.size());
  std::string home = home_of(text.substr(1, end - 1));
  if (home.empty()) return text;
  while (home.size() > 1 && home.ends_with('/')) home.pop_back();
  return home + text.substr(end);
}

}  // namespace qk
