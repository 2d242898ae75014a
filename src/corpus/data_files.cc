#include "corpus/data_files.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <set>

#include "base/error.h"
#include "corpus/glob.h"

namespace qk {
namespace {

constexpr std::string_view kShardDigits = "[0-9][0-9][0-9][0-9][0-9]";

struct SplitKeywords {
  std::string_view split;
  std::array<std::string_view, 4> words;  // empty at the end
};
constexpr std::array<SplitKeywords, 3> kSplitKeywords = {{
    {"train", {"train", "training"}},
    {"validation", {"validation", "valid", "dev", "val"}},
    {"test", {"test", "testing", "eval", "evaluation"}},
}};
constexpr std::array<std::string_view, 6> kIgnoredNames = {
    "README.md",          "config.json",    "dataset_info.json",
    "dataset_infos.json", "dummy_data.zip", "dataset_dict.json"};
// {k} is the keyword, {s} a separator.
constexpr std::array<std::string_view, 4> kFolderPatterns = {"**/{k}/**", "**/{k}{s}*/**",
                                                             "**/*{s}{k}/**", "**/*{s}{k}{s}*/**"};
constexpr std::array<std::string_view, 2> kFilePatterns = {"**/{k}{s}*", "**/*{s}{k}{s}*"};
constexpr std::string_view kSeparator = "[-._ 0-9]";

std::string_view base_name(std::string_view path) { return path.substr(path.rfind('/') + 1); }

size_t count_hidden(const std::vector<std::string>& parts) {
  return std::count_if(parts.begin(), parts.end(), [](const std::string& part) {
    return part.front() == '.' && part.find_first_not_of('.') != std::string::npos;
  });
}

size_t count_special_folders(const std::vector<std::string>& parts) {
  return parts.empty() ? 0
                       : std::count_if(parts.begin(), parts.end() - 1, [](const std::string& part) {
                           return part.starts_with("__");
                         });
}

std::string replace_all(std::string text, std::string_view from, std::string_view to) {
  for (size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size())) {
    text.replace(at, from.size(), to);
  }
  return text;
}

std::string shard_pattern(std::string_view split) {
  return fmt::format("data/{}-{}-of-{}*.*", split, kShardDigits, kShardDigits);
}

// "train" of "train-00000-of-00002.parquet": what stands before the last such ending.
std::string shard_split(std::string_view name) {
  constexpr size_t kEnding = std::string_view("-00000-of-00000").size();
  const auto is_digits = [](std::string_view text) {
    return std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
  };
  for (size_t at = name.size(); at-- > 1;) {
    if (name.size() - at < kEnding || name[at] != '-') continue;
    const std::string_view ending = name.substr(at, kEnding);
    if (ending.substr(6, 4) == "-of-" && is_digits(ending.substr(1, 5)) &&
        is_digits(ending.substr(10))) {
      return std::string(name.substr(0, at));
    }
  }
  return "";
}

std::vector<SplitFiles> sharded_splits(const std::vector<std::string>& listing) {
  std::set<std::string> names;
  for (const std::string& file : match_files(listing, shard_pattern("*"))) {
    names.insert(shard_split(base_name(file)));
  }
  std::vector<std::string> order;
  for (const SplitKeywords& known : kSplitKeywords) {
    if (names.erase(std::string(known.split)) != 0) order.emplace_back(known.split);
  }
  order.insert(order.end(), names.begin(), names.end());
  std::vector<SplitFiles> splits;
  for (const std::string& split : order) {
    if (!is_split_name(split)) {
      fail("data/{}-NNNNN-of-NNNNN: expected a split name of letters, digits and '_', found '{}'",
           printable(split), printable(split));
    }
    splits.push_back({split, match_files(listing, shard_pattern(split))});
  }
  return splits;
}

template <size_t N>
std::vector<SplitFiles> keyword_splits(const std::vector<std::string>& listing,
                                       const std::array<std::string_view, N>& patterns) {
  std::vector<SplitFiles> splits;
  for (const SplitKeywords& known : kSplitKeywords) {
    SplitFiles found{std::string(known.split), {}};
    for (const std::string_view word : known.words) {
      for (const std::string_view pattern : patterns) {
        if (word.empty()) break;
        const std::string full =
            replace_all(replace_all(std::string(pattern), "{k}", word), "{s}", kSeparator);
        const std::vector<std::string> files = match_files(listing, full);
        found.files.insert(found.files.end(), files.begin(), files.end());
      }
    }
    if (!found.files.empty()) splits.push_back(std::move(found));
  }
  return splits;
}

}  // namespace

std::vector<std::string> match_files(const std::vector<std::string>& listing,
                                     std::string_view pattern) {
  const Glob glob(pattern);
  const std::vector<std::string> pattern_parts = path_components(pattern);
  const size_t hidden = count_hidden(pattern_parts);
  const size_t special = count_special_folders(pattern_parts);
  std::vector<std::string> files;
  for (const std::string& file : listing) {
    const std::string_view name = base_name(file);
    const bool ignored =
        name != base_name(pattern) &&
        std::find(kIgnoredNames.begin(), kIgnoredNames.end(), name) != kIgnoredNames.end();
    if (ignored || !glob.matches(file)) continue;
    const std::vector<std::string> parts = path_components(file);
    if (count_hidden(parts) == hidden && count_special_folders(parts) == special) {
      files.push_back(file);
    }
  }
  return files;
}

std::vector<SplitFiles> default_splits(const std::vector<std::string>& listing) {
  std::vector<SplitFiles> splits = sharded_splits(listing);
  if (splits.empty()) splits = keyword_splits(listing, kFolderPatterns);
  if (splits.empty()) splits = keyword_splits(listing, kFilePatterns);
  if (splits.empty()) {
    std::vector<std::string> files = match_files(listing, "**");
    if (!files.empty()) splits.push_back({"train", std::move(files)});
  }
  return splits;
}

bool is_split_name(std::string_view name) {
  bool word = false;  // the last character belongs to a part
  for (const char c : name) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '.' && !word) return false;
    word = c != '.';
    if (word && byte < 0x80 && std::isalnum(byte) == 0 && c != '_') return false;
  }
  return word;
}

}  // namespace qk
