#include "cli/sniff_ranks.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <new>
#include <utility>

#include "base/error.h"
#include "base/number_text.h"
#include "base/stopped.h"
#include "cli/sniff_report.h"
#include "cli/stop_signal.h"
#include "ranks/check_ranks.h"

namespace qk {
namespace {

constexpr double kPlainSeconds = 60;  // between two lines of progress without a terminal

std::string rate_text(double tokens_per_second) {
  constexpr double kThousand = 1000;
  if (tokens_per_second < 10 * kThousand) return fmt::format("{:.0f} tokens/s", tokens_per_second);
  return fmt::format("{:.0f}k tokens/s", tokens_per_second / kThousand);
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

SniffRanks::SniffRanks(const std::string& mpi) : mpi_(start_mpi(mpi)) {
  if (!is_on()) return;
  local_rank_ = mpi_.launcher.local_rank;
  if (!local_rank_) local_rank_ = mpi_.transport->node_rank().rank;
}

RanksOptions SniffRanks::ranks_options(const RunOptions& options) {
  RanksOptions out;
  if (const char* text = std::getenv("QKSCOPE_LOST_SECONDS")) {
    char* end = nullptr;
    const double seconds = std::strtod(text, &end);
    if (end == text || *end != '\0' || !(seconds >= 1))
      fail("QKSCOPE_LOST_SECONDS: expected at least 1, found {}", text);
    out.times.lost = seconds;
    out.see_seconds = 1.5 * seconds;
  }
  out.run = options;
  out.left = [this](bool all_left) { all_left_ = all_left; };
  return out;
}

int SniffRanks::refuse(const std::string& sentence) {
  return refuse_over_ranks(sentence, ranks_options({}), *mpi_.transport).exit_code;
}

int SniffRanks::stop() { return stop_over_ranks(ranks_options({}), *mpi_.transport).exit_code; }

int SniffRanks::guard(const std::function<int()>& command) {
  int code = 1;
  std::string sentence;
  try {
    code = command();
  } catch (const Stopped&) {
    code = kExitStopped;
    sentence = "stopped; the same command goes on from here";
  } catch (const std::bad_alloc&) {
    sentence = "not enough memory";
  } catch (const std::exception& error) {
    sentence = error.what();
  }
  if (!has_begun_ && !sentence.empty()) {
    try {
      code = code == kExitStopped ? stop() : refuse(sentence);
      sentence.clear();
    } catch (const Stopped&) {  // NOLINT(bugprone-empty-catch): on rank 0, which says so below
    } catch (const Error& error) {
      sentence = error.what();
    }
  }
  if (!sentence.empty()) std::fprintf(stderr, "qkscope: %s\n", sentence.c_str());
  mpi_.transport->leave(all_left_, code);
  return code;
}

int SniffRanks::run(const PreparedRun& run, RunOptions options, bool quiet,
                    const std::function<int(const RunReport&)>& conclude) {
  has_begun_ = true;
  ProgressLine line(kPlainSeconds);
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
  // All would say the same.
  if (!end.sentence.empty() && mpi_.transport->rank() == 1) {
    // This rank may not have heard that documents were begun.
    const std::string next = end.report.must_overwrite
                                 ? "use --resume, or --overwrite if no document was begun"
                                 : continue_text(options, end.report);
    std::fprintf(stderr, "qkscope: %s; %s\n", end.sentence.c_str(), next.c_str());
  }
  return end.exit_code;
}

int SniffRanks::check(const PreparedRun& run, const RunOptions& options,
                      const std::function<int()>& conclude) {
  has_begun_ = true;
  const std::string mpi = fmt::format("{} ({})", mpi_.library.name, mpi_.library.file);
  return check_ranks(run, ranks_options(options), *mpi_.transport,
                     [&](const std::vector<CheckedRank>& ranks) {
                       const int code = conclude();
                       std::fputs(checked_text(ranks, mpi_.launcher.name, mpi).c_str(), stdout);
                       return code;
                     });
}

}  // namespace qk
