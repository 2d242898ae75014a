// Reads the tables of a card again.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "dataset/card.h"
#include "dataset/document_table.h"
#include "dataset/schema.h"

namespace qk {
namespace {

// Takes the next line off `text`.
std::string_view next_line(std::string_view& text) {
  const size_t end = std::min(text.find('\n'), text.size());
  std::string_view line = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

// "| a | b |" -> a, b
std::vector<std::string_view> cells(std::string_view line) {
  std::vector<std::string_view> out;
  line.remove_prefix(1);
  while (!line.empty()) {
    const size_t end = std::min(line.find('|'), line.size());
    std::string_view cell = line.substr(0, end);
    line.remove_prefix(std::min(end + 1, line.size()));
    while (cell.starts_with(' ')) cell.remove_prefix(1);
    while (cell.ends_with(' ')) cell.remove_suffix(1);
    out.push_back(cell);
  }
  return out;
}

template <typename T>
bool parse(std::string_view text, T& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size();
}

bool is_config(std::string_view name, Kind kind) {
  const auto file = parse_config_name(name);
  return file && file->kind == kind;
}

// Rows, bytes and digest of a table's row of four cells.
bool take_numbers(const std::vector<std::string_view>& row, FileSummary& file) {
  file.sha256 = row[3];
  return file.sha256.size() == 64 && parse(row[1], file.rows) && parse(row[2], file.bytes);
}

bool take_file(const std::vector<std::string_view>& row, CardFacts& facts) {
  constexpr std::string_view kName = "/data.parquet";
  if (row.size() != 4 || !row[0].ends_with(kName)) return false;
  FileSummary file;
  file.config = row[0].substr(0, row[0].size() - kName.size());
  if (!parse_config_name(file.config) || !take_numbers(row, file)) return false;
  facts.files.push_back(std::move(file));
  return true;
}

// Of the section Documents; its rows without a file are counts for people.
bool take_documents(const std::vector<std::string_view>& row, CardFacts& facts) {
  if (row[0] != kDocumentTable) return true;
  FileSummary file;
  if (row.size() != 4 || !take_numbers(row, file)) return false;
  facts.documents = std::move(file);
  return true;
}

bool take_canary(const std::vector<std::string_view>& row, CardFacts& facts) {
  if (row.size() != 5) return false;
  RowPair pair{.query_config = std::string(row[0]), .key_config = std::string(row[2])};
  if (!is_config(row[0], Kind::kQuery) || !is_config(row[2], Kind::kKey)) return false;
  if (!parse(row[1], pair.query_row) || !parse(row[3], pair.key_row)) return false;
  if (!parse(row[4], pair.dot) || pair.query_row < 0 || pair.key_row < 0) return false;
  facts.canaries.push_back(std::move(pair));
  return true;
}

// "b0=12, b1=3", without the numbers if it says something else.
void take_bucket_counts(std::string_view text, CardFacts& facts) {
  while (!text.empty()) {
    std::string_view item = text.substr(0, text.find(','));
    text.remove_prefix(std::min(item.size() + 1, text.size()));
    while (item.starts_with(' ')) item.remove_prefix(1);
    const size_t equal = item.find('=');
    int32_t bucket = 0;
    int64_t count = 0;
    if (!item.starts_with('b') || equal == std::string_view::npos) return;
    if (!parse(item.substr(1, equal - 1), bucket) || !parse(item.substr(equal + 1), count)) return;
    facts.bucket_counts[bucket] = count;
  }
}

// - `key`: `value`
void take_value(std::string_view line, CardFacts& facts) {
  const auto value = [&](std::string_view key) -> std::string_view {
    const std::string begin = "- `" + std::string(key) + "`: `";
    if (!line.starts_with(begin) || !line.ends_with('`') || line.size() <= begin.size()) return {};
    return line.substr(begin.size(), line.size() - begin.size() - 1);
  };
  int64_t number = 0;
  if (parse(value("captured_rows"), number)) facts.captured_rows = number;
  if (parse(value("captured_configs"), number)) facts.captured_configs = number;
  constexpr std::string_view kPlain = "- `bucket_counts`: ";  // as in the original's cards
  if (line.starts_with(kPlain) && !line.ends_with('`')) {
    take_bucket_counts(line.substr(kPlain.size()), facts);
  }
  take_bucket_counts(value("bucket_counts"), facts);
}

}  // namespace

CardFacts read_card(std::string_view text) {
  CardFacts facts;
  std::string_view section;
  while (!text.empty()) {
    const std::string_view line = next_line(text);
    if (line.starts_with("## ")) {
      section = line.substr(3);
    } else if (line.starts_with("- `")) {
      take_value(line, facts);
    }
    const bool is_table = section == "Files" || section == "Canaries" || section == "Documents";
    if (!is_table || !line.starts_with("| ") || line.starts_with("| --")) continue;
    const std::vector<std::string_view> row = cells(line);
    if (row[0] == "file" || row[0] == "query") continue;
    const bool taken = section == "Files"       ? take_file(row, facts)
                       : section == "Documents" ? take_documents(row, facts)
                                                : take_canary(row, facts);
    facts.damaged = facts.damaged || !taken;
  }
  return facts;
}

std::string card_value(std::string_view text, std::string_view key) {
  const std::string item = fmt::format("- `{}`: `", key);
  while (!text.empty()) {
    std::string_view line = next_line(text);
    if (!line.starts_with(item)) continue;
    line.remove_prefix(item.size());
    return std::string(line.substr(0, line.find('`')));
  }
  return "";
}

std::set<std::string> listed_configs(std::string_view card) {
  constexpr std::string_view kKey = "- config_name:";
  std::set<std::string> names;
  if (!card.starts_with("---\n")) return names;
  card.remove_prefix(4);
  while (!card.empty() && !card.starts_with("---")) {
    std::string_view line = next_line(card);
    if (!line.starts_with(kKey)) continue;
    line.remove_prefix(kKey.size());
    const size_t first = line.find_first_not_of(" \"'");
    const size_t last = line.find_last_not_of(" \"'");
    if (first != std::string_view::npos) names.emplace(line.substr(first, last + 1 - first));
  }
  return names;
}

bool is_dataset_card(std::string_view text) {
  const auto is_head = [](const std::string& name) { return parse_config_name(name).has_value(); };
  if (std::ranges::any_of(listed_configs(text), is_head)) return true;
  const CardFacts facts = read_card(text);
  return facts.captured_rows || facts.captured_configs || !facts.bucket_counts.empty();
}

}  // namespace qk
