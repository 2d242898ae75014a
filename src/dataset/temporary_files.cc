#include "dataset/temporary_files.h"

#include <unistd.h>

#include <system_error>

#include "dataset/run_owner.h"

namespace qk {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kFile = "data.parquet.";
constexpr std::string_view kEnd = ".tmp";

// The token in such a name, empty if it has none.
std::string_view token_in(std::string_view name) {
  if (name.size() < kFile.size() + kEnd.size()) return "";
  return name.substr(kFile.size(), name.size() - kFile.size() - kEnd.size());
}

}  // namespace

std::string temporary_name(std::string_view token) {
  if (token.empty()) return "data.parquet.tmp";
  return std::string(kFile).append(token).append(kEnd);
}

std::vector<fs::path> temporary_files(const fs::path& head_folder) {
  std::error_code error;
  std::vector<fs::path> found;
  for (fs::directory_iterator it(head_folder, error), end; !error && it != end;
       it.increment(error)) {
    const std::string name = it->path().filename().string();
    if (name.starts_with(kFile) && name.ends_with(kEnd)) found.push_back(it->path());
  }
  return found;
}

void remove_temporary_files(const fs::path& head_folder, std::string_view token) noexcept {
  for (const fs::path& path : temporary_files(head_folder)) {
    if (!token.empty() && !has_token(token_in(path.filename().string()), token)) continue;
    ::unlink(path.c_str());
  }
}

}  // namespace qk
