// For tests: a library to preload. It makes a write to a folder fail, or kills the process there.
//
//   QK_FAULT_FOLDER  only calls for files in this folder count
//   QK_FAULT_AT      the number of the call, from 1; 0: none, only count the calls
//   QK_FAULT         "kill", or the errno with which this call and all later ones fail
//   QK_FAULT_COUNT   file to which the number of calls is written at the end
//   QK_FAULT_ROOM    if set, file systems say that they have room
//   QK_FAULT_LOG     file to which every call is written: "fsync /l00h00q/data.parquet.tmp"
//   QK_FAULT_MS      milliseconds that every call takes longer: a slow disk
//   QK_FAULT_RANK    if set, only calls of this rank under mpirun or srun count
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/types.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace {

std::atomic<long> g_calls{0};

// Whether this process is the rank that is meant. mpirun's own variables come first: its ranks may also
// have those of the srun that started its daemons.
bool is_meant() {
  const char* rank = std::getenv("QK_FAULT_RANK");
  if (rank == nullptr) return true;
  for (const char* name : {"OMPI_COMM_WORLD_RANK", "PMI_RANK", "SLURM_PROCID"}) {
    const char* here = std::getenv(name);
    if (here != nullptr) return std::strcmp(here, rank) == 0;
  }
  return false;
}

// The path below the folder; null if it is elsewhere.
const char* below(const char* path) {
  static const bool is_on = is_meant();
  const char* folder = std::getenv("QK_FAULT_FOLDER");
  if (!is_on || folder == nullptr) return nullptr;
  const size_t size = std::strlen(folder);
  return std::strncmp(path, folder, size) == 0 ? path + size : nullptr;
}

void log(const char* function, const char* name) {
  static const char* const path = std::getenv("QK_FAULT_LOG");
  static std::FILE* const file = path != nullptr ? std::fopen(path, "w") : nullptr;
  if (file == nullptr) return;
  std::fprintf(file, "%s %s\n", function, name);
  std::fflush(file);
}

// True if this call must fail; errno is set then.
bool fails(const char* function, const char* path) {
  const char* name = below(path);
  if (name == nullptr) return false;
  log(function, name);
  const char* slow = std::getenv("QK_FAULT_MS");
  if (slow != nullptr) ::usleep(static_cast<useconds_t>(1000 * std::atol(slow)));
  const char* at = std::getenv("QK_FAULT_AT");
  const char* what = std::getenv("QK_FAULT");
  const long call = ++g_calls;
  const long first = at != nullptr ? std::atol(at) : 0;
  if (first == 0 || what == nullptr || call < first) return false;
  if (std::strcmp(what, "kill") == 0) std::raise(SIGKILL);
  errno = std::atoi(what);
  return true;
}

bool fails(const char* function, int fd) {
  char link[64];
  char path[4096];
  std::snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
  const ssize_t size = ::readlink(link, path, sizeof(path) - 1);
  if (size < 0) return false;
  path[size] = 0;
  return fails(function, path);
}

template <typename F>
F next(const char* name) {
  return reinterpret_cast<F>(::dlsym(RTLD_NEXT, name));
}

struct CountAtEnd {
  ~CountAtEnd() {
    const char* path = std::getenv("QK_FAULT_COUNT");
    if (path == nullptr) return;
    std::FILE* file = std::fopen(path, "w");
    if (file == nullptr) return;
    std::fprintf(file, "%ld", g_calls.load());
    std::fclose(file);
  }
} count_at_end;

}  // namespace

extern "C" {

int statvfs(const char* path, struct statvfs* out) {
  static const auto real = next<int (*)(const char*, struct statvfs*)>("statvfs");
  const int result = real(path, out);
  if (std::getenv("QK_FAULT_ROOM") != nullptr) out->f_bavail = out->f_blocks = 1UL << 40;
  return result;
}

ssize_t write(int fd, const void* data, size_t size) {
  static const auto real = next<ssize_t (*)(int, const void*, size_t)>("write");
  return fails("write", fd) ? -1 : real(fd, data, size);
}

ssize_t pwrite(int fd, const void* data, size_t size, off_t offset) {
  static const auto real = next<ssize_t (*)(int, const void*, size_t, off_t)>("pwrite");
  return fails("pwrite", fd) ? -1 : real(fd, data, size, offset);
}

ssize_t pwrite64(int fd, const void* data, size_t size, off64_t offset) {
  static const auto real = next<ssize_t (*)(int, const void*, size_t, off64_t)>("pwrite64");
  return fails("pwrite", fd) ? -1 : real(fd, data, size, offset);
}

int fsync(int fd) {
  static const auto real = next<int (*)(int)>("fsync");
  return fails("fsync", fd) ? -1 : real(fd);
}

int fdatasync(int fd) {
  static const auto real = next<int (*)(int)>("fdatasync");
  return fails("fdatasync", fd) ? -1 : real(fd);
}

int ftruncate(int fd, off_t size) {
  static const auto real = next<int (*)(int, off_t)>("ftruncate");
  return fails("ftruncate", fd) ? -1 : real(fd, size);
}

int rename(const char* from, const char* to) {
  static const auto real = next<int (*)(const char*, const char*)>("rename");
  return fails("rename", to) ? -1 : real(from, to);
}

int unlink(const char* path) {
  static const auto real = next<int (*)(const char*)>("unlink");
  return fails("unlink", path) ? -1 : real(path);
}

int mkdir(const char* path, mode_t mode) {
  static const auto real = next<int (*)(const char*, mode_t)>("mkdir");
  return fails("mkdir", path) ? -1 : real(path, mode);
}

}  // extern "C"
