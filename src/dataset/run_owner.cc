#include "dataset/run_owner.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <system_error>
#include <thread>
#include <utility>

#include "base/environment.h"
#include "base/error.h"
#include "base/host.h"
#include "base/path_text.h"
#include "base/process_stat.h"

namespace qk {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

// Files of those who are alone, and of those who share. The name says it: a file is there before its
// contents are.
constexpr std::string_view kOwner = "owner.";
constexpr std::string_view kShard = "shard.";
static_assert(kOwner.size() == kShard.size());
constexpr size_t kMostBytes = 4096;  // of an owner file

bool is_token_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
         c == '_' || c == '-';
}

// Text as part of a token.
std::string token_text(std::string_view text) {
  constexpr size_t kMost = 48;
  std::string out(text.substr(0, kMost));
  std::ranges::replace_if(out, [](char c) { return !is_token_char(c); }, '_');
  return out;
}

std::string job_id() {
  for (const char* name : {"SLURM_JOB_ID", "PBS_JOBID", "LSB_JOBID", "JOB_ID"}) {
    if (std::string id = environment_value(name).value_or(""); !id.empty())
      return printable(id, 100);
  }
  return "";
}

int64_t job_restart() {
  return std::max<int64_t>(
      std::strtoll(environment_value("SLURM_RESTART_COUNT").value_or("").c_str(), nullptr, 10), 0);
}

// The first bytes of a file of the kernel or of ours; empty if it cannot be read.
std::string first_bytes(int fd) {
  std::string text(kMostBytes, '\0');
  const ssize_t size = ::read(fd, text.data(), text.size());
  text.resize(static_cast<size_t>(std::max<ssize_t>(size, 0)));
  return text;
}

std::string pid_space() {
  std::error_code error;
  return fs::read_symlink("/proc/self/ns/pid", error).string();
}

// False if it may be alive. REQUIRES: it has its number on this host, in this namespace.
bool is_gone(const RunOwner& owner) {
  if (::kill(static_cast<pid_t>(owner.pid), 0) != 0 && errno == ESRCH) return true;
  const std::optional<ProcessStat> now = process_stat(owner.pid);
  if (!now) return false;
  if (now->state == 'Z' || now->state == 'X') return true;
  // Its number was given to another process.
  return owner.start_ticks > 0 && now->start_ticks > 0 && now->start_ticks != owner.start_ticks;
}

// Whether an owner whose file is empty was killed before it could write it: by its token, it was a
// process of this host, which is gone.
bool was_killed_unwritten(std::string_view token) {
  const size_t end = token.rfind('-');
  const size_t begin = end == token.npos || end == 0 ? token.npos : token.rfind('-', end - 1);
  if (begin == token.npos) return false;
  const std::string host = token_text(host_name());
  const std::string_view before = token.substr(0, begin);
  if (!before.ends_with(host)) return false;
  if (before.size() > host.size() && before[before.size() - host.size() - 1] != '.') return false;
  const int64_t pid =
      std::strtoll(std::string(token.substr(begin + 1, end - begin - 1)).c_str(), nullptr, 10);
  return pid > 0 && ::kill(static_cast<pid_t>(pid), 0) != 0 && errno == ESRCH;
}

bool is_here(const RunOwner& owner, const RunOwner& self) {
  return owner.pid > 0 && !owner.boot_id.empty() && owner.host == self.host &&
         owner.boot_id == self.boot_id && owner.pid_space == self.pid_space;
}

bool is_earlier_start(const RunOwner& owner, const RunOwner& self) {
  return !self.job.empty() && owner.job == self.job && owner.restart < self.restart;
}

std::string to_json(const RunOwner& owner) {
  const Json object = {{"host", printable(owner.host, 256)},
                       {"boot_id", owner.boot_id},
                       {"pid_space", owner.pid_space},
                       {"pid", owner.pid},
                       {"start_ticks", owner.start_ticks},
                       {"job", owner.job},
                       {"restart", owner.restart}};
  return object.dump() + "\n";
}

