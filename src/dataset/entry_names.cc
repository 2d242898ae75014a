#include "dataset/entry_names.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <regex>
#include <span>
#include <utility>

namespace qk {
namespace {

constexpr std::string_view kSeparators = "_-. =";

using Names = std::span<const std::string_view>;

constexpr std::string_view kParquetSuffixes[] = {".parquet", ".parq", ".pq"};

constexpr std::string_view kSidecars[] = {
    "thumbs.db",   "ehthumbs.db",     "ehthumbs_vista.db",
    "desktop.ini", "icon\r",          "@eadir",
    "@tmp",        "#recycle",        "#snapshot",
    "__macosx",    "lost+found",      "$recycle.bin",
    "__pycache__", "_success",        "system volume information",
    "_metadata",   "_common_metadata"};
constexpr std::string_view kSidecarPrefixes[] = {".", "~$", "_committed_", "_started_"};
constexpr std::string_view kSidecarSuffixes[] = {"~",    ".swp", ".swo",     ".crc",
                                                 ".lnk", ".url", "_$folder$"};

constexpr std::string_view kDataSuffixes[] = {
    ".arrow", ".arrows",      ".feather",  ".ipc",      ".csv",        ".tsv",        ".json",
    ".jsonl", ".ndjson",      ".npy",      ".npz",      ".pt",         ".pth",        ".pkl",
    ".bin",   ".pickle",      ".h5",       ".hdf5",     ".orc",        ".avro",       ".db",
    ".lance", ".safetensors", ".sqlite",   ".duckdb",   ".msgpack",    ".mat",        ".zip",
    ".tar",   ".tgz",         ".gz",       ".zst",      ".bz2",        ".xz",         ".lz4",
    ".br",    ".snappy",      ".7z",       ".rar",      ".zarr",       ".tfrecord",   ".tmp",
    ".part",  ".partial",     ".filepart", ".download", ".crdownload", ".incomplete", ".bak"};
// Of datasets.save_to_disk and the Hub.
constexpr std::string_view kDescriptions[] = {"dataset_info.json", "dataset_infos.json",
                                              "dataset_dict.json", "state.json"};

constexpr std::pair<std::string_view, std::string_view> kLakes[] = {
    {"_delta_log", "a Delta Lake table"},
    {".hoodie", "a Hudi table"},
    {"_versions", "a Lance table"},
    {"_orc_acid_version", "a Hive ACID table"}};

std::string lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return out;
}

bool ends_in(const std::string& name, Names suffixes) {
  return std::ranges::any_of(suffixes, [&](auto suffix) { return name.ends_with(suffix); });
}

bool is_one_of(const std::string& name, Names names) {
  return std::ranges::find(names, name) != names.end();
}

// Takes one of the words, and the separators behind it, off the front; false if there is none.
bool take_word(std::string_view& text, Names words) {
  for (const std::string_view word : words) {
    if (!text.starts_with(word)) continue;
    text.remove_prefix(word.size());
    text.remove_prefix(std::min(text.find_first_not_of(kSeparators), text.size()));
    return true;
  }
  return false;
}

// Takes a number, and the separators behind it, off the front; empty if there is none. One that is
// too large for a head counts as 0.
std::optional<int> take_leading_number(std::string_view& text) {
  const size_t end = std::min(text.find_first_not_of("0123456789"), text.size());
  if (end == 0) return {};
  int value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  text.remove_prefix(end);
  text.remove_prefix(std::min(text.find_first_not_of(kSeparators), text.size()));
  return value;
}

bool starts_with_letter(std::string_view text) {
  return !text.empty() && text.front() >= 'a' && text.front() <= 'z';
}

// The kind of head that the text begins with: 'q', 'k', or 0 for neither.
char kind_of(std::string_view text) {
  static constexpr std::pair<std::string_view, char> kWords[] = {
      {"query", 'q'}, {"queries", 'q'}, {"q", 'q'}, {"keys", 'k'}, {"key", 'k'}, {"k", 'k'}};
  for (const auto& [word, kind] : kWords) {
    if (text.starts_with(word) && !starts_with_letter(text.substr(word.size()))) return kind;
  }
  return 0;
}

}  // namespace

bool is_parquet_name(std::string_view name) { return ends_in(lower(name), kParquetSuffixes); }

bool is_sidecar_name(std::string_view name) {
  const std::string text = lower(name);
  return is_one_of(text, kSidecars) || ends_in(text, kSidecarSuffixes) ||
         std::ranges::any_of(kSidecarPrefixes,
                             [&](auto prefix) { return text.starts_with(prefix); });
}

std::string copied_name(const std::string& name) {
  static const std::regex pattern(
      R"((Copy of )?(.*?)( - Copy( \(\d+\))?| copy( \d+)?| \(copy\)| \(\d+\)|)"
      R"( \([^()]*conflicted copy[^()]*\)|\.sync-conflict-[^.]*)?(\.[^.]*))");
  std::smatch parts;
  if (!std::regex_match(name, parts, pattern)) return "";
  if (!parts[1].matched && !parts[3].matched) return "";
  return parts[2].str() + parts[6].str();
}

bool is_data_name(std::string_view name) {
  const std::string text = lower(name);
  if (is_one_of(text, kDescriptions)) return false;
  return ends_in(text, kDataSuffixes) || text.find(".parquet.") != std::string::npos;
}

std::optional<std::string> head_name_like(std::string_view name) {
  static constexpr std::string_view kLayer[] = {"layer", "l"};
  static constexpr std::string_view kHead[] = {"head", "h"};
  const std::string text = lower(name);
  std::string_view rest = text;
  if (!take_word(rest, kLayer)) return {};
  const std::optional<int> layer = take_leading_number(rest);
  if (!layer || !take_word(rest, kHead)) return {};
  const std::optional<int> head = take_leading_number(rest);
  const char kind = kind_of(rest);
  if (!head || kind == 0) return {};
  return fmt::format("l{:02}h{:02}{}", *layer, *head, kind);
}

std::string_view lake_table_of(std::string_view entry) {
  if (entry.starts_with("ducklake-") && is_parquet_name(entry)) return "a DuckLake table";
  for (const auto& [mark, table] : kLakes) {
    if (entry == mark) return table;
  }
  return {};
}

}  // namespace qk
