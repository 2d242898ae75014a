#include "corpus/file_format.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <map>
#include <tuple>

#include "base/error.h"

namespace qk {
namespace {

constexpr size_t kFilesThatVote = 200;

enum class Kind : uint8_t { kParquet, kJson, kText, kUnsupported };
struct Extension {
  std::string_view text;  // with the dot
  Kind kind;
};
// Images, audio and the like hold no documents: such files are ignored.
constexpr std::array<Extension, 14> kExtensions = {{
    {".parquet", Kind::kParquet},
    {".geoparquet", Kind::kParquet},
    {".gpq", Kind::kParquet},
    {".jsonl", Kind::kJson},
    {".json", Kind::kJson},
    {".ndjson", Kind::kJson},
    {".txt", Kind::kText},
    {".csv", Kind::kUnsupported},
    {".tsv", Kind::kUnsupported},
    {".arrow", Kind::kUnsupported},
    {".tar", Kind::kUnsupported},
    {".xml", Kind::kUnsupported},
    {".hdf5", Kind::kUnsupported},
    {".h5", Kind::kUnsupported},
}};
// An archive counts as a data file, but says nothing about what is inside.
constexpr std::string_view kArchive = ".zip";

const Extension* find_extension(std::string_view text) {
  const auto* found =
      std::find_if(kExtensions.begin(), kExtensions.end(),
                   [&](const Extension& extension) { return extension.text == text; });
  return found == kExtensions.end() ? nullptr : found;
}

// ".jsonl" and ".gz" of "a/train.jsonl.gz"; a hidden file's name starts with its first extension.
std::vector<std::string> extensions_of(std::string_view path) {
  const std::string_view name = path.substr(path.rfind('/') + 1);
  std::vector<std::string> extensions;
  for (size_t dot = name.find('.'); dot != std::string_view::npos;) {
    const size_t next = name.find('.', dot + 1);
    extensions.emplace_back(name.substr(dot, next - dot));
    dot = next;
  }
  return extensions;
}

bool has_kind(std::string_view path, Kind kind) {
  const std::vector<std::string> extensions = extensions_of(path);
  return std::any_of(extensions.begin(), extensions.end(), [&](const std::string& text) {
    const Extension* extension = find_extension(text);
    return extension != nullptr && extension->kind == kind;
  });
}

bool may_hold_data(std::string_view path) {
  const std::vector<std::string> extensions = extensions_of(path);
  return std::any_of(extensions.begin(), extensions.end(), [](const std::string& text) {
    return text == kArchive || find_extension(text) != nullptr;
  });
}

// The winner of the vote; its extension is what the message about an unsupported kind names.
std::optional<Extension> elect(const std::vector<std::string>& files) {
  std::map<std::string, size_t> votes;
  for (size_t i = 0; i < std::min(files.size(), kFilesThatVote); ++i) {
    for (const std::string& text : extensions_of(files[i])) ++votes[text];
  }
  std::optional<Extension> winner;
  std::tuple<size_t, bool, bool, bool, bool, std::string_view> best;
  for (const auto& [text, count] : votes) {
    const Extension* extension = find_extension(text);
    Extension candidate{kArchive, Kind::kUnsupported};
    if (extension != nullptr) {
      candidate = *extension;
    } else if (text != kArchive) {
      continue;
    }
    const auto rank = std::make_tuple(count, text == ".parquet", text == ".jsonl", text == ".json",
                                      text == ".csv", candidate.text);
    if (!winner || rank > best) {
      winner = candidate;
      best = rank;
    }
  }
  return winner;
}

FileFormat to_format(Kind kind) {
  QK_CHECK(kind != Kind::kUnsupported);
  return kind == Kind::kParquet ? FileFormat::kParquet
         : kind == Kind::kJson  ? FileFormat::kJson
                                : FileFormat::kText;
}

}  // namespace

std::string_view readable_extensions() { return ".parquet, .jsonl, .json, .ndjson, .txt"; }

std::optional<FileFormat> format_of(std::string_view file_name) {
  const std::vector<std::string> extensions = extensions_of(file_name);
  for (auto text = extensions.rbegin(); text != extensions.rend(); ++text) {
    const Extension* extension = find_extension(*text);
    if (extension != nullptr && extension->kind != Kind::kUnsupported) {
      return to_format(extension->kind);
    }
  }
  return std::nullopt;
}

FileFormat choose_format(const std::string& where, std::vector<SplitFiles>& splits) {
  std::optional<Extension> chosen;
  for (SplitFiles& split : splits) {
    std::erase_if(split.files, [](const std::string& file) { return !may_hold_data(file); });
    const std::optional<Extension> winner = elect(split.files);
    if (!winner) {
      fail("{}: split '{}': expected data files ({}), found none", where, split.split,
           readable_extensions());
    }
    if (winner->kind == Kind::kUnsupported) {
      fail("{}: split '{}': most files are {}: expected one of {}", where, split.split,
           winner->text, readable_extensions());
    }
    if (chosen && chosen->kind != winner->kind) {
      fail("{}: expected the same kind of files in all splits, found {} and {}", where,
           chosen->text, winner->text);
    }
    chosen = winner;
  }
  if (!chosen) fail("{}: expected data files ({}), found none", where, readable_extensions());
  for (SplitFiles& split : splits) {
    std::erase_if(split.files,
                  [&](const std::string& file) { return !has_kind(file, chosen->kind); });
  }
  return to_format(chosen->kind);
}

}  // namespace qk