// Without a host if it is not whole, or not one of ours.
RunOwner from_json(const std::string& text) {
  const Json object = Json::parse(text, nullptr, false);
  if (!object.is_object()) return {};
  try {
    RunOwner owner;
    owner.boot_id = object.at("boot_id").get<std::string>();
    owner.pid_space = object.at("pid_space").get<std::string>();
    owner.pid = object.at("pid").get<int64_t>();
    owner.start_ticks = object.at("start_ticks").get<int64_t>();
    owner.job = object.at("job").get<std::string>();
    owner.restart = object.at("restart").get<int64_t>();
    owner.host = object.at("host").get<std::string>();
    return owner;
  } catch (const Json::exception&) {
    return {};
  }
}

double seconds_of(const struct stat& status) {
  return static_cast<double>(status.st_mtim.tv_sec) +
         1e-9 * static_cast<double>(status.st_mtim.tv_nsec);
}

// The time that the file system gives to a file that changes now: hosts' clocks may differ.
double file_system_now(const fs::path& folder) {
  const fs::path path = folder / ".qkscope" / ("now." + start_token());
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0) fail("{}: cannot be created: {}", path_text(path), std::strerror(errno));
  struct stat status{};
  const bool known = ::fstat(fd, &status) == 0;
  const int reason = errno;
  ::close(fd);
  ::unlink(path.c_str());
  if (!known) fail("{}: cannot be read: {}", path_text(path), std::strerror(reason));
  return seconds_of(status);
}

// An owner's file as it is now. Opened, so that NFS asks its server.
struct OwnerState {
  std::string token;
  RunOwner owner;
  double touched = 0;
};
std::optional<OwnerState> read_owner(const fs::path& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  if (fd < 0) return std::nullopt;  // it left just now
  struct stat status{};
  OwnerState state;
  const bool known = ::fstat(fd, &status) == 0 && S_ISREG(status.st_mode);
  if (known) {
    state.token = path.filename().string().substr(kOwner.size());
    state.owner = from_json(first_bytes(fd));
    state.owner.is_alone = path.filename().string().starts_with(kOwner);
    state.touched = seconds_of(status);
  }
  ::close(fd);
  return known ? std::optional(std::move(state)) : std::nullopt;
}

std::vector<OwnerState> read_owners(const fs::path& folder) {
  std::vector<OwnerState> found;
  std::error_code error;
  for (fs::directory_iterator it(folder / ".qkscope", error), end; !error && it != end;
       it.increment(error)) {
    const std::string name = it->path().filename().string();
    if (!name.starts_with(kOwner) && !name.starts_with(kShard)) continue;
    if (std::optional<OwnerState> state = read_owner(it->path())) {
      found.push_back(std::move(*state));
    }
  }
  if (error && error != std::errc::no_such_file_or_directory) {
    fail("{}: cannot be read: {}", path_text(folder / ".qkscope"), error.message());
  }
  std::ranges::sort(found, {}, &OwnerState::token);
  return found;
}

fs::path owner_path(const fs::path& folder, std::string_view token, bool is_alone) {
  return folder / ".qkscope" / (std::string(is_alone ? kOwner : kShard) + std::string(token));
}

}  // namespace

std::string start_token() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
  uint32_t random = 0;
  if (::getrandom(&random, sizeof(random), GRND_NONBLOCK) != sizeof(random)) {
    random = static_cast<uint32_t>(now.count());
  }
  const std::string process =
      fmt::format("{}-{}-{:x}{:08x}", token_text(host_name()), ::getpid(), ms, random);
  const std::string job = token_text(job_id());
  return job.empty() ? process : fmt::format("{}.{}.{}", job, job_restart(), process);
}

bool is_start_token(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, is_token_char);
}

bool has_token(std::string_view name, std::string_view token) {
  return name.starts_with(token) && (name.size() == token.size() || name[token.size()] == '.');
}

