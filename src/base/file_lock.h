// flock(2) on files that their holders may remove. Threads: a lock belongs to the open descriptor.
#pragma once

#include <filesystem>

namespace qk {

// Takes the lock on `fd` at once, as `operation` says (LOCK_EX or LOCK_SH). False if another descriptor
// holds it. A file system without flock gives it to everybody.
bool take_lock(int fd, int operation);

// Whether `path` still names the file that is open as `fd`: its last holder may have renamed or removed
// it between open() and the lock.
bool is_still_there(int fd, const std::filesystem::path& path);

}  // namespace qk
