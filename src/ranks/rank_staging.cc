#include "ranks/rank_staging.h"

#include <algorithm>
#include <map>
#include <set>

#include "base/error.h"
#include "base/path_text.h"
#include "base/stopped.h"
#include "capture/stage_weights.h"
#include "model/source_files.h"
#include "ranks/rank_stages.h"
#include "ranks/weight_spread.h"
#include "ranks/wire.h"

namespace qk {
namespace {

constexpr const char* kStagingTask = "staging of rank 0";
constexpr size_t kMostReaders = 4;  // nodes that read from one server at once
constexpr const char* kStagingAnswer = "staging of a rank";

std::string encode_place(const StagePlace& place) {
  WireWriter out;
  out.number(static_cast<uint8_t>(place.mode));
  out.text(place.folder.string());
  out.text(place.reason);
  return out.take();
}

StagePlace decode_place(std::string_view bytes) {
  WireReader in(bytes, kStagingTask);
  StagePlace out;
  const auto mode = in.number<uint8_t>();
  if (mode > static_cast<uint8_t>(StageMode::kFolder)) fail("{}: mode {}", kStagingTask, mode);
  out.mode = static_cast<StageMode>(mode);
  out.folder = std::string(in.text());
  out.reason = in.text();
  in.end();
  return out;
}

int64_t index_of(const std::vector<std::filesystem::path>& files,
                 const std::filesystem::path& path) {
  return std::ranges::find(files, path) - files.begin();
}

// [ranks] which of its node's ranks each one is.
struct Neighbourhood {
  std::vector<int> local_rank, num_local_ranks, first;
};

Neighbourhood neighbourhood_of(std::span<const std::string> nodes) {
  Neighbourhood out;
  for (size_t i = 0; i < nodes.size(); ++i) {
    const auto before = nodes.first(i);
    out.local_rank.push_back(static_cast<int>(std::ranges::count(before, nodes[i])));
    out.num_local_ranks.push_back(static_cast<int>(std::ranges::count(nodes, nodes[i])));
    out.first.push_back(static_cast<int>(std::ranges::find(nodes, nodes[i]) - nodes.begin()));
  }
  return out;
}

std::map<int, StagingTask> first_tasks(const Neighbourhood& where) {
  std::map<int, StagingTask> out;
  for (size_t i = 0; i < where.local_rank.size(); ++i) {
    if (where.local_rank[i] != 0) continue;
    out[static_cast<int>(i)] = {.num_local_ranks = where.num_local_ranks[i]};
  }
  return out;
}

SpreadStage spread_stage(const Neighbourhood& where, const WeightSpread& spread) {
  SpreadStage out;
  for (size_t i = 0; i < where.local_rank.size(); ++i) {
    out.num_local_ranks.push_back(where.local_rank[i] == 0 ? where.num_local_ranks[i] : 0);
  }
  for (const WeightFile& file : spread.files) out.file_bytes.push_back(file.stamp.bytes);
  return out;
}

// The copies of all nodes against the first, which is that of rank 0 if it staged.
void refuse_other_copies(const std::map<int, StagingAnswer>& answers,
                         std::span<const std::string> names, const WeightSpread& spread) {
  const auto name = [&](int rank) { return names[static_cast<size_t>(rank)]; };
  const auto has_copies = [](const auto& entry) { return entry.second.stages; };
  const auto first = std::ranges::find_if(answers, has_copies);
  for (auto other = first; other != answers.end(); ++other) {
    if (!other->second.stages || other->second.digests == first->second.digests) continue;
    fail(
        "{}: its copy of the weights in {} is not that of {}: bytes changed on the way, or on one of "
        "the two nodes (--stage off reads the weights without copies)",
        name(other->first), path_text(spread.files[0].path.parent_path()), name(first->first));
  }
}

// Gives each rank its task. False: the run is to stop.
bool give_tasks(Leader& leader, const std::map<int, StagingTask>& tasks,
                std::map<int, StagingAnswer>& answers) {
  auto next = tasks.begin();
  return leader.run_stage({.text = stage_text(StageKind::kStage),
                           .next = [&]() -> std::optional<CrewTask> {
                             if (next == tasks.end()) return std::nullopt;
                             const auto& [rank, task] = *next++;
                             return CrewTask{.id = rank, .text = encode(task), .rank = rank};
                           },
                           .take =
                               [&](CrewResult&& result) {
                                 answers[static_cast<int>(result.id)] =
                                     decode_staging_answer(result.text);
                               }});
}

}  // namespace

std::string encode(const StagingTask& task) {
  WireWriter out;
  out.number(task.local_rank);
  out.number(task.num_local_ranks);
  out.text(task.place);
  out.text(task.told);
  return out.take();
}

StagingTask decode_staging_task(std::string_view bytes) {
  WireReader in(bytes, kStagingTask);
  StagingTask out;
  out.local_rank = in.number<int32_t>();
  out.num_local_ranks = in.number<int32_t>();
  out.place = in.text();
  out.told = in.text();
  in.end();
  return out;
}

std::string encode(const StagingAnswer& answer) {
  WireWriter out;
  out.text(answer.place);
  out.number(static_cast<uint8_t>(answer.stages));
  out.text(answer.told);
  out.number(answer.bytes);
  out.number(static_cast<uint64_t>(answer.digests.size()));
  for (const auto& [file, digest] : answer.digests) {
    out.number(file);
    out.text(digest);
  }
  out.text(answer.warning);
  return out.take();
}

StagingAnswer decode_staging_answer(std::string_view bytes) {
  WireReader in(bytes, kStagingAnswer);
  StagingAnswer out;
  out.place = in.text();
  out.stages = in.number<uint8_t>() != 0;
  out.told = in.text();
  out.bytes = in.number<int64_t>();
  for (auto left = in.number<uint64_t>(); left > 0; --left) {
    const auto file = in.number<int64_t>();
    out.digests.emplace_back(file, in.text());
  }
  out.warning = in.text();
  in.end();
  return out;
}

StagingAnswer stage_on_node(const RunContext& context, const StagingTask& task,
                            std::optional<StagedFiles>& staged, PieceSource* source) {
  const bool is_first = task.local_rank == 0;
  const StagePlace place =
      is_first ? choose_stage(context.run, context.options, context.memory, task.num_local_ranks)
               : decode_place(task.place);
  StagingAnswer out{
      .place = encode_place(place), .stages = place.stages(), .warning = place.warning};
  if (!out.stages) return out;
  NodeRanks node{.local_rank = task.local_rank, .num_local_ranks = task.num_local_ranks};
  node.tell = [&](const std::string& text) { out.told = text; };
  node.hear = [&] { return task.told; };
  staged = stage_weights(context, place, node, source);
  if (out.warning.empty()) out.warning = staged->warning;
  if (!is_first) return out;
  const std::vector<std::filesystem::path> files = source_files(context.run.model);
  for (const StagedFile& file : staged->files) {
    out.bytes += file.bytes;
    out.digests.emplace_back(index_of(files, file.path), file.sha256);
  }
  return out;
}

std::optional<WeightSpread> choose_spread(const RunContext& context,
                                          std::span<const std::string> nodes,
                                          std::optional<bool> forced,
                                          const FileSystemOf& file_system) {
  const std::set<std::string> different(nodes.begin(), nodes.end());
  std::vector<WeightFile> files = weight_files(context.run.model);
  const auto has_bytes = [](const WeightFile& file) { return file.stamp.bytes > 0; };
  if (different.size() < 2 || std::ranges::none_of(files, has_bytes)) return std::nullopt;
  const auto is_slow = [&](const WeightFile& file) { return file_system(file.path).is_one_server; };
  if (!forced.value_or(different.size() > kMostReaders && std::ranges::any_of(files, is_slow))) {
    return std::nullopt;
  }
  const auto local = static_cast<int>(std::ranges::count(nodes, nodes[0]));
  if (!choose_stage(context.run, context.options, context.memory, local).stages()) {
    return std::nullopt;
  }
  WeightSpread out;
  out.files = files;
  out.source = pieces_of_files(std::move(files));
  out.in_hand = context.options.num_devices() + 1;
  return out;
}

StagedRanks stage_on_nodes(Leader& leader, std::span<const std::string> nodes,
                           std::span<const std::string> names,
                           const std::optional<WeightSpread>& spread) {
  const Neighbourhood where = neighbourhood_of(nodes);
  std::map<int, StagingTask> others;
  std::map<int, StagingAnswer> answers;
  if (spread) {
    if (!send_weights(leader, spread_stage(where, *spread), *spread, answers)) throw Stopped();
    refuse_other_copies(answers, names, *spread);
  } else if (!give_tasks(leader, first_tasks(where), answers)) {
    throw Stopped();
  }
  for (size_t i = 0; i < nodes.size(); ++i) {
    if (where.local_rank[i] == 0) continue;
    const auto first = answers.find(where.first[i]);
    if (first == answers.end() || !first->second.stages) continue;  // none if it was lost
    others[static_cast<int>(i)] = {.local_rank = where.local_rank[i],
                                   .num_local_ranks = where.num_local_ranks[i],
                                   .place = first->second.place,
                                   .told = first->second.told};
  }
  if (!others.empty() && !give_tasks(leader, others, answers)) throw Stopped();
  StagedRanks out;
  for (const auto& [rank, answer] : answers) {
    if (rank == 0) out.place = decode_place(answer.place);
    if (rank == 0) out.bytes = answer.bytes;
    if (spread && rank != 0 && answer.bytes > 0) ++out.num_sent;
    if (!answer.warning.empty()) out.warnings.emplace_back(rank, answer.warning);
    for (const auto& [file, digest] : answer.digests) {
      out.digests.push_back({.rank = rank, .file = file, .sha256 = digest});
    }
  }
  return out;
}

}  // namespace qk
