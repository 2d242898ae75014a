#include "cli/standard_streams.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <initializer_list>

namespace qk {
namespace {

// Whether the reading end of the pipe is closed.
bool has_no_reader(int fd) {
  struct pollfd state{fd, POLLOUT, 0};
  return ::poll(&state, 1, 0) == 1 && (state.revents & POLLERR) != 0;
}

}  // namespace

void open_standard_streams() {
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (::fcntl(fd, F_GETFD) != -1 || errno != EBADF) continue;
    // open() returns the lowest free number, which is this one.
    if (::open("/dev/null", O_RDWR) != fd) ::_exit(1);
  }
  std::signal(SIGPIPE, SIG_IGN);
}

int finish_stdout(int exit_code) {
  errno = 0;
  const bool flushed = std::fflush(stdout) == 0;
  const int reason = errno;
  if ((flushed && std::ferror(stdout) == 0) || has_no_reader(STDOUT_FILENO)) return exit_code;
  std::fprintf(stderr, "qkscope: stdout: cannot be written%s%s\n", reason != 0 ? ": " : "",
               reason != 0 ? std::strerror(reason) : "");
  return exit_code == 0 ? 1 : exit_code;
}

}  // namespace qk
