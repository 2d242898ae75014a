#include "heads/head_catalog.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <system_error>
#include <tuple>

#include "base/error.h"
#include "base/path_text.h"
#include "dataset/dataset_folder.h"
#include "dataset/overwrite.h"
#include "heads/head_survey.h"

namespace qk {
namespace {

namespace fs = std::filesystem;

using Heads = std::set<ConfigName>;

std::string name_of(const ConfigName& head) {
  return config_name(head.layer, head.head, head.kind);
}

// False of a folder that cannot be read, or is a table of a lake format.
bool holds_heads(const fs::path& folder) {
  try {
    return !list_dataset_folder(folder).heads.empty();
  } catch (const Error&) {
    return false;
  }
}

// The folders below the root that hold heads, in name order.
std::vector<fs::path> folders_with_heads(const DatasetFolder& root) {
  std::vector<fs::path> out;
  for (const DatasetProblem& entry : root.unread) {
    std::error_code error;
    if (fs::is_directory(entry.file, error) && holds_heads(entry.file)) out.push_back(entry.file);
  }
  return out;
}

[[noreturn]] void refuse_several_models(const std::string& where, const std::string& first,
                                        const std::string& second) {
  fail("model_dir: {} holds the heads of several models, {} and {} among them: choose one", where,
       printable(first), printable(second));
}

void warn_of_missing_folder(const fs::path& root, const std::string& model_dir, HeadCatalog& out) {
  out.warnings.push_back(fmt::format("model_dir: {} has no folder {}: its own heads are read",
                                     root.string(), printable(model_dir)));
}

// Decides out.folder and lists it. Throws Error if no folder holds heads.
DatasetFolder find_heads(const fs::path& root, const std::string& model_dir, HeadCatalog& out) {
  DatasetFolder listing = list_dataset_folder(root);
  out.folder = root;
  std::error_code error;
  const bool has_model_dir = !model_dir.empty() && fs::is_directory(root / model_dir, error);
  if (has_model_dir) {
    out.folder = root / model_dir;
  } else if (model_dir.empty() && listing.heads.empty()) {
    const std::vector<fs::path> candidates = folders_with_heads(listing);
    if (candidates.size() > 1) {
      refuse_several_models(root.string(), candidates[0].filename().string(),
                            candidates[1].filename().string());
    }
    if (!candidates.empty()) out.folder = candidates.front();
  }
  if (out.folder != root) listing = list_dataset_folder(out.folder);
  const bool is_missing = !model_dir.empty() && !has_model_dir;
  if (listing.heads.empty()) {
    fail("{}: holds no heads{}{}", out.folder.string(),
         is_missing ? fmt::format(", and no folder {}", printable(model_dir)) : "",
         no_heads_text(out.folder, listing));
  }
  if (is_missing) warn_of_missing_folder(root, model_dir, out);
  return listing;
}

// find_heads() of a repository, by the names of its files. `folder` is then where the heads lie, below the
// root.
DatasetFolder find_repo_heads(const DatasetRepo& repo, std::string model_dir, std::string& folder,
                              HeadCatalog& out) {
  while (model_dir.ends_with('/')) model_dir.pop_back();
  const bool is_missing = !model_dir.empty() && !repo.has_folder(model_dir);
  if (!is_missing) folder = model_dir;
  DatasetFolder listing = repo.list(folder);
  if (model_dir.empty() && listing.heads.empty()) {
    const std::vector<std::string> candidates = repo.folders_with_heads();
    const std::string& id = repo.snapshot().name.text;
    if (candidates.size() > 1) refuse_several_models(printable(id), candidates[0], candidates[1]);
    if (!candidates.empty()) folder = candidates.front();
    if (!candidates.empty()) listing = repo.list(folder);
  }
  const fs::path& root = repo.snapshot().folder;
  out.folder = folder.empty() ? root : root / folder;
  if (listing.heads.empty()) {
    fail("{}: '{}' (revision {}) holds no heads: it has no folder like l00h00q{}",
         repo.snapshot().name.key, printable(repo.snapshot().name.text),
         printable(repo.snapshot().name.revision),
         is_missing ? fmt::format(", and no folder {}", printable(model_dir)) : "");
  }
  if (is_missing) warn_of_missing_folder(root, model_dir, out);
  return listing;
}

// The recorded number, which the configuration must not contradict; with compat: reference the
// configured number.
std::optional<int64_t> agreed(const char* key, const std::optional<int64_t>& recorded,
                              const std::optional<int64_t>& configured, bool compat_reference) {
  if (compat_reference && configured) return configured;
  if (recorded && configured && *recorded != *configured) {
    fail("{}: expected {}, as the dataset records, found {}", key, *recorded, *configured);
  }
  return recorded ? recorded : configured;
}

std::set<int64_t> numbers_of(const Heads& heads, Kind kind) {
  std::set<int64_t> out;
  for (const ConfigName& head : heads) {
    if (head.kind == kind) out.insert(head.head);
  }
  return out;
}

// One more than the highest number, if every number below occurs somewhere.
int64_t count_of(const Heads& heads, Kind kind, const fs::path& folder) {
  const bool is_query = kind == Kind::kQuery;
  const std::set<int64_t> numbers = numbers_of(heads, kind);
  if (numbers.empty()) fail("{}: holds no {}", folder.string(), is_query ? "queries" : "keys");
  const int64_t count = *numbers.rbegin() + 1;
  if (static_cast<int64_t>(numbers.size()) == count) return count;
  fail("{}: must be given: {} does not record it, and not all of the first {} heads were captured",
       is_query ? "num_q_heads" : "num_k_heads", folder.string(), count);
}

void count_heads(const Heads& heads, const DatasetRecord& record, const HeadCounts& configured,
                 bool compat_reference, HeadCatalog& out) {
  int64_t layers = 0;
  for (const ConfigName& head : heads) layers = std::max<int64_t>(layers, head.layer + 1);
  const auto count = [&](const char* key, const auto& recorded, const auto& given) {
    return agreed(key, recorded, given, compat_reference);
  };
  out.num_layers = count("num_layers", record.num_layers, configured.num_layers).value_or(layers);
  const auto q = count("num_q_heads", record.num_q_heads, configured.num_q_heads);
  const auto k = count("num_k_heads", record.num_k_heads, configured.num_k_heads);
  out.is_counted = !q || !k;
  out.num_q_heads = q ? *q : count_of(heads, Kind::kQuery, out.folder);
  out.num_k_heads = k ? *k : count_of(heads, Kind::kKey, out.folder);
  if (out.num_q_heads % out.num_k_heads != 0) {
    fail("num_q_heads: expected a multiple of num_k_heads ({}), found {}", out.num_k_heads,
         out.num_q_heads);
  }
}

bool is_in_grid(const ConfigName& head, const HeadCatalog& catalog) {
  const bool is_query = head.kind == Kind::kQuery;
  return head.layer < catalog.num_layers &&
         head.head < (is_query ? catalog.num_q_heads : catalog.num_k_heads);
}

// Refuses folders of heads and layers that the model does not have.
void check_numbers(const Heads& heads, const HeadCatalog& catalog) {
  for (const ConfigName& head : heads) {
    if (is_in_grid(head, catalog)) continue;
    const bool is_query = head.kind == Kind::kQuery;
    const int64_t count = is_query ? catalog.num_q_heads : catalog.num_k_heads;
    const char* key = is_query ? "num_q_heads" : "num_k_heads";
    if (head.head >= count) {
      fail("{}: found {}, though {} is {}", catalog.folder.string(), name_of(head), key, count);
    }
    fail("{}: found {}, though num_layers is {}", catalog.folder.string(), name_of(head),
         catalog.num_layers);
  }
}

// "l00h00q", or "l00h00q and 3 more heads".
std::string first_of(const std::vector<ConfigName>& heads) {
  std::string first = name_of(heads.front());
  if (heads.size() == 1) return first;
  return fmt::format("{} and {} more head{}", first, heads.size() - 1,
                     heads.size() == 2 ? "" : "s");
}

// Leaves the heads outside the configured grid out, as the original does.
void cut_to_grid(Heads& heads, const DatasetRecord& record, HeadCatalog& out) {
  std::vector<ConfigName> outside;
  for (const ConfigName& head : heads) {
    if (!is_in_grid(head, out)) outside.push_back(head);
  }
  for (const ConfigName& head : outside) heads.erase(head);
  if (!outside.empty()) {
    out.warnings.push_back(fmt::format(
        "{}: {} outside the grid of {} layers, {} query heads and {} key heads {} left out",
        out.folder.string(), first_of(outside), out.num_layers, out.num_q_heads, out.num_k_heads,
        outside.size() == 1 ? "is" : "are"));
  }
  if (!record.num_q_heads || !record.num_k_heads) return;
  const int64_t configured = out.num_q_heads / out.num_k_heads;
  const int64_t recorded = *record.num_q_heads / *record.num_k_heads;
  if (configured == recorded) return;
  out.warnings.push_back(fmt::format(
      "num_q_heads and num_k_heads: {} query heads share a key head as configured, {} as "
      "the dataset records: queries are measured against keys of other heads",
      configured, recorded));
}

// The heads of the grid without a file. Throws Error if the grid is larger than any model's.
void find_missing(const Heads& heads, HeadCatalog& out) {
  constexpr int64_t kMostHeads = 1'000'000;
  if (out.num_layers > kMostHeads / out.num_q_heads) {
    fail("num_layers and num_q_heads: expected at most {} heads, found {} layers of {}", kMostHeads,
         out.num_layers, out.num_q_heads);
  }
  const int64_t group_size = out.num_q_heads / out.num_k_heads;
  for (int64_t layer = 0; layer < out.num_layers; ++layer) {
    for (int64_t q_head = 0; q_head < out.num_q_heads; ++q_head) {
      const HeadId id{layer, q_head, q_head / group_size};
      const ConfigName query{static_cast<int>(layer), static_cast<int>(q_head), Kind::kQuery};
      const ConfigName keys{static_cast<int>(layer), static_cast<int>(id.k_head), Kind::kKey};
      if (heads.contains(query) && heads.contains(keys)) continue;
      const std::string name = name_of(heads.contains(query) ? keys : query);
      out.missing.emplace_back(id, out.folder / name / "data.parquet");
    }
  }
}

void make_groups(const Heads& heads, HeadCatalog& out) {
  const int64_t group_size = out.num_q_heads / out.num_k_heads;
  for (const ConfigName& head : heads) {
    if (head.kind != Kind::kQuery) continue;
    const int64_t k_head = head.head / group_size;
    if (!heads.contains({head.layer, static_cast<int>(k_head), Kind::kKey})) {
      out.without_keys.push_back(head);
      continue;
    }
    const bool is_new = out.groups.empty() || out.groups.back().layer != head.layer ||
                        out.groups.back().k_head != k_head;
    if (is_new) out.groups.push_back({head.layer, k_head, {}});
    out.groups.back().q_heads.push_back(head.head);
    ++out.num_heads;
  }
  out.num_not_captured =
      out.num_layers * out.num_q_heads - out.num_heads - std::ssize(out.without_keys);
}

// The heads that are read, by layer and group, the keys first.
std::vector<ConfigName> used_heads(const HeadCatalog& catalog) {
  std::vector<ConfigName> out;
  for (const HeadGroup& group : catalog.groups) {
    const int layer = static_cast<int>(group.layer);
    out.push_back({layer, static_cast<int>(group.k_head), Kind::kKey});
    for (const int64_t q_head : group.q_heads) {
      out.push_back({layer, static_cast<int>(q_head), Kind::kQuery});
    }
  }
  return out;
}

void warn_of_unread(const std::vector<DatasetProblem>& unread, HeadCatalog& out) {
  constexpr size_t kMostNamed = 8;
  for (size_t i = 0; i < std::min(unread.size(), kMostNamed); ++i) {
    out.warnings.push_back(
        fmt::format("{}: {}", printable(unread[i].file.string(), 400), unread[i].what));
  }
  if (unread.size() <= kMostNamed) return;
  out.warnings.push_back(fmt::format("{}: {} more files or folders are not read",
                                     out.folder.string(), unread.size() - kMostNamed));
}

// What the survey found about the heads that are read.
void take_survey(HeadSurvey& survey, std::vector<DatasetProblem> unread, HeadCatalog& out) {
  std::vector<ConfigName> unrecorded;
  std::string renamed;
  for (const ConfigName& head : used_heads(out)) {
    const auto other_name = survey.renamed.find(head);
    if (renamed.empty() && other_name != survey.renamed.end()) renamed = other_name->second;
    if (survey.unrecorded.contains(head)) unrecorded.push_back(head);
    const auto it = survey.unread.find(head);
    if (it != survey.unread.end()) {
      unread.insert(unread.end(), it->second.begin(), it->second.end());
    }
  }
  warn_of_unread(unread, out);
  if (!renamed.empty()) out.warnings.push_back(renamed + "; the model's files are the same");
  out.contradictions = std::move(survey.contradictions);
  if (unrecorded.empty()) return;
  out.warnings.push_back(fmt::format(
      "{}: {} {} no footer of Qkscope, others have: whether all vectors are of one model, "
      "and all before or all after RoPE, is not known",
      out.folder.string(), first_of(unrecorded), unrecorded.size() == 1 ? "has" : "have"));
}

// Counts of heads and layers, and who shares whose keys.
void arrange(Heads& heads, const DatasetRecord& record, const HeadCounts& configured,
             bool compat_reference, HeadCatalog& out) {
  count_heads(heads, record, configured, compat_reference, out);
  const bool has_grid = configured.num_layers && configured.num_q_heads && configured.num_k_heads;
  if (compat_reference) {
    cut_to_grid(heads, record, out);
    if (has_grid) find_missing(heads, out);
  } else {
    check_numbers(heads, out);
  }
  make_groups(heads, out);
}

// Brings the heads that are measured, which the record of the first one decides. Returns them, or all
// if none is.
std::vector<ConfigName> bring_measured(DatasetRepo& repo, const std::string& folder,
                                       const std::vector<ConfigName>& heads,
                                       const HeadCounts& configured, bool compat_reference,
                                       ThreadPool& pool, HeadCatalog trial) {
  repo.bring_beside(folder);
  repo.bring_heads(folder, {heads.front()});
  const HeadSurvey survey = survey_heads(trial.folder, {heads.front()}, compat_reference, pool);
  const bool is_counted = !survey.record.num_q_heads && !configured.num_q_heads;
  if (is_counted) {
    repo.bring_heads(folder, heads);
    return heads;
  }
  Heads arranged(heads.begin(), heads.end());
  arrange(arranged, survey.record, configured, compat_reference, trial);
  std::vector<ConfigName> measured = used_heads(trial);
  if (measured.empty()) return {heads.front()};
  repo.bring_heads(folder, measured);
  return measured;
}

}  // namespace

HeadCatalog read_catalog(const fs::path& root, const std::string& model_dir,
                         const HeadCounts& configured, bool compat_reference, ThreadPool& pool,
                         DatasetRepo* repo) {
  HeadCatalog out;
  std::string folder;  // below the root of the repository
  DatasetFolder listing = repo != nullptr ? find_repo_heads(*repo, model_dir, folder, out)
                                          : find_heads(root, model_dir, out);
  Heads heads(listing.heads.begin(), listing.heads.end());
  std::vector<ConfigName> surveyed = listing.heads;
  if (repo != nullptr) {
    const Snapshot& snapshot = repo->snapshot();
    out.origin = {snapshot.name.text, snapshot.name.revision, snapshot.commit()};
    surveyed =
        bring_measured(*repo, folder, listing.heads, configured, compat_reference, pool, out);
  }
  HeadSurvey survey = survey_heads(out.folder, surveyed, compat_reference, pool);
  out.is_unfinished = has_journal(out.folder);
  out.model = survey.record.model;
  out.ranges = survey.record.ranges;
  out.rope = survey.record.rope;
  if (!compat_reference && out.rope.is_odd) {
    out.warnings.push_back(out.rope.fault + ": there is no table of RoPE pairs");
  }
  out.vector = survey.record.vector;
  out.corpus = survey.record.corpus;
  out.capture = survey.record.capture;
  out.has_pre_rope = survey.has_pre_rope;
  arrange(heads, survey.record, configured, compat_reference, out);
  if (repo != nullptr) repo->bring_heads(folder, used_heads(out));
  take_survey(survey, std::move(listing.unread), out);
  if (out.num_heads == 0 && out.missing.empty()) {
    fail("{}: no query head has the keys of its group in the dataset", out.folder.string());
  }
  return out;
}

}  // namespace qk
