#include "ranks/rank_agreement.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <thread>

#include "base/atomic_file.h"
#include "base/error.h"
#include "capture/run_clock.h"

namespace qk {
namespace {

// One probe for each device of a rank.
std::vector<std::string> parts_of(const std::string& probe) {
  std::vector<std::string> out;
  size_t begin = 0;
  while (begin <= probe.size()) {
    const size_t end = std::min(probe.find('/', begin), probe.size());
    out.push_back(probe.substr(begin, end - begin));
    begin = end + 1;
  }
  return out;
}

// That most devices gave; of several the one of the lowest rank.
std::string usual_probe(std::span<const std::optional<std::string>> probes) {
  std::map<std::string, int> votes;
  std::string usual;
  for (const std::optional<std::string>& probe : probes) {
    if (!probe) continue;
    for (const std::string& part : parts_of(*probe)) {
      ++votes[part];
      if (usual.empty()) usual = part;
    }
  }
  for (const auto& [probe, count] : votes) {
    if (count > votes[usual]) usual = probe;
  }
  return usual;
}

bool is_usual(const std::string& probe, const std::string& usual) {
  return std::ranges::all_of(parts_of(probe),
                             [&](const std::string& part) { return part == usual; });
}

}  // namespace

void check_folder(std::span<const RankFacts> ranks, std::span<const std::optional<bool>> sees,
                  const std::string& folder) {
  for (size_t i = 0; i < ranks.size(); ++i) {
    if (sees[i] && !*sees[i]) fail_unseen(ranks[i], i, ranks[0], folder);
  }
}

void check_probes(std::span<const RankFacts> ranks,
                  std::span<const std::optional<std::string>> probes) {
  const std::string usual = usual_probe(probes);
  std::optional<size_t> witness;
  for (size_t i = 0; i < ranks.size() && !witness; ++i) {
    if (probes[i] && is_usual(*probes[i], usual)) witness = i;
  }
  for (size_t i = 0; i < ranks.size(); ++i) {
    if (!probes[i] || is_usual(*probes[i], usual)) continue;
    fail("{} computes other values than {}: broken hardware?", rank_name(ranks[i], i),
         witness ? rank_name(ranks[*witness], *witness) : "itself on another device");
  }
}

std::vector<DigestTask> digest_tasks(std::span<const RankFacts> ranks,
                                     const std::set<int>& left_out, int64_t num_files,
                                     std::span<const RankDigest> known,
                                     const std::set<int>& apart) {
  const auto node = [&](int rank) -> const std::string& {
    return ranks[static_cast<size_t>(rank)].room.node;
  };
  const auto is_known = [&](int64_t file, int rank) {
    return std::ranges::any_of(known, [&](const RankDigest& digest) {
      if (digest.file != file) return false;
      if (rank < 0 || digest.rank == rank) return true;
      return !apart.contains(rank) && node(digest.rank) == node(rank);
    });
  };
  std::set<std::string> copies, readers;
  std::vector<int> first_readers;
  for (size_t i = 0; i < ranks.size(); ++i) {
    std::string copy;
    for (const WeightFacts& file : ranks[i].weights) copy += file.stamp + "\n";
    copies.insert(copy);
    const int rank = static_cast<int>(i);
    if (left_out.contains(rank) || !readers.insert(ranks[i].room.node + "\n" + copy).second)
      continue;
    first_readers.push_back(rank);
  }
  if (copies.size() == 1) first_readers = {-1};
  std::vector<DigestTask> out;
  for (int64_t file = 0; file < num_files; ++file) {
    for (const int rank : first_readers) {
      if (!is_known(file, rank)) out.push_back({.file = file, .rank = rank});
    }
  }
  return out;
}

std::map<int64_t, std::string> agreed_digests(std::span<const RankFacts> ranks,
                                              std::span<const RankDigest> digests,
                                              std::span<const std::filesystem::path> files) {
  std::map<int64_t, std::map<size_t, std::string>> of_file;
  for (const RankDigest& digest : digests) {
    of_file[digest.file][static_cast<size_t>(digest.rank)] = digest.sha256;
  }
  std::map<int64_t, std::string> out;
  for (const auto& [file, of_rank] : of_file) {
    const auto& [first, expected] = *of_rank.begin();
    for (const auto& [rank, digest] : of_rank) {
      if (digest == expected) continue;
      fail("{} reads another {} than {}: its SHA-256 is {} there and {} here",
           rank_name(ranks[rank], rank), files[static_cast<size_t>(file)].filename().string(),
           rank_name(ranks[first], first), digest, expected);
    }
    out[file] = expected;
  }
  return out;
}

void fail_unseen(const RankFacts& rank, size_t index, const RankFacts& first,
                 const std::string& folder) {
  fail("{} does not see what {} wrote: is {} the same folder on both?", rank_name(rank, index),
       rank_name(first, 0), folder);
}

// Another node may see a new file late: its folder's listing and attributes are cached.
bool sees_token(const std::filesystem::path& file, const AgreeStage& stage) {
  constexpr auto kLook = std::chrono::milliseconds(100);
  const RunClock clock;
  while (true) {
    try {
      if (read_file(file) == stage.token) return true;
    } catch (const Error&) {  // NOLINT(bugprone-empty-catch): it is not there yet
    }
    if (clock.seconds() > stage.wait_seconds) return false;
    std::this_thread::sleep_for(kLook);
  }
}

std::vector<RankRoom> rooms_of(std::span<const RankFacts> ranks) {
  std::vector<RankRoom> out;
  for (const RankFacts& rank : ranks) out.push_back(rank.room);
  return out;
}

}  // namespace qk
