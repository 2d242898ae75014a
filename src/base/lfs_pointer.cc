#include "base/lfs_pointer.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <string>

#include "base/error.h"
#include "base/path_text.h"

namespace qk {
namespace {

constexpr size_t kMostBytes = 1024;  // of a pointer, by its specification
constexpr std::array<std::string_view, 4> kVersions = {
    "https://git-lfs.github.com/spec/", "http://git-media.io/v/", "https://hawser.github.com/spec/",
    "http://git-lfs.github.com/spec/"};

// What follows a byte order mark, blanks and the first line of a merge conflict.
std::string_view skip_preamble(std::string_view content) {
  const auto skip_any_of = [&](std::string_view characters) {
    content.remove_prefix(std::min(content.find_first_not_of(characters), content.size()));
  };
  if (content.starts_with("\xEF\xBB\xBF")) content.remove_prefix(3);
  skip_any_of(" \t\r\n");
  if (content.starts_with("  return lfs_pointer_fault(text);
}

std::string lfs_pointer_fault(std::string_view content) {
  if (!is_lfs_pointer(content)) return "";
  const std::string size = printable(value_of(content, "size"));
  return fmt::format(
      "is a Git LFS pointer (the repository was cloned without git-lfs), not the file{} "
      "that it stands for: fetch it with `git lfs install && git lfs pull` in that folder, or "
      "download the file",
      size.empty() ? "" : fmt::format(" of {} bytes", size));
}

void refuse_lfs_pointer(const std::filesystem::path& path) {
  const std::string fault = lfs_pointer_fault(path);
  if (!fault.empty()) fail("{}: {}", path_text(path), fault);
}

}  // namespace qk
