#include "capture/job_time.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <fstream>
#include <sstream>
#include <string_view>
#include <thread>
#include <vector>

#include "base/environment.h"
#include "base/error.h"
#include "base/process_stat.h"
#include "capture/time_limit.h"

namespace qk {
namespace {

constexpr double kPatience = 10;       // seconds for squeue
constexpr size_t kMostOutput = 65536;  // bytes of it

std::optional<double> number_of(const std::string& text) {
  if (text.empty() || text.size() > 15) return std::nullopt;
  if (!std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; })) return std::nullopt;
  return std::stod(text);
}

// Waits for the child until `deadline`, then ends it. Whether it ended by itself and well.
bool wait_for_child(pid_t child, double deadline) {
  int status = 0;
  while (::waitpid(child, &status, WNOHANG) == 0) {
    if (monotonic_seconds() > deadline) {
      ::kill(child, SIGKILL);
      ::waitpid(child, &status, 0);
      return false;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

// What comes out of the pipe until it is closed or `deadline`.
std::string read_pipe(int fd, double deadline) {
  std::string out;
  while (out.size() < kMostOutput) {
    const double left = deadline - monotonic_seconds();
    pollfd waiting{.fd = fd, .events = POLLIN, .revents = 0};
    if (left <= 0 || ::poll(&waiting, 1, static_cast<int>(left * 1000) + 1) <= 0) break;
    std::array<char, 4096> piece{};
    const ssize_t size = ::read(fd, piece.data(), piece.size());
    if (size <= 0) break;
    out.append(piece.data(), static_cast<size_t>(size));
  }
  return out;
}

// Starts it with what it prints going into the pipe. -1 if it cannot be started.
pid_t spawn_into(int pipe_end, const std::vector<const char*>& words) {
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  ::posix_spawn_file_actions_adddup2(&actions, pipe_end, STDOUT_FILENO);
  ::posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
  pid_t child = -1;
  const int failed = ::posix_spawnp(&child, words.front(), &actions, nullptr,
                                    const_cast<char* const*>(words.data()), environ);
  ::posix_spawn_file_actions_destroy(&actions);
  return failed == 0 ? child : -1;
}

std::optional<std::string> run_squeue(const std::string& job) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return std::nullopt;
  const double deadline = monotonic_seconds() + kPatience;
  const pid_t child = spawn_into(ends[1], {"squeue", "-h", "-j", job.c_str(), "-o", "%L", nullptr});
  ::close(ends[1]);
  std::optional<std::string> out;
  if (child > 0) {
    out = read_pipe(ends[0], deadline);
    if (!wait_for_child(child, deadline)) out.reset();
  }
  ::close(ends[0]);
  return out;
}

// Seconds since the first process of this session began; 0 if the kernel does not say (the session
// began outside this container).
double age_of_session() {
  const auto first = process_stat(::getsid(0));
  double up = 0;
  std::ifstream uptime("/proc/uptime");
  if (!first || first->start_ticks <= 0 || !(uptime >> up)) return 0;
  return std::max(0.0, up - static_cast<double>(first->start_ticks) /
                                static_cast<double>(::sysconf(_SC_CLK_TCK)));
}

// Of "2:05" (minutes and seconds), "1:02:05" or "1-01:02:05".
std::optional<double> seconds_of_squeue(std::string text) {
  if (std::ranges::count(text, ':') == 1 && text.find('-') == std::string::npos) {
    text.insert(0, "0:");
  }
  try {
    return parse_time_limit(text);
  } catch (const Error&) {
    return std::nullopt;
  }
}

bool is_job_id(const std::string& text) {
  return !text.empty() && text.size() < 40 &&
         std::ranges::all_of(
             text, [](char c) { return (c >= '0' && c <= '9') || c == '_' || c == '+'; });
}

JobTime ask_slurm(const JobQuestions& ask, const std::string& job_id) {
  JobTime out;
  const auto end = number_of(ask.get_env("SLURM_JOB_END_TIME").value_or(""));
  if (end && *end > ask.epoch()) {
    out.left = std::max(1.0, *end - ask.epoch());
    return out;
  }
  // The job's number alone means the whole array for the last of its tasks.
  const auto array = ask.get_env("SLURM_ARRAY_JOB_ID");
  const auto task = ask.get_env("SLURM_ARRAY_TASK_ID");
  const std::string job = array && task ? *array + "_" + *task : job_id;
  const auto answer = is_job_id(job) ? ask.squeue(job) : std::nullopt;
  std::string word;
  std::istringstream(answer.value_or("")) >> word;
  if (word == "UNLIMITED" || word == "NOT_SET") return out;
  out.left = seconds_of_squeue(word);
  if (out.left) return out;
  if (word.empty()) {
    out.warning = fmt::format(
        "the time limit of Slurm's job {} is not known (squeue did not answer): give --time-limit, "
        "or the job may end within a document",
        printable(job));
  } else {
    out.warning = fmt::format(
        "the time limit of Slurm's job {} is not known (squeue says {}): give --time-limit, or the "
        "job may end within a document",
        printable(job), printable(word));
  }
  return out;
}

}  // namespace

JobQuestions job_questions() {
  JobQuestions out;
  out.get_env = environment_value;
  out.squeue = run_squeue;
  out.epoch = [] {
    return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch())
        .count();
  };
  out.session_age = age_of_session;
  return out;
}

JobTime find_time_limit(const JobQuestions& ask) {
  if (const auto job = ask.get_env("SLURM_JOB_ID")) return ask_slurm(ask, *job);
  JobTime out;
  const auto walltime = number_of(ask.get_env("PBS_WALLTIME").value_or(""));
  if (!walltime || *walltime <= 0) return out;
  out.left = std::max(1.0, *walltime - ask.session_age());
  return out;
}

}  // namespace qk
