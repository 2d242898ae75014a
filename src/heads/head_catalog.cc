#include "heads/head_catalog.h"

#include <algorithm>
#include <set>
#include <system_error>
#include <tuple>

#include "base/error.h"
#include "base/path_text.h"
#include "dataset/head_rows.h"
#include "dataset/overwrite.h"
#include "dataset/schema.h"
#include "heads/dataset_record.h"

namespace qk {
namespace {

namespace fs = std::filesystem;

std::vector<fs::path> subfolders(const fs::path& folder) {
  std::vector<fs::path> out;
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    std::error_code ignored;
    if (it->is_directory(ignored)) out.push_back(it->path());
  }
  if (error) fail("{}: cannot be read: {}", path_text(folder), error.message());
  std::sort(out.begin(), out.end());
  return out;
}

std::set<ConfigName> heads_in(const fs::path& folder) {
  std::set<ConfigName> out;
  for (const fs::path& path : subfolders(folder)) {
    if (const auto head = parse_config_name(path.filename().string())) out.insert(*head);
  }
  return out;
}

fs::path folder_with_heads(const fs::path& root, const std::string& model_dir) {
  std::error_code error;
  if (!model_dir.empty() && fs::is_directory(root / model_dir, error)) {
    return root / model_dir;
  }
  if (!model_dir.empty() || !heads_in(root).empty()) return root;
  std::vector<fs::path> candidates;
  for (const fs::path& path : subfolders(root)) {
    if (!heads_in(path).empty()) candidates.push_back(path);
  }
  if (candidates.size() > 1) {
    fail("model_dir: {} holds the heads of several models, {} and {} among them: choose one",
         root.string(), printable(candidates[0].filename().string()),
         printable(candidates[1].filename().string()));
  }
  return candidates.empty() ? root : candidates.front();
}

// The record of the first head whose file can be opened.
DatasetRecord record_of(const fs::path& folder, const std::set<ConfigName>& heads) {
  for (const ConfigName& head : heads) {
    try {
      const auto files = list_parquet_files(folder / config_name(head.layer, head.head, head.kind));
      if (!files.empty()) return parse_record(HeadRowReader(files).footer());
    } catch (const Error&) {
      continue;  // reported when the head itself is read
    }
  }
  return {};
}

// The recorded number, which the configuration must not contradict.
std::optional<int64_t> agreed(const char* key, const std::optional<int64_t>& recorded,
                              const std::optional<int64_t>& configured) {
  if (recorded && configured && *recorded != *configured) {
    fail("{}: expected {}, as the dataset records, found {}", key, *recorded, *configured);
  }
  return recorded ? recorded : configured;
}

// One more than the highest number, if every number below occurs somewhere.
int64_t count_of(const std::set<int64_t>& numbers, const char* key, const fs::path& folder) {
  const int64_t count = *numbers.rbegin() + 1;
  if (static_cast<int64_t>(numbers.size()) == count) return count;
  fail("{}: must be given: {} does not record it, and not all of the first {} heads were captured",
       key, folder.string(), count);
}

std::set<int64_t> numbers_of(const std::set<ConfigName>& heads, Kind kind) {
  std::set<int64_t> out;
  for (const ConfigName& head : heads) {
    if (head.kind == kind) out.insert(head.head);
  }
  return out;
}

void count_heads(const std::set<ConfigName>& heads, const DatasetRecord& record,
                 const HeadCounts& configured, bool compat_reference, HeadCatalog& out) {
  int64_t layers = 0;
  for (const ConfigName& head : heads) layers = std::max<int64_t>(layers, head.layer + 1);
  // The original silently accepts fewer layers than there are.
  const bool few_layers = compat_reference && configured.num_layers && record.num_layers &&
                          *configured.num_layers < *record.num_layers;
  const auto recorded_layers = few_layers ? configured.num_layers : record.num_layers;
  out.num_layers = agreed("num_layers", recorded_layers, configured.num_layers).value_or(layers);
  const auto q = agreed("num_q_heads", record.num_q_heads, configured.num_q_heads);
  const auto k = agreed("num_k_heads", record.num_k_heads, configured.num_k_heads);
  const std::set<int64_t> queries = numbers_of(heads, Kind::kQuery);
  const std::set<int64_t> keys = numbers_of(heads, Kind::kKey);
  if (queries.empty() || keys.empty()) {
    fail("{}: holds no {}", out.folder.string(), queries.empty() ? "queries" : "keys");
  }
  out.is_counted = !q || !k;
  out.num_q_heads = q ? *q : count_of(queries, "num_q_heads", out.folder);
  out.num_k_heads = k ? *k : count_of(keys, "num_k_heads", out.folder);
  if (out.num_q_heads % out.num_k_heads != 0) {
    fail("num_q_heads: expected a multiple of num_k_heads ({}), found {}", out.num_k_heads,
         out.num_q_heads);
  }
}

// Refuses folders of heads and layers that the model does not have.
void check_numbers(const std::set<ConfigName>& heads, bool reference, const HeadCatalog& catalog) {
  for (const ConfigName& head : heads) {
    const bool is_query = head.kind == Kind::kQuery;
    const int64_t count = is_query ? catalog.num_q_heads : catalog.num_k_heads;
    const std::string name = config_name(head.layer, head.head, head.kind);
    if (head.head >= count) {
      fail("{}: found {}, though {} is {}", catalog.folder.string(), name,
           is_query ? "num_q_heads" : "num_k_heads", count);
    }
    if (head.layer >= catalog.num_layers && !reference) {
      fail("{}: found {}, though num_layers is {}", catalog.folder.string(), name,
           catalog.num_layers);
    }
  }
}

}  // namespace

HeadCatalog read_catalog(const fs::path& root, const std::string& model_dir,
                         const HeadCounts& configured, bool compat_reference) {
  HeadCatalog out;
  out.folder = folder_with_heads(root, model_dir);
  const std::set<ConfigName> heads = heads_in(out.folder);
  if (heads.empty()) {
    const bool is_missing = !model_dir.empty() && out.folder == root;
    fail("{}: holds no heads: it has no folder like l00h00q{}", out.folder.string(),
         is_missing ? ", and there is no folder " + printable(model_dir) : "");
  }
  const DatasetRecord record = record_of(out.folder, heads);
  std::error_code error;
  out.is_unfinished = fs::exists(journal_path(out.folder), error);
  out.model = record.model;
  out.ranges = record.ranges;
  count_heads(heads, record, configured, compat_reference, out);
  check_numbers(heads, compat_reference, out);
  const int64_t group_size = out.num_q_heads / out.num_k_heads;
  for (const ConfigName& head : heads) {
    if (head.kind != Kind::kQuery || head.layer >= out.num_layers) continue;
    const int64_t k_head = head.head / group_size;
    if (!heads.contains({head.layer, static_cast<int>(k_head), Kind::kKey})) {
      ++out.num_without_keys;
      continue;
    }
    const bool is_new = out.groups.empty() || out.groups.back().layer != head.layer ||
                        out.groups.back().k_head != k_head;
    if (is_new) out.groups.push_back({head.layer, k_head, {}});
    out.groups.back().q_heads.push_back(head.head);
    ++out.num_heads;
  }
  out.num_not_captured = out.num_layers * out.num_q_heads - out.num_heads - out.num_without_keys;
  if (out.num_heads == 0) {
    fail("{}: no query head has the keys of its group in the dataset", out.folder.string());
  }
  return out;
}

}  // namespace qk
