#include "corpus/corpus_columns.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <string_view>

#include "base/error.h"
#include "base/path_text.h"
#include "corpus/byte_source.h"
#include "corpus/corpus_files.h"
#include "corpus/json_pieces.h"
#include "corpus/parquet_schema.h"
#include "corpus/split_slice.h"

namespace qk {
namespace {

constexpr int kJsonRows = 20;  // that are looked at
constexpr std::string_view kUsualText = "text";
constexpr std::array<std::string_view, 8> kUsualIds = {
    "id", "_id", "example_id", "doc_id", "document_id", "uuid", "uid", "key"};

// A text file has no id.
std::vector<CorpusColumn> text_columns() {
  return {{.name = std::string(kUsualText), .is_text = true}};
}

void add_json_value(const std::string& key, const nlohmann::ordered_json& value, bool is_first,
                    std::vector<CorpusColumn>& columns) {
  auto column = std::ranges::find(columns, key, &CorpusColumn::name);
  if (column == columns.end()) {
    columns.push_back({.name = key, .is_text = true, .may_be_id = is_first});
    column = columns.end() - 1;
  }
  const bool is_null = value.is_null();
  if (!is_null) column->is_text = column->is_text && value.is_string();
  column->may_be_id = column->may_be_id && (value.is_string() || value.is_number_integer());
  if (value.is_string()) {
    column->mean_bytes +=
        static_cast<double>(value.get_ref<const std::string&>().size()) / kJsonRows;
  }
}

std::vector<CorpusColumn> json_columns(const std::filesystem::path& path) {
  JsonPieces pieces(open_bytes(path), path_text(path));
  std::vector<CorpusColumn> out;
  std::string row;
  for (int i = 0; i < kJsonRows && pieces.next(row); ++i) {
    const auto object = nlohmann::ordered_json::parse(row, nullptr, /*allow_exceptions=*/false);
    if (!object.is_object()) break;  // reading says what is wrong
    for (const auto& [key, value] : object.items()) add_json_value(key, value, i == 0, out);
  }
  return out;
}

}  // namespace

std::vector<CorpusColumn> corpus_columns(const CorpusConfig& config, Resolver& resolver) {
  CorpusConfig first = config;
  first.split = parse_split(config.split).front().split;
  const CorpusFiles files = find_corpus_files(first, resolver);
  const std::filesystem::path path = files.root / files.names.front();
  switch (files.format) {
    case FileFormat::kParquet:
      return parquet_columns(path);
    case FileFormat::kJson:
      return json_columns(path);
    case FileFormat::kText:
      break;
  }
  return text_columns();
}

std::string find_text_column(const std::vector<CorpusColumn>& columns) {
  const CorpusColumn* best = nullptr;
  std::string names;
  for (const CorpusColumn& column : columns) {
    names += (names.empty() ? "" : ", ") + printable(column.name);
    if (!column.is_text) continue;
    if (column.name == kUsualText) return column.name;
    if (best == nullptr || column.mean_bytes > best->mean_bytes) best = &column;
  }
  if (best == nullptr) {
    fail("dataset.text_column: expected a column of strings, found none among {}",
         names.empty() ? "no columns" : names);
  }
  return best->name;
}

std::string find_id_column(const std::vector<CorpusColumn>& columns) {
  for (const std::string_view name : kUsualIds) {
    const auto found = std::ranges::find(columns, name, &CorpusColumn::name);
    if (found != columns.end() && found->may_be_id) return found->name;
  }
  return "";
}

}  // namespace qk
