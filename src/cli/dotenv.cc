#include "cli/dotenv.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <fstream>
#include <string>
#include <string_view>

namespace qk {
namespace {

constexpr std::array<std::string_view, 4> kNames = {"HF_HOME", "HF_HUB_CACHE",
                                                    "HUGGINGFACE_HUB_CACHE", "XDG_CACHE_HOME"};
constexpr std::uintmax_t kMostBytes = 64 << 10;

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r";
  const size_t first = text.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

std::string_view value_of(std::string_view text) {
  text = trimmed(text);
  if (!text.empty() && (text[0] == '"' || text[0] == '\'')) {
    const size_t end = text.find(text[0], 1);
    if (end != std::string_view::npos) return text.substr(1, end - 1);
  }
  for (size_t hash = text.find('#'); hash != std::string_view::npos;
       hash = text.find('#', hash + 1)) {
    if (hash == 0 || text[hash - 1] == ' ') return trimmed(text.substr(0, hash));
  }
  return text;
}

}  // namespace

void read_dotenv(const std::filesystem::path& path) {
  std::error_code error;
  if (!std::filesystem::is_regular_file(path, error)) return;
  if (std::filesystem::file_size(path, error) > kMostBytes || error) return;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    std::string_view rest = trimmed(line);
    if (rest.starts_with("export ")) rest = trimmed(rest.substr(7));
    const size_t equals = rest.find('=');
    if (equals == std::string_view::npos) continue;
    const std::string name(trimmed(rest.substr(0, equals)));
    if (std::find(kNames.begin(), kNames.end(), name) == kNames.end()) continue;
    ::setenv(name.c_str(), std::string(value_of(rest.substr(equals + 1))).c_str(), 0);
  }
}

}  // namespace qk
