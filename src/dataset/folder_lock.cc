#include "dataset/folder_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <thread>
#include <utility>

#include "base/error.h"
#include "base/file_lock.h"
#include "base/monotonic_clock.h"
#include "dataset/journal_files.h"

namespace qk {
namespace {

namespace fs = std::filesystem;

// A shard that leaves holds the lock alone for a moment: other shards do not give up at once.
bool take_patiently(int fd, Sharing sharing) {
  if (sharing == Sharing::kAlone) return take_lock(fd, LOCK_EX);
  constexpr int kTries = 50;
  for (int i = 0; i < kTries; ++i) {
    if (take_lock(fd, LOCK_SH)) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  return false;
}

void wait_for_next_look(const OwnerWait& wait) {
  const double end = monotonic_seconds() + wait.look_seconds;
  do {
    if (wait.check) wait.check();
    std::this_thread::sleep_for(std::chrono::duration<double>(std::min(0.1, wait.look_seconds)));
  } while (monotonic_seconds() < end);
}

}  // namespace

FolderLock::FolderLock(const fs::path& folder, Sharing sharing, const OwnerWait& wait,
                       std::string token)
    : folder_(folder),
      path_(folder / ".qkscope" / "lock"),
      sharing_(sharing),
      token_(std::move(token)) {
  make_output_folder(folder);
  try {
    while (!try_to_take(wait)) ::close(std::exchange(fd_, -1));
  } catch (...) {
    release();
    throw;
  }
}

FolderLock::~FolderLock() {
  try {
    remove_dead_owners(folder_);
    // NOLINTNEXTLINE(bugprone-empty-catch): they lie there until the next run
  } catch (const std::exception&) {
  }
  release();
}

// False if what was taken has been removed meanwhile.
bool FolderLock::try_to_take(const OwnerWait& wait) {
  make_journal_folder(folder_);
  fd_ = ::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);
  if (fd_ < 0 && errno == ENOENT) return false;  // its folder was removed just now
  if (fd_ < 0) fail("{}: cannot be created: {}", path_.string(), std::strerror(errno));
  if (!take_patiently(fd_, sharing_)) {
    ::close(std::exchange(fd_, -1));
    fail("{}: another run is writing into this folder", folder_.string());
  }
  if (!is_still_there(fd_, path_)) return false;
  owner_.emplace(folder_, token_, sharing_ == Sharing::kAlone);
  refuse_others(wait);
  remove_discarded_journals(folder_);
  if (sharing_ == Sharing::kAlone) remove_momentary_files(folder_);
  return true;
}

std::vector<FoundOwner> FolderLock::others() const {
  std::vector<FoundOwner> found = find_owners(folder_);
  std::erase_if(found, [this](const FoundOwner& other) {
    const bool shares = sharing_ == Sharing::kShared && !other.owner.is_alone;
    return !other.is_alive || other.token == token_ || shares;
  });
  return found;
}

void FolderLock::refuse(const FoundOwner& other) const {
  fail("{}: another run is writing into this folder: {}", folder_.string(), describe(other.owner));
}

// Those who come later are not looked at: they find the file of this start, and refuse themselves.
void FolderLock::refuse_others(const OwnerWait& wait) const {
  const std::vector<FoundOwner> first = others();
  if (first.empty()) return;
  for (const FoundOwner& other : first) {
    if (other.is_here || wait.seconds <= 0) refuse(other);
  }
  if (wait.warn) {
    wait.warn(
        fmt::format("{}: {} was writing into this folder and may have ended: waiting for a sign "
                    "of life, {:g} s at most",
                    folder_.string(), describe(first[0].owner), wait.seconds));
  }
  const double end = monotonic_seconds() + wait.seconds;
  for (bool is_silent = true; is_silent && monotonic_seconds() < end;) {
    wait_for_next_look(wait);
    is_silent = false;
    for (const FoundOwner& other : others()) {
      const auto before = std::ranges::find(first, other.token, &FoundOwner::token);
      if (before == first.end()) continue;
      if (other.touched != before->touched) refuse(other);
      is_silent = true;
    }
  }
}

void FolderLock::release() {
  owner_.reset();
  if (fd_ < 0) return;
  // Others that share it keep the file.
  if (sharing_ == Sharing::kAlone || take_lock(fd_, LOCK_EX)) ::unlink(path_.c_str());
  ::close(std::exchange(fd_, -1));
  ::rmdir(path_.parent_path().c_str());  // stays if it holds a journal
}

}  // namespace qk
