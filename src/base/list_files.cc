#include "base/list_files.h"

#include <algorithm>
#include <system_error>

#include "base/error.h"

namespace qk {

namespace fs = std::filesystem;

std::vector<std::string> list_files(const fs::path& folder, DanglingLinks dangling) {
  std::vector<std::string> files;
  std::error_code error;
  fs::recursive_directory_iterator entry(folder, error);
  const fs::recursive_directory_iterator end;
  while (!error && entry != end) {
    std::error_code ignored;
    const bool is_listed_link = dangling == DanglingLinks::kList && entry->is_symlink(ignored) &&
                                !fs::exists(entry->path(), ignored);
    if (is_listed_link || entry->is_regular_file(ignored)) {
      files.push_back(entry->path().lexically_relative(folder).generic_string());
    }
    entry.increment(error);
  }
  if (error) {
    fail("{}: cannot list the folder: {}", printable(folder.string(), 300), error.message());
  }
  std::sort(files.begin(), files.end());
  return files;
}

}  // namespace qk
