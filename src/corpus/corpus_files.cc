#include "corpus/corpus_files.h"

#include <algorithm>

#include "base/error.h"
#include "base/home_path.h"
#include "base/list_files.h"
#include "corpus/data_files.h"
#include "corpus/dataset_card.h"
#include "corpus/glob.h"

namespace qk {
namespace {

namespace fs = std::filesystem;

constexpr size_t kShownPath = 300;

std::string show(const fs::path& path) { return printable(path.string(), kShownPath); }

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

std::vector<SplitFiles> card_splits(const fs::path& root, const std::vector<std::string>& listing,
                                    const CardConfig& config) {
  const std::string where = fmt::format("{}: config '{}'", show(root), printable(config.name));
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

void check_default_name(const CorpusConfig& config, const fs::path& where) {
  if (!config.name || config.name->empty() || *config.name == "default") return;
  fail("dataset.name: '{}' is not a config of {}: it has default", printable(*config.name),
       show(where));
}

void check_train(const CorpusConfig& config, const std::string& where) {
  if (config.split == "train") return;
  fail("dataset.split: '{}' is not a split of {}: it has train", printable(config.split), where);
}

// The files of the split that the config asks for.
std::vector<std::string> pick_split(const CorpusConfig& config, const fs::path& root,
                                    std::vector<SplitFiles>& splits) {
  std::string names;
  for (SplitFiles& split : splits) {
    if (split.split == config.split) return std::move(split.files);
    names += (names.empty() ? "" : ", ") + printable(split.split);
  }
  const bool is_slice = config.split.find_first_of("[+") != std::string::npos;
  fail("dataset.split: '{}' is not a split of {}: it has {}{}", printable(config.split), show(root),
       names, is_slice ? " (slices are written name[from:to], sums name+name)" : "");
}

void refuse_saved_dataset(const fs::path& root, const std::vector<std::string>& listing) {
  const bool is_dict = std::ranges::count(listing, "dataset_dict.json") > 0;
  const auto is_state = [&](const std::string& name) {
    return name == "state.json" || (is_dict && name.ends_with("/state.json"));
  };
  if (std::ranges::none_of(listing, is_state)) return;
  fail(
      "dataset.path: {}: was written by save_to_disk, whose Arrow files are not read: write it with "
      "to_parquet or to_json instead",
      show(root));
}

CorpusFiles folder_files(const CorpusConfig& config, const fs::path& root,
                         const std::vector<std::string>& listing) {
  refuse_saved_dataset(root, listing);
  std::vector<SplitFiles> splits;
  const std::vector<CardConfig> configs = read_dataset_card(root);
  const bool named = config.name && !config.name->empty();
  if (configs.empty()) {
    check_default_name(config, root);
    splits = default_splits(listing);
  } else {
    splits = card_splits(root, listing,
                         choose_config(configs, named ? config.name : std::nullopt, root));
  }
  std::erase_if(splits, [](const SplitFiles& split) { return split.files.empty(); });
  if (splits.empty()) {
    fail("dataset.path: {}: expected data files ({}), found none", show(root),
         readable_extensions());
  }
  CorpusFiles out{root, {}, choose_format(root, splits)};
  out.names = pick_split(config, root, splits);
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
  check_default_name(config, path);
  check_train(config, show(path));
  const fs::path parent = path.parent_path();
  return {parent.empty() ? "." : parent, {path.filename().string()}, format_or_fail(path)};
}

CorpusFiles glob_files(const CorpusConfig& config) {
  check_default_name(config, config.path);
  check_train(config, printable(config.path, kShownPath));
  // The folders before the first wildcard are the root, the rest is the pattern.
  const size_t wildcard = config.path.find_first_of("*?[");
  const size_t slash = config.path.substr(0, wildcard).rfind('/');
  const bool bare = slash == std::string::npos;
  const fs::path root = bare ? "." : config.path.substr(0, std::max<size_t>(slash, 1));
  const std::string pattern = bare ? config.path : config.path.substr(slash + 1);
  std::error_code ignored;
  CorpusFiles out{root, {}, FileFormat::kParquet};
  if (fs::is_directory(root, ignored))
    out.names = match_files(list_files(root, DanglingLinks::kList), pattern);
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

CorpusFiles snapshot_files(const CorpusConfig& config, Resolver& resolver) {
  const Snapshot snapshot = resolver.snapshot({"dataset.path", RepoKind::kDataset, config.path});
  const std::vector<std::string> listing = resolver.list_files(snapshot);
  resolver.require_files(snapshot, match_files(listing, "README.md"));
  CorpusFiles out = folder_files(config, snapshot.folder, listing);
  resolver.require_files(snapshot, out.names);
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
    return folder_files(config, path, list_files(path, DanglingLinks::kList));
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
