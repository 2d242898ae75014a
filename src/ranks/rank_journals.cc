#include "ranks/rank_journals.h"

#include <set>

#include "dataset/journal_files.h"

namespace qk {

std::vector<JournalReader> open_indexed(const std::filesystem::path& folder,
                                        std::span<const WriteStage::Journal> journals,
                                        double wait_seconds) {
  const std::filesystem::path path = journal_path(folder).parent_path();
  std::vector<JournalReader> out;
  for (const WriteStage::Journal& journal : journals) {
    out.emplace_back(path / journal.name, journal.index, wait_seconds);
  }
  return out;
}

std::vector<uint8_t> writing_ranks(std::span<const std::string> nodes) {
  constexpr size_t kMostNodes = 16;
  std::set<std::string> chosen;
  std::vector<uint8_t> out;
  for (const std::string& node : nodes) {
    if (chosen.size() < kMostNodes) chosen.insert(node);
    out.push_back(chosen.contains(node) ? 1 : 0);
  }
  return out;
}

}  // namespace qk
