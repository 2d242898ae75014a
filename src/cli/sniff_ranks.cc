#include "cli/sniff_ranks.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string_view>
#include <utility>

#include "base/caught_error.h"
#include "base/error.h"
#include "base/number_text.h"
#include "cli/sniff_report.h"
#include "cli/stop_signal.h"
#include "cluster/launcher.h"
#include "ranks/check_ranks.h"

namespace qk {
namespace {

std::string rate_text(double tokens_per_second) {
  constexpr double kThousand = 1000;
  if (tokens_per_second < 10 * kThousand) return fmt::format("{:.0f} tokens/s", tokens_per_second);
  return fmt::format("{:.0f}k tokens/s", tokens_per_second / kThousand);
}

// At least 1; `otherwise` if the variable is not set. Throws Error if it is another text.
double seconds_of(const char* variable, double otherwise) {
  const char* text = std::getenv(variable);
  if (text == nullptr) return otherwise;
  char* end = nullptr;
  const double seconds = std::strtod(text, &end);
  if (end == text || *end != '\0' || !(seconds >= 1))
    fail("{}: expected at least 1, found {}", variable, text);
  return seconds;
}

CrewTimes times_of_environment() {
  CrewTimes out;
  out.start = seconds_of("QKSCOPE_START_SECONDS", out.start);
  out.lost = seconds_of("QKSCOPE_LOST_SECONDS", out.lost);
  return out;
}

void on_late_start(int /*number*/) {
  constexpr std::string_view kSentence =
      "qkscope: MPI_Init still waits for other ranks, one of which was killed or did not begin; use "
      "--resume to continue\n";
  [[maybe_unused]] const ssize_t written =
      ::write(STDERR_FILENO, kSentence.data(), kSentence.size());
  ::sleep(
      1);  // srun loses what a task writes just before its end, now and then, if another was killed
  ::_exit(kExitStopped);
}

void on_late_start_of_others(int /*number*/) { ::_exit(kExitStopped); }

// Seconds that a rank waits longer than rank 0. Rank 1 says it too, since rank 0 may be the one that was
// killed; the others end without a word, and not before these two: a launcher may then kill all.
unsigned patience_of(int rank) {
  constexpr unsigned kSecond = 2, kOthers = 4;
  return rank == 0 ? 0 : rank == 1 ? kSecond : kOthers;
}

// MPI_Init, and what all ranks do together after it, return when every rank has called it: never, if one
// was killed before.
//   local_rank  SniffRanks::local_rank()
MpiStart start_in_time(const std::string& mpi, CrewTimes& times, std::optional<int>& local_rank) {
  const Launcher launcher = find_launcher();
  if (mpi == "off" || launcher.kind == LauncherKind::kNone) return start_mpi(mpi);
  try {
    times = times_of_environment();
  } catch (const Error&) {
    if (launcher.rank == 0) throw;
    return {.launcher = launcher, .is_refused = true};
  }
  std::signal(SIGALRM, launcher.rank <= 1 ? on_late_start : on_late_start_of_others);
  ::alarm(static_cast<unsigned>(times.start) + patience_of(launcher.rank));
  MpiStart out = start_mpi(mpi);
  if (out.transport != nullptr) {
    local_rank = out.launcher.local_rank;
    if (!local_rank) local_rank = out.transport->node_rank().rank;
  }
  ::alarm(0);
  std::signal(SIGALRM, SIG_DFL);
  return out;
}

// Done and in progress, of what this start has to do.
double part_of(const RunProgress& progress) {
  if (!progress.total) return 0;
  const auto before = static_cast<double>(progress.done_before);
  const double work = static_cast<double>(*progress.total) - before;
  const double done = static_cast<double>(progress.done) + progress.in_progress - before;
  return work > 0 ? std::clamp(done / work, 0.0, 1.0) : 0;
}

}  // namespace

std::string ranks_text(const RanksProgress& ranks) {
  const RunProgress& run = ranks.run;
  if (run.phase != Phase::kCapture) return progress_text(run);
  const auto tokens = static_cast<double>(run.num_tokens - run.num_tokens_before);
  std::string out = fmt::format(
      "{}{} documents, {}, {}{}", count_text(run.done),
      run.total ? "/" + count_text(*run.total) : "", plural(ranks.num_ranks, "rank"),
      rate_text(tokens / std::max(run.seconds, 1e-9)), remaining_text(part_of(run), run.seconds));
  if (!ranks.slowest.empty()) {
    out += fmt::format("; slowest {} ({:.1f}x)", ranks.slowest, ranks.slowest_part);
  }
  return out;
}

std::string copies_warning(const Launcher& launcher, const Shard& shard) {
  if (launcher.num_ranks < 2) return "";
  const int speaker = shard.index % launcher.num_ranks == 0 ? 1 : 0;
  if (launcher.rank != speaker) return "";
  return fmt::format(
      "{} started {} copies: if all of them have --shard {}/{}, each computes the same documents; start "
      "one, or give each a shard of its own",
      launcher.name, launcher.num_ranks, shard.index, shard.count);
}

std::string finish_warning(const Launcher& launcher, const std::string& config) {
  return fmt::format(
      "{}: --finish is left to the first of the {} copies that {} started (--mpi off: each takes itself "
      "for the only one)",
      printable(config), launcher.num_ranks, launcher.name);
}

bool leaves_words_to_rank_0(std::span<const std::string> words, const Launcher& launcher) {
  if (launcher.rank == 0) return false;
  for (size_t i = 0; i < words.size(); ++i) {
    if (words[i] == "--shard" || words[i].starts_with("--shard=")) return false;
    if (words[i] == "--mpi=off") return false;
    if (words[i] == "--mpi" && i + 1 < words.size() && words[i + 1] == "off") return false;
  }
  return true;
}

bool says_end(const RanksEnd& end, int rank) {
  const bool is_own = end.exit_code == 1;
  return !end.sentence.empty() && (is_own || rank == 1);
}

bool has_rank_0_said(const RanksEnd& end, bool was_stopped) {
  return end.sentence.empty() && (was_stopped || end.exit_code == 0);
}

SniffRanks::SniffRanks(const std::string& mpi) : mpi_(start_in_time(mpi, times_, local_rank_)) {}

RanksOptions SniffRanks::ranks_options(const RunOptions& options) {
  RanksOptions out;
  out.times = times_;
  out.see_seconds = 1.5 * out.times.lost;
  out.run = options;
  out.left = [this](bool all_left) { all_left_ = all_left; };
  return out;
}

void SniffRanks::leave_unprepared(CaughtError& error) {
  const RanksOptions options = ranks_options({});
  const bool is_stopped = error.exit_code == kExitStopped;
  const RanksEnd end = is_stopped ? stop_over_ranks(options, *mpi_.transport)
                                  : refuse_over_ranks(error.sentence, options, *mpi_.transport);
  if (has_rank_0_said(end, is_stopped)) error.sentence.clear();
  if (error.exit_code != kExitBug) error.exit_code = end.exit_code;
}

int SniffRanks::guard(const std::function<int()>& command) {
  CaughtError end{.exit_code = 0};
  try {
    end.exit_code = command();
  } catch (const std::exception&) {
    end = caught_error();
  }
  if (!has_begun_ && !end.sentence.empty()) {
    try {
      leave_unprepared(end);
    } catch (const std::exception&) {  // on rank 0, which says so below
      if (end.exit_code != kExitBug) end = caught_error();
    }
  }
  if (!end.sentence.empty()) std::fprintf(stderr, "qkscope: %s\n", end.sentence.c_str());
  mpi_.transport->leave(all_left_, end.exit_code);
  return end.exit_code;
}

int SniffRanks::run(const PreparedRun& run, RunOptions options, bool quiet,
                    const std::function<int(const RunReport&)>& conclude) {
  has_begun_ = true;
  ProgressLine line(kPlainProgress);
  options.warn = [&line](const std::string& sentence) {
    line.end_line();
    std::fprintf(stderr, "qkscope: warning: %s\n", sentence.c_str());
  };
  RanksOptions ranks = ranks_options(options);
  if (!quiet) {
    ranks.progress = [&line, phase = Phase::kIdentify](const RanksProgress& progress) mutable {
      if (std::exchange(phase, progress.run.phase) != progress.run.phase) line.begin_phase();
      line.draw(ranks_text(progress), part_of(progress.run), progress.run.seconds, false);
    };
  }
  ranks.conclude = [&](const RunReport& report) {
    line.end_line();
    return conclude(report);
  };
  const RanksEnd end = run_over_ranks(run, ranks, *mpi_.transport);
  if (says_end(end, mpi_.transport->rank())) {
    // This rank may not have heard that documents were begun.
    const std::string next = end.report.must_overwrite
                                 ? "use --resume, or --overwrite if no document was begun"
                                 : continue_text(options, end.report);
    std::fprintf(stderr, "qkscope: %s; %s\n", end.sentence.c_str(), next.c_str());
  }
  return end.exit_code;
}

int SniffRanks::check(const PreparedRun& run, RunOptions options,
                      const std::function<int()>& conclude) {
  has_begun_ = true;
  options.warn = [](const std::string& sentence) {
    std::fprintf(stderr, "qkscope: warning: %s\n", sentence.c_str());
  };
  const std::string mpi = fmt::format("{} ({})", mpi_.library.name, mpi_.library.file);
  return check_ranks(run, ranks_options(options), *mpi_.transport,
                     [&](const std::vector<CheckedRank>& ranks) {
                       const int code = conclude();
                       std::fputs(checked_text(ranks, mpi_.launcher.name, mpi).c_str(), stdout);
                       return code;
                     });
}

}  // namespace qk
