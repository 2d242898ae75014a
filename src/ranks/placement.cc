#include "ranks/placement.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <utility>

namespace qk {
namespace {

// Ranks of one node, and among them those with one mask; in order of rank.
using Neighbours = std::map<std::string, std::vector<size_t>>;

std::string mask_key(const RankRoom& rank) { return rank.node + "\n" + rank.cores; }

std::optional<size_t> number_of(std::string_view text) {
  size_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

std::vector<std::string> split_at_commas(const std::string& text) {
  std::vector<std::string> out;
  size_t begin = 0;
  while (begin <= text.size()) {
    const size_t end = std::min(text.find(',', begin), text.size());
    out.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return out;
}

}  // namespace

std::vector<Placement> place_ranks(std::span<const RankRoom> ranks) {
  Neighbours of_node, of_mask;
  for (size_t i = 0; i < ranks.size(); ++i) {
    of_node[ranks[i].node].push_back(i);
    of_mask[mask_key(ranks[i])].push_back(i);
  }
  std::vector<Placement> out(ranks.size());
  for (const auto& [mask, members] : of_mask) {
    const auto count = static_cast<int>(members.size());
    for (int i = 0; i < count; ++i) {
      const RankRoom& rank = ranks[members[static_cast<size_t>(i)]];
      const int share = rank.num_cores / count + (i < rank.num_cores % count ? 1 : 0);
      out[members[static_cast<size_t>(i)]].num_threads = std::max(1, share);
    }
  }
  for (const auto& [node, members] : of_node) {
    for (const size_t i : members) {
      out[i].memory_bytes = ranks[i].memory_bytes / static_cast<int64_t>(members.size());
    }
  }
  return out;
}

std::vector<std::string> placement_warnings(std::span<const RankRoom> ranks) {
  const std::vector<Placement> placed = place_ranks(ranks);
  std::map<std::string, int> on_node;
  for (const RankRoom& rank : ranks) ++on_node[rank.node];
  int num_narrow = 0;
  const RankRoom* first = nullptr;
  for (size_t i = 0; i < ranks.size(); ++i) {
    const bool is_narrow =
        placed[i].num_threads == 1 && ranks[i].node_cores >= 2 * on_node[ranks[i].node];
    if (!is_narrow) continue;
    if (first == nullptr) first = &ranks[i];
    ++num_narrow;
  }
  if (first == nullptr) return {};
  return {fmt::format(
      "{} computes on one core of {}{}: give srun --cpus-per-task (it does not take that of sbatch), "
      "or mpirun --bind-to none",
      first->host, first->node_cores,
      num_narrow > 1 ? fmt::format(", and so do {} more ranks", num_narrow - 1) : "")};
}

std::string memory_warning(const RankRoom& rank, const Placement& place, int64_t needed) {
  if (place.memory_bytes <= 0 || needed <= place.memory_bytes) return "";
  constexpr double kGigabyte = 1e9;
  return fmt::format(
      "a rank needs about {:.1f} GB beside the weights, and its share of {} is {:.1f} GB: start fewer "
      "ranks on a node, or give each a limit with --ram",
      static_cast<double>(needed) / kGigabyte, rank.host,
      static_cast<double>(place.memory_bytes) / kGigabyte);
}

std::string device_identity(const std::optional<std::string>& visible, std::span<const int> minors,
                            int index) {
  std::optional<size_t> place = static_cast<size_t>(index);
  if (visible && !visible->empty()) {
    const std::vector<std::string> names = split_at_commas(*visible);
    if (*place >= names.size()) return fmt::format("gpu {} of {}", index, *visible);
    const std::string& name = names[*place];
    place = number_of(name);
    if (!place) return name;
  }
  if (*place >= minors.size()) return fmt::format("gpu {}", *place);
  return fmt::format("gpu {}", minors[*place]);
}

}  // namespace qk
