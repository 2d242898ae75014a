// What rank 0 does with all ranks, in a run as in a check before it.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "cluster/crew.h"
#include "ranks/rank_facts.h"
#include "ranks/rank_stages.h"

namespace qk {

// [ranks] What they said of themselves. Throws Error as check_agreement does; Stopped.
std::vector<RankFacts> hear_ranks(Leader& leader);

// A stage with one task for each rank, whose number it has; text: of the task, may be empty. False:
// the run is to stop.
bool ask_every_rank(Leader& leader, StageKind kind, std::string_view body,
                    const std::function<void(CrewResult&&)>& take,
                    const std::function<std::string(int rank)>& text = {});

// A small file that other nodes are to see. It is gone when the object is, and so is its folder if
// it was not there. Throws Error if it cannot be written.
class MomentaryFile {
 public:
  MomentaryFile(std::filesystem::path path, const std::string& text);
  MomentaryFile(const MomentaryFile&) = delete;
  MomentaryFile& operator=(const MomentaryFile&) = delete;
  ~MomentaryFile();

 private:
  std::filesystem::path path_;
  bool made_folder_ = false;
};

}  // namespace qk
