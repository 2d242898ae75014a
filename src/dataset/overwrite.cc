#include "dataset/overwrite.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/path_text.h"
#include "dataset/document_table.h"
#include "dataset/entry_names.h"
#include "dataset/schema.h"

namespace qk {
namespace {

namespace fs = std::filesystem;

bool is_there(const fs::path& path) {
  std::error_code error;
  return fs::exists(fs::symlink_status(path, error));
}

void remove_if_there(const fs::path& path) {
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) {
    fail("{}: cannot be removed: {}", path.string(), std::strerror(errno));
  }
}

// Folders l##h##[qk] in name order, symbolic links of such a name included.
std::vector<fs::path> head_folders(const fs::path& folder) {
  std::vector<fs::path> found;
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    const fs::file_status status = it->symlink_status(error);
    const bool is_folder = fs::is_directory(status) || fs::is_symlink(status);
    if (is_folder && parse_config_name(it->path().filename().string())) found.push_back(it->path());
  }
  if (error) fail("{}: cannot be read: {}", folder.string(), error.message());
  std::sort(found.begin(), found.end());
  return found;
}

void check_head_folder(const fs::path& path) {
  std::error_code error;
  if (fs::is_symlink(fs::symlink_status(path, error))) {
    fail("{}: is a symbolic link, a head's folder must be a folder: remove it", path.string());
  }
  for (fs::directory_iterator it(path, error), end; !error && it != end; it.increment(error)) {
    const fs::path& file = it->path();
    const std::string name = file.filename().string();
    if (is_parquet_name(name) && !is_sidecar_name(name) && name != "data.parquet") {
      fail("{}: a new dataset would not replace it, and readers would mix the two: remove it",
           file.string());
    }
  }
  if (error) fail("{}: cannot be read: {}", path.string(), error.message());
}

void make_folder(const fs::path& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) fail("{}: cannot be created: {}", path_text(folder), error.message());
  if (::faccessat(AT_FDCWD, folder.c_str(), W_OK | X_OK, AT_EACCESS) != 0) {
    fail("{}: cannot be written: {}", path_text(folder), std::strerror(errno));
  }
}

void check_journal(const fs::path& journal, Start start) {
  if (!is_there(journal)) return;
  // O_NONBLOCK: a pipe would wait for its writer here.
  const int fd = ::open(journal.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  if (fd >= 0) {
    const bool taken = ::flock(fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK;
    ::close(fd);
    if (taken) fail("{}: another run is writing into this folder", journal.string());
  }
  if (start == Start::kNew) {
    fail(
        "{}: an interrupted run left this journal: "
        "--resume continues it, --overwrite discards it",
        journal.string());
  }
}

bool has_document_table(const fs::path& folder) {
  return is_there(folder / kDocumentTable) && !has_foreign_document_table(folder);
}

// The name of something that belongs to a dataset; empty if nothing does.
std::string part_of_dataset(const fs::path& folder, const std::vector<fs::path>& heads) {
  if (!heads.empty()) return heads.front().filename().string();
  if (is_there(folder / "README.md")) return "README.md";
  return has_document_table(folder) ? std::string(kDocumentTable) : "";
}

void make_journal_folder(const fs::path& path) {
  std::error_code error;
  if (fs::is_symlink(fs::symlink_status(path, error))) {
    fail("{}: is a symbolic link: remove it", path.string());
  }
  make_folder(path);
}

// The lock may have been removed by its holder since it was opened.
bool is_still_there(int fd, const fs::path& path) {
  struct stat opened{};
  struct stat named{};
  return ::fstat(fd, &opened) == 0 && ::lstat(path.c_str(), &named) == 0 &&
         opened.st_ino == named.st_ino && opened.st_dev == named.st_dev;
}

}  // namespace

fs::path journal_path(const fs::path& folder) { return folder / ".qkscope" / "journal"; }

FolderLock::FolderLock(const fs::path& folder) : path_(folder / ".qkscope" / "lock") {
  make_folder(folder);
  while (true) {
    make_journal_folder(path_.parent_path());
    fd_ = ::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);
    if (fd_ < 0 && errno == ENOENT) continue;  // its folder was removed just now
    if (fd_ < 0) fail("{}: cannot be created: {}", path_.string(), std::strerror(errno));
    if (::flock(fd_, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
      ::close(std::exchange(fd_, -1));
      fail("{}: another run is writing into this folder", folder.string());
    }
    if (is_still_there(fd_, path_)) return;
    ::close(std::exchange(fd_, -1));
  }
}

FolderLock::~FolderLock() {
  if (fd_ < 0) return;
  ::unlink(path_.c_str());
  ::close(fd_);
  ::rmdir(path_.parent_path().c_str());  // stays if it holds a journal
}

void prepare_output_folder(const fs::path& folder, Start start) {
  make_folder(folder);
  const fs::path journal = journal_path(folder);
  check_journal(journal, start);
  const std::vector<fs::path> heads = head_folders(folder);
  const std::string part = part_of_dataset(folder, heads);
  if (start == Start::kNew && !part.empty()) {
    fail(
        "{}: holds a dataset already ({}): "
        "choose another folder or use --overwrite, which replaces it",
        folder.string(), part);
  }
  for (const fs::path& head : heads) check_head_folder(head);
  make_journal_folder(journal.parent_path());
  if (start == Start::kOverwrite) remove_if_there(journal);
}

void refuse_foreign_document_table(const fs::path& folder) {
  if (!has_foreign_document_table(folder)) return;
  fail(
      "{}: is not of a dataset, and the run would replace it with its table of documents: move it "
      "or choose another folder",
      (folder / kDocumentTable).string());
}

void remove_dataset(const fs::path& folder, const std::set<std::string>& keep) {
  remove_if_there(folder / "README.md");
  remove_if_there(folder / "_saver_state.json");
  const std::string table(kDocumentTable);
  if (!keep.contains(table)) {
    remove_if_there(folder / (table + ".tmp"));
    if (has_document_table(folder)) remove_if_there(folder / table);
  }
  for (const fs::path& head : head_folders(folder)) {
    if (keep.contains(head.filename().string())) continue;
    check_head_folder(head);
    remove_if_there(head / "data.parquet");
    remove_if_there(head / "data.parquet.tmp");
    ::rmdir(head.c_str());  // stays if it holds other files
  }
}

void remove_journal(const fs::path& folder) {
  const fs::path journal = journal_path(folder);
  remove_if_there(journal);
  ::rmdir(journal.parent_path().c_str());  // stays if it holds other files
}

}  // namespace qk
