#include "page/token_texts.h"

#include <arrow/array.h>
#include <arrow/table.h>
#include <fmt/format.h>
#include <parquet/arrow/reader.h>
#include <parquet/properties.h>

#include <array>
#include <exception>
#include <map>
#include <memory>
#include <unordered_map>
#include <utility>

#include "base/error.h"
#include "base/path_text.h"
#include "base/readable_file.h"
#include "dataset/dataset_folder.h"
#include "dataset/document_table.h"

namespace qk {
namespace {

namespace fs = std::filesystem;

constexpr std::array<const char*, 3> kColumns = {"example_id", "position", "token_str"};

using Place = std::pair<std::string, int64_t>;  // document and position
using TokenMap = std::map<Place, std::string>;

template <typename T>
T taken(arrow::Result<T> result) {
  if (!result.ok()) fail("{}", printable(result.status().message(), 300));
  return *std::move(result);
}

void require_ok(const arrow::Status& status) {
  if (!status.ok()) fail("{}", printable(status.message(), 300));
}

// A whole number of a column as text.
std::string whole_text(const arrow::Array& column, int64_t row) {
  switch (column.type_id()) {
    case arrow::Type::INT32:
      return std::to_string(static_cast<const arrow::Int32Array&>(column).Value(row));
    case arrow::Type::INT64:
      return std::to_string(static_cast<const arrow::Int64Array&>(column).Value(row));
    case arrow::Type::UINT64:
      return std::to_string(static_cast<const arrow::UInt64Array&>(column).Value(row));
    default:
      fail("expected example_id and position of type int32, int64 or uint64, found {}",
           column.type()->ToString());
  }
}

void take_tokens(const arrow::RecordBatch& batch, TokenMap& wanted) {
  const auto column = [&](const char* name) { return batch.GetColumnByName(name); };
  const auto ids = column(kColumns[0]);
  const auto positions = column(kColumns[1]);
  const auto tokens = column(kColumns[2]);
  if (tokens->type_id() != arrow::Type::STRING) {
    fail("column token_str: expected type string, found {}", tokens->type()->ToString());
  }
  const auto& texts = static_cast<const arrow::StringArray&>(*tokens);
  for (int64_t row = 0; row < batch.num_rows(); ++row) {
    const auto found =
        wanted.find({whole_text(*ids, row), std::stoll(whole_text(*positions, row))});
    if (found != wanted.end()) found->second = texts.IsNull(row) ? "" : texts.GetString(row);
  }
}

// Whether the file has the columns.
bool read_tokens(const fs::path& path, TokenMap& wanted) {
  if (const std::string fault = why_unreadable(path); !fault.empty()) fail("{}", fault);
  parquet::arrow::FileReaderBuilder builder;
  require_ok(builder.OpenFile(path.string(), /*memory_map=*/false, parquet::ReaderProperties()));
  const auto reader = taken(builder.Build());
  std::shared_ptr<arrow::Schema> schema;
  require_ok(reader->GetSchema(&schema));
  std::vector<int> leaves;
  for (const char* name : kColumns) {
    const int leaf = reader->parquet_reader()->metadata()->schema()->ColumnIndex(name);
    if (leaf < 0) return false;
    leaves.push_back(leaf);
  }
  std::shared_ptr<arrow::Table> table;
  require_ok(reader->ReadTable(leaves, &table));
  arrow::TableBatchReader batches(*table);
  std::shared_ptr<arrow::RecordBatch> batch;
  while (true) {
    require_ok(batches.ReadNext(&batch));
    if (batch == nullptr) return true;
    require_ok(batch->ValidateFull());
    take_tokens(*batch, wanted);
  }
}

bool read_head_tokens(const fs::path& folder, TokenMap& wanted) {
  const HeadFolder listing = list_head_folder(folder);
  if (!listing.fault.empty()) fail("{}: {}", path_text(folder), listing.fault);
  for (const fs::path& file : listing.files) {
    try {
      if (!read_tokens(file, wanted)) return false;
    } catch (const std::exception& error) {  // ours and Parquet's
      fail("{}: {}", path_text(file), printable(error.what(), 400));
    }
  }
  return true;
}

Place place_of(const PointRows& rows, size_t i) {
  return {rows.example_ids.empty() ? "" : id_text(rows, rows.example_ids[i]), rows.positions[i]};
}

}  // namespace

std::optional<std::vector<std::vector<std::string>>> token_texts(const fs::path& folder,
                                                                 std::span<const PointSet> sets) {
  const DatasetFolder listing = list_dataset_folder(folder);
  if (listing.heads.empty()) fail("{}{}", path_text(folder), no_heads_text(folder, listing));
  constexpr const char* kUnseen = "\xff";  // no text of a token: it is not UTF-8
  std::vector<std::vector<std::string>> out;
  for (const PointSet& set : sets) {
    const bool is_query = set.kind == 'q';
    const int64_t head = is_query ? set.head.q_head : set.head.k_head;
    const fs::path head_folder =
        folder / config_name(static_cast<int>(set.layer), static_cast<int>(head),
                             is_query ? Kind::kQuery : Kind::kKey);
    TokenMap wanted;
    const size_t num_points = set.rows->positions.size();
    for (size_t i = 0; i < num_points; ++i) wanted.emplace(place_of(*set.rows, i), kUnseen);
    if (!read_head_tokens(head_folder, wanted)) return {};
    std::vector<std::string> tokens;
    for (size_t i = 0; i < num_points; ++i) {
      const Place place = place_of(*set.rows, i);
      tokens.push_back(wanted.at(place));
      if (tokens.back() != kUnseen) continue;
      fail(
          "{}: has no row of position {} of document {}, which the profiles have: expected the "
          "capture that was analysed",
          path_text(head_folder), place.second, place.first);
    }
    out.push_back(std::move(tokens));
  }
  return out;
}

std::vector<std::string> document_names(const fs::path& folder,
                                        const std::vector<std::string>& ids) {
  const auto table = read_document_table(folder);
  std::unordered_map<std::string, std::string> names;
  if (table) {
    for (const DocumentRow& row : *table) names[std::to_string(row.example_id)] = row.document;
  }
  std::vector<std::string> out;
  for (const std::string& id : ids) {
    const auto found = names.find(id);
    out.push_back(found == names.end() ? id : found->second);
  }
  return out;
}

}  // namespace qk
