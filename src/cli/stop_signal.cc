#include "cli/stop_signal.h"

#include <sys/prctl.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <string>

#include "base/mapped_file.h"

namespace qk {
namespace {

std::atomic<bool> g_stop{false};
std::atomic<int> g_interrupts{0};  // SIGINT, that is Ctrl-C
std::atomic<bool> g_is_silent{false};

void say(const char* text) {
  [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, text, std::strlen(text));
}

// Uses only what is safe in a handler: atomics, write, signal, raise.
void on_signal(int number) {
  const int saved_errno = errno;
  const bool is_first = !g_stop.exchange(true);
  if (number == SIGINT && g_interrupts.fetch_add(1) > 0) {
    std::signal(number, SIG_DFL);
    std::raise(number);
  } else if (is_first && !g_is_silent) {
    say(number == SIGINT
            ? "\nqkscope: finishing the work in progress; press Ctrl-C again to stop at once\n"
            : "\nqkscope: signal received; finishing the work in progress, then stopping\n");
  }
  errno = saved_errno;
}

void on_bus_error(int number, siginfo_t* info, void* /*context*/) {
  const char* path = path_of_mapping(info->si_addr);
  if (path == nullptr) {  // a bug
    std::signal(number, SIG_DFL);
    std::raise(number);
    return;
  }
  say("\nqkscope: ");
  say(path);
  say(": can no longer be read: its disk failed or was disconnected, or the file was truncated; "
      "completed work is kept\n");
  ::_exit(1);
}

}  // namespace

void watch_fault_signals() {
  struct sigaction action{};
  action.sa_sigaction = on_bus_error;
  action.sa_flags = SA_SIGINFO;
  ::sigaction(SIGBUS, &action, nullptr);
  std::signal(SIGXFSZ, SIG_IGN);
}

const std::atomic<bool>& watch_stop_signals() {
  static_assert(std::atomic<bool>::is_always_lock_free);
  struct sigaction action{};
  action.sa_handler = on_signal;
  action.sa_flags = SA_RESTART;
  for (const int number : {SIGINT, SIGTERM, SIGUSR1, SIGUSR2, SIGXCPU}) {
    ::sigaction(number, &action, nullptr);
  }
  struct sigaction hangup{};
  ::sigaction(SIGHUP, nullptr, &hangup);
  if (hangup.sa_handler != SIG_IGN) ::sigaction(SIGHUP, &action, nullptr);  // else: nohup
  return g_stop;
}

void silence_stop_signals() { g_is_silent = true; }

void stop_with_parent() {
  constexpr const char* kVariable = "QKSCOPE_STOP_WITH";
  const char* const value = std::getenv(kVariable);
  if (value == nullptr) return;
  const std::string parent = value;
  ::unsetenv(kVariable);
  const auto is_here = [&] { return parent == std::to_string(::getppid()); };
  if (!is_here()) return;  // perhaps on another machine, or not visible from this container
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (!is_here()) std::raise(SIGTERM);  // it ended before it was watched
}

void leave_stop_signals() {
  for (const int number : {SIGINT, SIGTERM, SIGUSR1, SIGUSR2, SIGXCPU, SIGHUP}) {
    struct sigaction action{};
    ::sigaction(number, nullptr, &action);
    if (action.sa_handler == on_signal) std::signal(number, SIG_DFL);
  }
}

}  // namespace qk
