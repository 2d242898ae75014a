#include "dataset/journal_files.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <set>
#include <string>
#include <system_error>
#include <utility>

#include "base/atomic_file.h"
#include "base/error.h"
#include "base/path_text.h"
#include "dataset/run_owner.h"
#include "journal/journal_probe.h"

namespace qk {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kJournal = "journal";
constexpr std::string_view kNamedJournal = "journal.";
constexpr std::string_view kTemporary = ".tmp";
constexpr std::string_view kDiscarded = "discarded";  // beside journals that are being removed

bool is_temporary(std::string_view name) { return name.ends_with(kTemporary); }

// Of .qkscope: those of all journals, unfinished ones too. Sorted.
std::vector<fs::path> journal_entries(const fs::path& folder, std::error_code& error) {
  std::vector<fs::path> found;
  for (fs::directory_iterator it(folder / ".qkscope", error), end; !error && it != end;
       it.increment(error)) {
    const std::string name = it->path().filename().string();
    if (name == kJournal || name.starts_with(kNamedJournal)) found.push_back(it->path());
  }
  std::ranges::sort(found);
  return found;
}

std::vector<fs::path> journal_entries(const fs::path& folder) {
  std::error_code error;
  std::vector<fs::path> found = journal_entries(folder, error);
  const bool is_absent =
      error == std::errc::no_such_file_or_directory || error == std::errc::not_a_directory;
  if (error && !is_absent) {
    fail("{}: cannot be read: {}", path_text(folder / ".qkscope"), error.message());
  }
  return found;
}

void unlink_if_there(const fs::path& path) {
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) {
    fail("{}: cannot be removed: {}", path.string(), std::strerror(errno));
  }
}

// The names of journals that are being removed; empty: none are.
std::set<std::string> discarded_names(const fs::path& folder) {
  std::set<std::string> out;
  std::ifstream file(folder / ".qkscope" / kDiscarded);
  for (std::string name; std::getline(file, name);) out.insert(name);
  return out;
}

// From now on none of them counts, so that a kill between two removals leaves no part of a run.
void discard(const fs::path& folder, const std::vector<fs::path>& journals) {
  std::string names;
  for (const fs::path& path : journals) names += path.filename().string() + "\n";
  write_file(folder / ".qkscope" / kDiscarded, names);
}

// rank_leader.cc, file_system_now() in run_owner.cc, discard().
bool is_momentary(std::string_view name) {
  return name.starts_with("ranks.") || name.starts_with("now.") || name == "discarded.tmp";
}

void remove_empty_folder(const fs::path& folder) {
  ::rmdir((folder / ".qkscope").c_str());  // stays if it holds other files
}

// False if another start has removed it just now.
bool holds_no_document(const fs::path& journal) {
  try {
    return !may_hold_document(journal);
  } catch (const Error&) {
    std::error_code error;
    if (fs::exists(journal, error) || error) throw;
    return false;
  }
}

// The token of journal.<token>, and of what it is before it has its name.
std::string_view token_of(std::string_view name) {
  name.remove_prefix(kNamedJournal.size());
  if (is_temporary(name)) name.remove_suffix(kTemporary.size());
  return name;
}

}  // namespace

fs::path journal_path(const fs::path& folder) { return folder / ".qkscope" / kJournal; }

fs::path journal_path(const fs::path& folder, std::string_view token) {
  QK_CHECK(is_start_token(token));
  return folder / ".qkscope" / (std::string(kNamedJournal) + std::string(token));
}

std::vector<fs::path> journal_paths(const fs::path& folder) {
  const std::set<std::string> discarded = discarded_names(folder);
  std::vector<fs::path> found = journal_entries(folder);
  std::erase_if(found, [&](const fs::path& path) {
    const std::string name = path.filename().string();
    return is_temporary(name) || discarded.contains(name);
  });
  return found;
}

bool has_journal(const fs::path& folder) noexcept {
  try {
    return !journal_paths(folder).empty();
  } catch (const std::exception&) {
    return false;
  }
}

void make_output_folder(const fs::path& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) fail("{}: cannot be created: {}", path_text(folder), error.message());
  if (::faccessat(AT_FDCWD, folder.c_str(), W_OK | X_OK, AT_EACCESS) != 0) {
    fail("{}: cannot be written: {}", path_text(folder), std::strerror(errno));
  }
}

void make_journal_folder(const fs::path& folder) {
  const fs::path path = folder / ".qkscope";
  std::error_code error;
  if (fs::is_symlink(fs::symlink_status(path, error))) {
    fail("{}: is a symbolic link: remove it", path.string());
  }
  make_output_folder(path);
}

void remove_journal(const fs::path& folder) {
  unlink_if_there(journal_path(folder));
  remove_empty_folder(folder);
}

void remove_journals(const fs::path& folder) {
  const std::vector<fs::path> entries = journal_entries(folder);
  if (entries.size() > 1) discard(folder, entries);
  for (const fs::path& path : entries) unlink_if_there(path);
  unlink_if_there(folder / ".qkscope" / kDiscarded);
  remove_dead_owners(folder);
  remove_empty_folder(folder);
}

void remove_discarded_journals(const fs::path& folder) {
  for (const std::string& name : discarded_names(folder)) {
    const bool is_journal = name == kJournal || name.starts_with(kNamedJournal);
    if (is_journal && name.find('/') == name.npos) unlink_if_there(folder / ".qkscope" / name);
  }
  unlink_if_there(folder / ".qkscope" / kDiscarded);
}

void remove_momentary_files(const fs::path& folder) {
  std::vector<fs::path> found;
  std::error_code error;
  for (fs::directory_iterator it(folder / ".qkscope", error), end; !error && it != end;
       it.increment(error)) {
    if (is_momentary(it->path().filename().string())) found.push_back(it->path());
  }
  for (const fs::path& path : found) unlink_if_there(path);
}

void remove_empty_journals(const fs::path& folder) {
  std::vector<fs::path> named = journal_entries(folder);
  std::erase_if(named, [](const fs::path& path) {
    return !path.filename().string().starts_with(kNamedJournal);
  });
  if (named.empty()) return;
  const std::vector<FoundOwner> owners = find_owners(folder);
  for (const fs::path& path : named) {
    const std::string name = path.filename().string();
    const std::string_view token = token_of(name);
    const bool lives = std::ranges::any_of(owners, [&](const FoundOwner& owner) {
      return owner.is_alive && has_token(token, owner.token);
    });
    if (lives || is_being_written(path)) continue;
    if (is_temporary(name) || holds_no_document(path)) unlink_if_there(path);
  }
}

bool is_being_written(const fs::path& journal) {
  // O_NONBLOCK: a pipe would wait for its writer here.
  const int fd = ::open(journal.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  if (fd < 0) return false;
  // Shared: others may look at the same time.
  const bool taken = ::flock(fd, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
  ::close(fd);
  return taken;
}

}  // namespace qk
