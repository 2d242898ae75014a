#include "cli/stop_signal.h"

#include <unistd.h>

#include <csignal>
#include <cstring>

#include "base/mapped_file.h"

namespace qk {
namespace {

std::atomic<bool> g_stop{false};

// Uses only what is safe in a handler: an atomic flag, write, signal, raise.
void on_signal(int number) {
  if (g_stop.exchange(true)) {
    std::signal(number, SIG_DFL);
    std::raise(number);
    return;
  }
  constexpr const char* kText =
      "\nqkscope: finishing the work in progress; interrupt again to stop at once\n";
  [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, kText, std::strlen(kText));
}

void say(const char* text) {
  [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, text, std::strlen(text));
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
  ::sigaction(SIGINT, &action, nullptr);
  ::sigaction(SIGTERM, &action, nullptr);
  return g_stop;
}

}  // namespace qk