RunOwner this_owner(bool is_alone) {
  RunOwner owner;
  owner.host = printable(host_name(), 256);
  owner.boot_id = boot_id();
  owner.pid_space = pid_space();
  owner.pid = ::getpid();
  if (const auto stat = process_stat(owner.pid)) owner.start_ticks = stat->start_ticks;
  owner.job = job_id();
  owner.restart = job_restart();
  owner.is_alone = is_alone;
  return owner;
}

std::string describe(const RunOwner& owner) {
  if (owner.host.empty()) return "a process that has not said yet which it is";
  const std::string job = owner.job.empty() ? "" : ", job " + printable(owner.job);
  return fmt::format("process {} on {}{}", owner.pid, printable(owner.host), job);
}

std::vector<FoundOwner> find_owners(const fs::path& folder) {
  const RunOwner self = this_owner(true);
  std::optional<double> now;
  std::vector<FoundOwner> found;
  for (OwnerState& state : read_owners(folder)) {
    const RunOwner& owner = state.owner;
    const bool is_known = is_here(owner, self);
    bool is_alive = false;
    if (is_known) {
      is_alive = !is_gone(owner);
    } else if (owner.host.empty() && was_killed_unwritten(state.token)) {
      is_alive = false;
    } else if (!is_earlier_start(owner, self)) {
      if (!now) now = file_system_now(folder);
      is_alive = *now - state.touched < kLostSeconds;
    }
    found.push_back({.token = std::move(state.token),
                     .owner = std::move(state.owner),
                     .is_alive = is_alive,
                     .is_here = is_known,
                     .touched = state.touched});
  }
  return found;
}

void remove_dead_owners(const fs::path& folder) {
  for (const FoundOwner& found : find_owners(folder)) {
    if (!found.is_alive) ::unlink(owner_path(folder, found.token, found.owner.is_alone).c_str());
  }
}

// Touches the file until it goes out of scope.
class OwnerFile::Beat {
 public:
  Beat(const fs::path& path, double seconds) : path_(path), seconds_(seconds) {
    // Signals are for the threads that wait for them.
    sigset_t all;
    sigset_t before;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before);
    try {
      thread_ = std::thread([this] { run(); });
    } catch (const std::system_error& error) {
      ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
      fail("{}: no thread can be started: {}", path_text(path), error.code().message());
    }
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  }
  Beat(const Beat&) = delete;
  Beat& operator=(const Beat&) = delete;
  ~Beat() {
    {
      const std::lock_guard lock(mutex_);
      ended_ = true;
    }
    wake_.notify_all();
    thread_.join();
  }

 private:
  void run() {
    std::unique_lock lock(mutex_);
    while (!wake_.wait_for(lock, std::chrono::duration<double>(seconds_), [&] { return ended_; })) {
      ::utimensat(AT_FDCWD, path_.c_str(), nullptr, 0);  // by the file system's clock
    }
  }

  fs::path path_;
  double seconds_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool ended_ = false;
  std::thread thread_;
};

OwnerFile::OwnerFile(const fs::path& folder, const std::string& token, bool is_alone,
                     double beat_seconds)
    : path_(owner_path(folder, token, is_alone)) {
  QK_CHECK(is_start_token(token));
  const int fd = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (fd < 0) fail("{}: cannot be created: {}", path_.string(), std::strerror(errno));
  const std::string text = to_json(this_owner(is_alone));
  const ssize_t written = ::pwrite(fd, text.data(), text.size(), 0);
  const int reason = written < 0 ? errno : ENOSPC;
  ::close(fd);
  try {
    if (written != std::ssize(text)) {
      fail("{}: cannot be written: {}", path_.string(), std::strerror(reason));
    }
    beat_ = std::make_unique<Beat>(path_, beat_seconds);
  } catch (...) {
    ::unlink(path_.c_str());
    throw;
  }
}

OwnerFile::~OwnerFile() {
  beat_.reset();
  ::unlink(path_.c_str());
}

}  // namespace qk
