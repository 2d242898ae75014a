#include "corpus/corpus_files.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <set>
#include <string_view>

#include "base/error.h"
#include "base/home_path.h"
#include "base/list_files.h"
#include "corpus/data_files.h"
#include "corpus/dataset_card.h"
#include "corpus/glob.h"
#include "download/hub_snapshot.h"

namespace qk {
namespace {

namespace fs = std::filesystem;

constexpr size_t kShownPath = 300;
constexpr std::string_view kAllSplits = "all";  // one after the other
constexpr std::string_view kParquetRevision = "refs/convert/parquet";

std::string show(const fs::path& path) { return printable(path.string(), kShownPath); }

// A folder whose files are named, and what messages call it.
struct NamedFolder {
  fs::path path;
  std::string title;  // its path, or of a repository "'org/name' (revision main)"
  bool is_repo = false;
};

// The files below data_dir, with names relative to it.
std::vector<std::string> below(const std::vector<std::string>& listing, const std::string& dir) {
  if (dir.empty()) return listing;
  std::vector<std::string> files;
  for (const std::string& file : listing) {
    if (file.starts_with(dir + "/")) files.push_back(file.substr(dir.size() + 1));
  }
  return files;
}

// A path of the card without "." and doubled slashes. It may not lead out of the folder.
std::string inner_path(const std::string& text, const std::string& where) {
  std::string out;
  for (const std::string& part : path_components(text)) {
    if (part == "..") fail("{}: '{}' leads out of the folder", where, printable(text));
    out += (out.empty() ? "" : "/") + part;
  }
  if (text.starts_with("/") || text.find("://") != std::string::npos) {
    fail("{}: expected a path inside the folder, found '{}'", where, printable(text));
  }
  return out;
}

// The files of one split of a card; where: how errors start.
SplitFiles card_split(const CardSplit& split, const std::vector<std::string>& inside,
                      const std::string& where) {
  SplitFiles found{split.split, {}};
  for (const std::string& pattern : split.patterns) {
    const std::string path = inner_path(pattern, where);
    const std::vector<std::string> files = match_files(inside, path);
    if (files.empty() && !has_wildcards(path)) {
      fail("{}: '{}' is not a file there", where, printable(pattern));
    }
    found.files.insert(found.files.end(), files.begin(), files.end());
  }
  return found;
}

std::vector<SplitFiles> card_splits(const std::string& title,
                                    const std::vector<std::string>& listing,
                                    const CardConfig& config) {
  const std::string where = fmt::format("{}: config '{}'", title, printable(config.name));
  const std::string dir = inner_path(config.data_dir, where + ": data_dir");
  const std::vector<std::string> inside = below(listing, dir);
  std::vector<SplitFiles> splits;
  if (!config.data_files) splits = default_splits(inside);
  for (const CardSplit& split : config.data_files.value_or(std::vector<CardSplit>{})) {
    splits.push_back(card_split(split, inside, where + ": data_files"));
  }
  for (SplitFiles& split : splits) {
    for (std::string& file : split.files) {
      if (!dir.empty()) file.insert(0, dir + "/");
    }
  }
  return splits;
}

void check_default_name(const CorpusConfig& config, const std::string& where) {
  if (!config.name || config.name->empty() || *config.name == "default") return;
  fail("dataset.name: '{}' is not a config of {}: it has default", printable(*config.name), where);
}

void check_train(const CorpusConfig& config, const std::string& where) {
  if (config.split == "train" || config.split == kAllSplits) return;
  fail("dataset.split: '{}' is not a split of {}: it has train", printable(config.split), where);
}

// The files of the split that the config asks for.
std::vector<std::string> pick_split(const CorpusConfig& config, const std::string& where,
                                    std::vector<SplitFiles>& splits) {
  std::string names;
  for (SplitFiles& split : splits) {
    if (split.split == config.split) return std::move(split.files);
    names += (names.empty() ? "" : ", ") + printable(split.split);
  }
  if (config.split == kAllSplits) {
    std::vector<std::string> all;
    for (const SplitFiles& split : splits) {
      all.insert(all.end(), split.files.begin(), split.files.end());
    }
    return all;
  }
  const bool is_slice = config.split.find_first_of("[+") != std::string::npos;
  fail("dataset.split: '{}' is not a split of {}: it has {}{}", printable(config.split), where,
       names, is_slice ? " (slices are written name[from:to], sums name+name)" : "");
}

void refuse_saved_dataset(const std::string& where, const std::vector<std::string>& listing) {
  const bool is_dict = std::ranges::count(listing, "dataset_dict.json") > 0;
  const auto is_state = [&](const std::string& name) {
    return name == "state.json" || (is_dict && name.ends_with("/state.json"));
  };
  if (std::ranges::none_of(listing, is_state)) return;
  fail(
      "dataset.path: {}: was written by save_to_disk, whose Arrow files are not read: write it with "
      "to_parquet or to_json instead",
      where);
}

// The files of a local folder.
std::vector<std::string> list_corpus(const CorpusConfig& config, const fs::path& folder) {
  std::vector<std::string> listing = list_files(folder, DanglingLinks::kList);
  if (config.left_out.empty()) return listing;
  std::set<std::string> names;
  const fs::path root = fs::canonical(folder);
  for (const fs::path& file : config.left_out) {
    names.insert(file.lexically_relative(root).generic_string());
  }
  std::erase_if(listing, [&](const std::string& name) { return names.contains(name); });
  return listing;
}

// The configs of the folder's card, unless that is left out.
std::vector<CardConfig> card_of(const CorpusConfig& config, const NamedFolder& root) {
  std::error_code error;
  const fs::path card = root.is_repo ? fs::path() : fs::canonical(root.path / "README.md", error);
  if (!card.empty() && std::ranges::count(config.left_out, card) > 0) return {};
  return read_dataset_card(root.path, root.is_repo ? root.title : "");
}

CorpusFiles folder_files(const CorpusConfig& config, const NamedFolder& root,
                         const std::vector<std::string>& listing) {
  refuse_saved_dataset(root.title, listing);
  std::vector<SplitFiles> splits;
  const std::vector<CardConfig> configs = card_of(config, root);
  const bool named = config.name && !config.name->empty();
  if (configs.empty()) {
    check_default_name(config, root.title);
    splits = default_splits(listing);
  } else {
    splits = card_splits(root.title, listing,
                         choose_config(configs, named ? config.name : std::nullopt, root.title));
  }
  std::erase_if(splits, [](const SplitFiles& split) { return split.files.empty(); });
  if (splits.empty()) {
    fail("dataset.path: {}: expected data files ({}), found none", root.title,
         readable_extensions());
  }
  CorpusFiles out{root.path, {}, choose_format(root.title, splits)};
  out.names = pick_split(config, root.title, splits);
  return out;
}

// The splits of a configuration on the branch of the Hub's own Parquet files, whose paths are
// C/S/0000.parquet, C/S/0001.parquet, ...
std::vector<SplitFiles> converted_splits(const std::vector<std::string>& listing,
                                         const std::string& config) {
  std::map<std::string, SplitFiles> splits;
  for (const std::string& file : below(listing, config)) {
    const std::string split = file.substr(0, file.find('/'));
    if (split == file || !file.ends_with(".parquet")) continue;
    splits[split].split = split;
    splits[split].files.push_back(fmt::format("{}/{}", config, file));
  }
  std::vector<SplitFiles> out;
  out.reserve(splits.size());
  for (auto& [name, files] : splits) out.push_back(std::move(files));
  return out;
}

// Whether a snapshot is that branch, or one of its commits: no card, and only such paths.
bool is_converted(const CorpusConfig& config, const std::vector<std::string>& listing) {
  if (config.revision == kParquetRevision) return true;
  if (!is_commit(config.revision.value_or(""))) return false;
  const Glob pattern("*/*/[0-9][0-9][0-9][0-9].parquet");
  return std::ranges::all_of(listing, [&](const std::string& file) {
    return file == ".gitattributes" || pattern.matches(file);
  });
}

// A configuration of that branch by its name. `datasets` knows none there: it takes the folders of
// all configurations for one dataset, as we do without a name.
CorpusFiles converted_files(const CorpusConfig& config, const NamedFolder& root,
                            const std::vector<std::string>& listing) {
  std::set<std::string> configs;
  for (const std::string& file : listing) {
    const std::vector<std::string> parts = path_components(file);
    if (parts.size() == 3 && file.ends_with(".parquet")) configs.insert(parts.front());
  }
  if (!configs.contains(*config.name)) {
    fail("dataset.name: '{}' is not a config of {}: it has {}", printable(*config.name), root.title,
         fmt::join(configs, ", "));
  }
  std::vector<SplitFiles> splits = converted_splits(listing, *config.name);
  CorpusFiles out{root.path, {}, FileFormat::kParquet};
  out.names = pick_split(config, root.title, splits);
  return out;
}

FileFormat format_or_fail(const fs::path& path) {
  const std::optional<FileFormat> format = format_of(path.filename().string());
  if (!format) {
    fail("dataset.path: {}: expected a file of one of the kinds {}", show(path),
         readable_extensions());
  }
  return *format;
}

CorpusFiles single_file(const CorpusConfig& config, const fs::path& path) {
  check_default_name(config, show(path));
  check_train(config, show(path));
  const fs::path parent = path.parent_path();
  return {parent.empty() ? "." : parent, {path.filename().string()}, format_or_fail(path)};
}

CorpusFiles glob_files(const CorpusConfig& config) {
  check_default_name(config, printable(config.path, kShownPath));
  check_train(config, printable(config.path, kShownPath));
  // The folders before the first wildcard are the root, the rest is the pattern.
  const size_t wildcard = config.path.find_first_of("*?[");
  const size_t slash = config.path.substr(0, wildcard).rfind('/');
  const bool bare = slash == std::string::npos;
  const fs::path root = bare ? "." : config.path.substr(0, std::max<size_t>(slash, 1));
  const std::string pattern = bare ? config.path : config.path.substr(slash + 1);
  std::error_code ignored;
  CorpusFiles out{root, {}, FileFormat::kParquet};
  if (fs::is_directory(root, ignored)) out.names = match_files(list_corpus(config, root), pattern);
  if (out.names.empty()) {
    fail("dataset.path: no file matches the pattern '{}'", printable(config.path, kShownPath));
  }
  out.format = format_or_fail(root / out.names.front());
  for (const std::string& name : out.names) {
    if (format_or_fail(root / name) != out.format) {
      fail("dataset.path: '{}': expected files of one kind, found {} and {}",
           printable(config.path, kShownPath), printable(out.names.front()), printable(name));
    }
  }
  return out;
}

// A repository of a script, which `datasets` once ran: org/name with a name.py.
void refuse_script(const CorpusConfig& config, const std::vector<std::string>& listing) {
  const std::string script = config.path.substr(config.path.rfind('/') + 1) + ".py";
  if (std::ranges::count(listing, script) == 0) return;
  fail(
      "dataset.path: '{}' is made by the script {}, which is never run: set dataset.revision to "
      "{}, where the Hub keeps Parquet files made from it",
      printable(config.path), printable(script), kParquetRevision);
}

CorpusFiles snapshot_files(const CorpusConfig& config, Resolver& resolver) {
  const Snapshot snapshot = resolver.snapshot(
      {"dataset.path", RepoKind::kDataset, config.path, config.revision.value_or("main")});
  const std::vector<std::string> listing = resolver.list_files(snapshot);
  refuse_script(config, listing);
  std::vector<std::string> cards;
  for (const char* card : kCardFiles) {
    if (std::ranges::count(listing, card) > 0) cards.emplace_back(card);
  }
  resolver.require_files(snapshot, cards);
  const bool named = config.name && !config.name->empty();
  const NamedFolder root = {snapshot.folder, snapshot.name.title(), true};
  CorpusFiles out = named && cards.empty() && is_converted(config, listing)
                        ? converted_files(config, root, listing)
                        : folder_files(config, root, listing);
  resolver.require_files(snapshot, out.names);
  const std::string missing = missing_of_series(snapshot.folder, out.names);
  if (!missing.empty()) {
    fail(
        "dataset.path: '{}' is in the Hub cache, but incomplete ({}): run again without "
        "HF_HUB_OFFLINE",
        printable(config.path), missing);
  }
  return out;
}

}  // namespace

CorpusFiles find_corpus_files(const CorpusConfig& written, Resolver& resolver) {
  CorpusConfig config = written;
  config.path = expand_home(written.path).string();
  const fs::path path = config.path;
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (config.path.empty()) fail("dataset.path: expected a path or a Hub id, found nothing");
  if (fs::is_directory(status))
    return folder_files(config, {path, show(path)}, list_corpus(config, path));
  if (fs::is_regular_file(status)) return single_file(config, path);
  if (fs::exists(status)) fail("dataset.path: {}: neither a file nor a folder", show(path));
  if (error && error != std::errc::no_such_file_or_directory &&
      error != std::errc::not_a_directory) {
    fail("dataset.path: {}: {}", show(path), error.message());
  }
  if (has_wildcards(config.path)) return glob_files(config);
  return snapshot_files(config, resolver);
}

}  // namespace qk
