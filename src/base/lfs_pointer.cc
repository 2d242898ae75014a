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
  if (content.starts_with("<<<<<<< ")) {
    content.remove_prefix(std::min(content.find_first_of("\r\n"), content.size()));
    skip_any_of("\r\n");
  }
  return content;
}

// The value of a line "key value", whatever ends the line, or "".
std::string_view value_of(std::string_view content, std::string_view key) {
  while (!content.empty()) {
    const size_t end = std::min(content.find_first_of("\r\n"), content.size());
    const std::string_view line = content.substr(0, end);
    content.remove_prefix(std::min(end + 1, content.size()));
    if (line.starts_with(key) && line.substr(key.size()).starts_with(' ')) {
      return line.substr(key.size() + 1);
    }
  }
  return "";
}

}  // namespace

bool is_lfs_pointer(std::string_view content) {
  if (content.size() > kMostBytes) return false;
  content = skip_preamble(content);
  if (!content.starts_with("version ")) return false;
  content = content.substr(0, content.find('\0'));
  const std::string_view version = value_of(content, "version");
  return std::ranges::any_of(kVersions, [&](auto url) { return version.starts_with(url); }) &&
         !value_of(content, "oid").empty();
}

std::string lfs_pointer_fault(const std::filesystem::path& path) {
  // O_NONBLOCK: a pipe would wait for its writer here.
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return "";
  struct stat status{};
  std::array<char, kMostBytes> content{};
  ssize_t bytes = 0;
  if (::fstat(fd, &status) == 0 && S_ISREG(status.st_mode) &&
      status.st_size <= static_cast<off_t>(kMostBytes)) {
    bytes = ::pread(fd, content.data(), content.size(), 0);
  }
  ::close(fd);
  const std::string_view text(content.data(), static_cast<size_t>(std::max<ssize_t>(bytes, 0)));
  return lfs_pointer_fault(text);
}

std::string lfs_pointer_fault(std::string_view content) {
  if (!is_lfs_pointer(content)) return "";
  const std::string size = printable(value_of(content, "size"));
  return fmt::format(
      "is a Git LFS pointer (the repository was cloned without git-lfs), not the file{} that it "
      "stands for: fetch it with `git lfs install && git lfs pull` in that folder, or download the "
      "file",
      size.empty() ? "" : fmt::format(" of {} bytes", size));
}

void refuse_lfs_pointer(const std::filesystem::path& path) {
  const std::string fault = lfs_pointer_fault(path);
  if (!fault.empty()) fail("{}: {}", path_text(path), fault);
}

}  // namespace qk
