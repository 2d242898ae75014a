// Whether the ranks see one output folder, and compute the same values.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "ranks/rank_facts.h"
#include "ranks/rank_stages.h"

namespace qk {

// Throws Error, one sentence: a rank does not see what rank 0 wrote into `folder`.
//   sees  [ranks] none: the rank was lost
void check_folder(std::span<const RankFacts> ranks, std::span<const std::optional<bool>> sees,
                  const std::string& folder);

// Throws Error, one sentence: a rank computes other values than most do.
//   probes  [ranks] as probe() gives them; none: the rank was lost
void check_probes(std::span<const RankFacts> ranks,
                  std::span<const std::optional<std::string>> probes);

// A file whose digest is to be made, by this rank; -1: by any.
struct DigestTask {
  int64_t file = 0;  // of source_files()
  int rank = -1;
};

// The digests that are missing. Where all ranks read one file, it is read once; else once by each
// node, and by each rank of it that has files of its own. What the first rank of a node has staged
// and digested serves the whole node.
//   left_out  ranks that take no part
//   apart     ranks that read the files themselves, whatever their node has staged
std::vector<DigestTask> digest_tasks(std::span<const RankFacts> ranks,
                                     const std::set<int>& left_out, int64_t num_files,
                                     std::span<const RankDigest> known,
                                     const std::set<int>& apart = {});

// One digest for each file that has any. Throws Error, one sentence: two ranks have different ones.
//   files  source_files()
std::map<int64_t, std::string> agreed_digests(std::span<const RankFacts> ranks,
                                              std::span<const RankDigest> digests,
                                              std::span<const std::filesystem::path> files);

// Throws that Error about the folder.
[[noreturn]] void fail_unseen(const RankFacts& rank, size_t index, const RankFacts& first,
                              const std::string& folder);

// On a rank: waits until the file has the stage's token. False: it does not come.
bool sees_token(const std::filesystem::path& file, const AgreeStage& stage);

std::vector<RankRoom> rooms_of(std::span<const RankFacts> ranks);

}  // namespace qk
