#include "ranks/check_ranks.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <optional>
#include <set>
#include <system_error>

#include "base/error.h"
#include "base/stopped.h"
#include "capture/run_clock.h"
#include "dataset/run_owner.h"
#include "model/source_files.h"
#include "ranks/every_rank.h"
#include "ranks/rank_agreement.h"
#include "ranks/rank_stages.h"
#include "ranks/wire.h"

namespace qk {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kMostRead = int64_t{256} << 20;  // bytes
constexpr size_t kReadPiece = size_t{16} << 20;

std::optional<fs::path> largest_file(const std::vector<fs::path>& files) {
  std::optional<fs::path> largest;
  uintmax_t most = 0;
  for (const fs::path& file : files) {
    std::error_code error;
    const uintmax_t bytes = fs::file_size(file, error);
    if (error || bytes <= most) continue;
    most = bytes;
    largest = file;
  }
  return largest;
}

double read_rate(const fs::path& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return 0;
  ::posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
  std::vector<char> buffer(kReadPiece);
  int64_t bytes = 0;
  const RunClock clock;
  while (bytes < kMostRead) {
    const ssize_t count = ::read(fd, buffer.data(), buffer.size());
    if (count <= 0) break;
    bytes += count;
  }
  const double seconds = clock.seconds();
  ::close(fd);
  return seconds > 0 ? static_cast<double>(bytes) / seconds : 0;
}

// One rank of each node.
std::set<int> readers_of(const std::vector<CheckedRank>& ranks) {
  std::set<std::string> nodes;
  std::set<int> out;
  for (size_t i = 0; i < ranks.size(); ++i) {
    if (nodes.insert(ranks[i].facts.room.node).second) out.insert(static_cast<int>(i));
  }
  return out;
}

void answer_check(const PreparedRun& run, std::string_view body, Worker& worker) {
  const AgreeStage stage = decode_agree_stage(body);
  while (const std::optional<CrewTask> task = worker.next_task(/*wait=*/true)) {
    WireWriter out;
    const fs::path file = fs::path(run.config.output.data_root) / stage.token_file;
    out.number(static_cast<uint8_t>(sees_token(file, stage)));
    const std::optional<fs::path> weights = largest_file(source_files(run.model));
    out.number(task->text == "read" && weights ? read_rate(*weights) : 0.0);
    worker.send_result(*task, out.take());
  }
}

// num_threads: of each rank, as the user gave it, or 0.
std::vector<CheckedRank> hear(Leader& leader, int num_threads) {
  std::vector<RankFacts> facts = hear_ranks(leader);
  std::vector<Placement> placed = place_ranks(rooms_of(facts));
  for (Placement& place : placed) {
    if (num_threads > 0) place.num_threads = num_threads;
  }
  std::vector<CheckedRank> out;
  out.reserve(facts.size());
  for (size_t i = 0; i < facts.size(); ++i) {
    out.push_back({.facts = std::move(facts[i]), .placement = placed[i]});
  }
  return out;
}

std::vector<CheckedRank> lead_check(const PreparedRun& run, const RanksOptions& options,
                                    Leader& leader) {
  std::vector<CheckedRank> ranks = hear(leader, options.run.num_threads);
  const std::string token = start_token();
  const std::string& folder = run.config.output.data_root;
  const AgreeStage stage{.token_file = ".qkscope-check." + token,
                         .token = token,
                         .wait_seconds = options.see_seconds,
                         .threads = {}};
  const MomentaryFile file(fs::path(folder) / stage.token_file, token);
  const std::set<int> readers = readers_of(ranks);
  const bool is_done = ask_every_rank(
      leader, StageKind::kAgree, encode(stage),
      [&](CrewResult&& result) {
        WireReader in(result.text, "answer of a rank");
        CheckedRank& rank = ranks[static_cast<size_t>(result.id)];
        rank.sees_folder = in.number<uint8_t>() != 0;
        rank.bytes_per_second = in.number<double>();
      },
      [&](int rank) { return readers.contains(rank) ? "read" : ""; });
  if (!is_done) throw Stopped();
  for (size_t i = 0; i < ranks.size(); ++i) {
    const std::optional<bool> sees = ranks[i].sees_folder;
    if (!sees) fail("{}: was lost while the ranks were checked", rank_name(ranks[i].facts, i));
    if (!*sees) fail_unseen(ranks[i].facts, i, ranks[0].facts, folder);
  }
  return ranks;
}

std::string rank_line(const CheckedRank& rank, size_t index) {
  const RankFacts& facts = rank.facts;
  std::string out =
      fmt::format("  {:<5} {:<16} {:<28} {:>4} of {:<4} {:>7.0f} GB", index, facts.room.host,
                  facts.device, rank.placement.num_threads, facts.room.node_cores,
                  static_cast<double>(rank.placement.memory_bytes) * 1e-9);
  if (rank.bytes_per_second > 0)
    out += fmt::format("  {:>7.0f} MB/s", rank.bytes_per_second * 1e-6);
  return out + "\n";
}

}  // namespace

int check_ranks(const PreparedRun& run, const RanksOptions& options, Transport& transport,
                const std::function<int(const std::vector<CheckedRank>&)>& conclude) {
  const RankFacts facts = facts_here(run, options.run);
  CrewSides sides;
  sides.hello = to_json(facts);
  sides.host = facts.room.host;
  sides.warn = options.run.warn;
  sides.left = options.left;
  sides.work = [&](Worker& worker) {
    while (const std::optional<Worker::Begin> stage = worker.next_stage()) {
      std::string_view body;
      stage_kind(stage->text, body);
      answer_check(run, body, worker);
    }
  };
  if (transport.rank() == 0) {
    sides.lead = [&](Leader& leader) { return conclude(lead_check(run, options, leader)); };
  }
  return run_crew(transport, sides, options.times).exit_code;
}

std::string checked_text(const std::vector<CheckedRank>& ranks, const std::string& launcher,
                         const std::string& mpi) {
  std::vector<RankFacts> facts;
  std::set<std::string> nodes;
  for (const CheckedRank& rank : ranks) {
    facts.push_back(rank.facts);
    nodes.insert(rank.facts.room.node);
  }
  std::string out = fmt::format(
      "ranks     {} on {} node{}, by {}, over {}; they see one output folder\n"
      "  rank  node             device                       threads      memory  reads weights\n",
      ranks.size(), nodes.size(), nodes.size() == 1 ? "" : "s", launcher, mpi);
  for (size_t i = 0; i < ranks.size(); ++i) out += rank_line(ranks[i], i);
  for (const std::string& sentence : placement_warnings(rooms_of(facts))) {
    out += "WARNING: " + sentence + "\n";
  }
  return out;
}

}  // namespace qk
