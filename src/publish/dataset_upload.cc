#include "publish/dataset_upload.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <string_view>
#include <system_error>
#include <utility>

#include "base/atomic_file.h"
#include "base/error.h"
#include "base/path_text.h"
#include "base/stopped.h"
#include "base/utf8.h"
#include "corpus/dataset_card.h"
#include "dataset/card.h"
#include "dataset/dataset_check.h"
#include "dataset/dataset_folder.h"
#include "dataset/document_table.h"
#include "dataset/overwrite.h"
#include "dataset/schema.h"

namespace qk {
namespace {

namespace fs = std::filesystem;

constexpr const char* kCard = "README.md";
constexpr const char* kState = "_saver_state.json";

bool is_file(const fs::path& path) {
  std::error_code error;
  return fs::is_regular_file(path, error);
}

void refuse_unfinished(const fs::path& folder) {
  if (has_journal(folder)) {
    fail(
        "{}: holds the journal of an unfinished run: `qkscope sniff run.yaml --resume` finishes the "
        "dataset, and then it can be published",
        path_text(folder));
  }
}

DatasetInfo checked_dataset(const fs::path& folder, ThreadPool& pool,
                            const std::atomic<bool>* stop) {
  DatasetCheck check = check_dataset(folder, pool, stop);
  const std::vector<DatasetProblem>& problems = check.info.problems;
  if (!problems.empty()) {
    fail("{}: is not whole, and so it is not published: {} {}{}", path_text(folder),
         path_text(problems.front().file), problems.front().what,
         problems.size() > 1
             ? fmt::format(" (and {} more: see `qkscope check`)", problems.size() - 1)
             : "");
  }
  return std::move(check.info);
}

std::string name_of_head(const HeadInfo& head) {
  return config_name(head.head.layer, head.head.head, head.head.kind);
}

// Only cards of other programs may lack `configs:`.
void refuse_card_of_ours(const DatasetInfo& info) {
  if (std::ranges::none_of(info.heads, &HeadInfo::is_ours)) return;
  fail(
      "{}: has no `configs:`, without which load_dataset() cannot find the heads on the Hub: "
      "`qkscope sniff` wrote them, and they were taken out",
      (info.folder / kCard).string());
}

// Of `configs:`: each head is there, and its literal paths are files of the folder.
void check_configs(const DatasetInfo& info, DatasetUpload& out) {
  const std::vector<CardConfig> configs = read_dataset_card(info.folder);
  if (configs.empty()) {
    refuse_card_of_ours(info);
    out.warnings.push_back(fmt::format(
        "{}: has no `configs:`, so load_dataset(repo, \"{}\") will not find the heads; readers name "
        "the files (data_files=\"{}/*.parquet\")",
        (info.folder / kCard).string(), name_of_head(info.heads.front()),
        name_of_head(info.heads.front())));
    return;
  }
  std::set<std::string> named;
  for (const CardConfig& config : configs) {
    named.insert(config.name);
    if (!config.data_files) continue;
    for (const CardSplit& split : *config.data_files) {
      for (const std::string& pattern : split.patterns) {
        const bool is_literal = pattern.find_first_of("*?[{") == std::string::npos;
        if (!is_literal || is_file(info.folder / config.data_dir / pattern)) continue;
        fail("{}: its config {} names {}, which is not there", (info.folder / kCard).string(),
             config.name, pattern);
      }
    }
  }
  for (const HeadInfo& head : info.heads) {
    if (named.contains(name_of_head(head))) continue;
    fail("{}: its `configs:` leave out {}, which load_dataset() could not find on the Hub",
         (info.folder / kCard).string(), name_of_head(head));
  }
}

// Paths in the repository, with the files.
std::map<std::string, fs::path> files_of(const DatasetInfo& info) {
  std::map<std::string, fs::path> out;
  for (const HeadInfo& head : info.heads) {
    for (const fs::path& file : head.files) {
      const std::string path = name_of_head(head) + "/" + file.filename().string();
      if (first_invalid_utf8(path)) {
        fail("{}: its name is not UTF-8, which the Hub does not take", path_text(file));
      }
      out[path] = file;
    }
  }
  for (const std::string& name :
       {std::string(kDocumentTable), std::string(kCard), std::string(kState)}) {
    const bool is_foreign = name == kDocumentTable && !info.documents;
    if (is_file(info.folder / name) && !is_foreign) out[name] = info.folder / name;
  }
  return out;
}

std::vector<std::string> entries_beside(const fs::path& folder,
                                        const std::map<std::string, fs::path>& files) {
  std::set<std::string> known;
  for (const auto& [path, file] : files) known.insert(path.substr(0, path.find('/')));
  std::vector<std::string> out;
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    const std::string name = it->path().filename().string();
    if (!name.starts_with('.') && !known.contains(name)) out.push_back(name);
  }
  std::sort(out.begin(), out.end());
  return out;
}

void describe_files(const std::map<std::string, fs::path>& files, ThreadPool& pool,
                    const std::atomic<bool>* stop, DatasetUpload& out) {
  const std::vector<std::pair<std::string, fs::path>> list(files.begin(), files.end());
  out.files.resize(list.size());
  pool.parallel_for(std::ssize(list), [&](int64_t index, int) {
    refuse_stopped(stop);
    const auto at = static_cast<size_t>(index);
    out.files[at] = describe_file(list[at].first, list[at].second);
  });
  for (const UploadFile& file : out.files) out.bytes += file.size;
}

// The dataset may have been changed since it was checked.
void compare_with_card(const CardFacts& facts, const DatasetUpload& upload) {
  std::map<std::string, std::string> said;
  for (const FileSummary& file : facts.files) said[file.config + "/data.parquet"] = file.sha256;
  if (facts.documents) said[std::string(kDocumentTable)] = facts.documents->sha256;
  for (const UploadFile& file : upload.files) {
    const auto found = said.find(file.path);
    if (found == said.end() || found->second == file.sha256) continue;
    fail("{}: was changed while it was being published", file.source.string());
  }
}

}  // namespace

CardTarget read_card_target(const fs::path& folder) {
  refuse_unfinished(folder);
  const DatasetFolder listing = list_dataset_folder(folder);
  if (listing.heads.empty()) {
    fail("{}: holds no dataset{}", path_text(folder), no_heads_text(folder, listing));
  }
  if (!is_file(folder / kCard)) {
    fail(
        "{}: has no README.md, so it is not a finished dataset, and load_dataset() could not find its "
        "heads on the Hub",
        path_text(folder));
  }
  const std::string card = read_file(folder / kCard, kMostCardBytes);
  return {card_value(card, "dataset_repo"), card_value(card, "dataset_branch")};
}

DatasetUpload describe_dataset(const fs::path& folder, ThreadPool& pool,
                               const std::atomic<bool>* stop) {
  read_card_target(folder);
  const DatasetInfo info = checked_dataset(folder, pool, stop);
  DatasetUpload out;
  out.folder = folder;
  check_configs(info, out);
  const std::map<std::string, fs::path> files = files_of(info);
  describe_files(files, pool, stop, out);
  out.left_out = entries_beside(folder, files);
  const std::string card = read_file(folder / kCard, kMostCardBytes);
  compare_with_card(read_card(card), out);
  out.num_heads = std::ssize(info.heads);
  out.model = card_value(card, "model");
  if (out.model.empty()) out.model = info.model;
  return out;
}

}  // namespace qk
