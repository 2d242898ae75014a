#include "ranks/every_rank.h"

#include <optional>
#include <system_error>
#include <utility>

#include "base/atomic_file.h"
#include "base/error.h"

namespace qk {

std::vector<RankFacts> hear_ranks(Leader& leader) {
  std::vector<RankFacts> ranks;
  for (const std::string& hello : leader.hellos()) {
    ranks.push_back(parse_rank_facts(hello, static_cast<int>(ranks.size())));
  }
  check_agreement(ranks);
  return ranks;
}

bool ask_every_rank(Leader& leader, StageKind kind, std::string_view body,
                    const std::function<void(CrewResult&&)>& take,
                    const std::function<std::string(int rank)>& text) {
  int next = 0;
  return leader.run_stage({.text = stage_text(kind, body),
                           .next = [&]() -> std::optional<CrewTask> {
                             if (next == leader.num_ranks()) return std::nullopt;
                             const int rank = next++;
                             return CrewTask{
                                 .id = rank, .text = text ? text(rank) : "", .rank = rank};
                           },
                           .take = take});
}

MomentaryFile::MomentaryFile(std::filesystem::path path, const std::string& text)
    : path_(std::move(path)) {
  const std::filesystem::path folder = path_.parent_path();
  std::error_code error;
  made_folder_ = std::filesystem::create_directories(folder, error);
  if (error) fail("{}: {}", folder.string(), error.message());
  write_file(path_, text);
}

MomentaryFile::~MomentaryFile() {
  std::error_code ignored;
  std::filesystem::remove(path_, ignored);
  if (made_folder_) std::filesystem::remove(path_.parent_path(), ignored);
}

}  // namespace qk
