#include "dataset/document_table.h"

#include <arrow/array.h>
#include <arrow/array/concatenate.h>
#include <arrow/builder.h>
#include <arrow/io/file.h>
#include <arrow/table.h>
#include <arrow/type.h>
#include <arrow/util/key_value_metadata.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <parquet/arrow/reader.h>
#include <parquet/arrow/writer.h>
#include <parquet/file_reader.h>
#include <parquet/metadata.h>
#include <parquet/properties.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <exception>
#include <initializer_list>
#include <memory>
#include <span>
#include <system_error>

#include "base/error.h"
#include "base/readable_file.h"
#include "dataset/arrow_result.h"
#include "dataset/schema.h"

namespace qk {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kDocumentsPerGroup = int64_t{1} << 20;

std::shared_ptr<arrow::Schema> table_schema() {
  return arrow::schema(
      {arrow::field("example_id", arrow::int64()), arrow::field("document", arrow::utf8()),
       arrow::field("tokens", arrow::int64()), arrow::field("truncated", arrow::boolean()),
       arrow::field("rows", arrow::int64())});
}

template <typename Builder, typename Value>
std::shared_ptr<arrow::Array> column_of(std::span<const DocumentRow> rows, Value value) {
  Builder builder(arrow::system_memory_pool());
  for (const DocumentRow& row : rows) check_arrow(builder.Append(value(row)));
  return value_of(builder.Finish());
}

std::shared_ptr<arrow::Table> arrow_table(std::span<const DocumentRow> rows) {
  using Row = const DocumentRow&;
  using Integers = arrow::Int64Builder;
  return arrow::Table::Make(
      table_schema(),
      {column_of<Integers>(rows, [](Row row) { return row.example_id; }),
       column_of<arrow::StringBuilder>(rows,
                                       [](Row row) { return std::string_view(row.document); }),
       column_of<Integers>(rows, [](Row row) { return row.tokens; }),
       column_of<arrow::BooleanBuilder>(rows, [](Row row) { return row.truncated; }),
       column_of<Integers>(rows, [](Row row) { return row.rows; })});
}

std::shared_ptr<const arrow::KeyValueMetadata> footer_metadata(
    const std::vector<std::pair<std::string, std::string>>& footer) {
  std::vector<std::string> keys = {std::string(kFooterFormat)};
  std::vector<std::string> values = {std::string(kDatasetFormat)};
  for (const auto& [key, value] : footer) {
    keys.push_back(key);
    values.push_back(value);
  }
  return std::make_shared<arrow::KeyValueMetadata>(std::move(keys), std::move(values));
}

void write_parquet(const fs::path& path, const DocumentTable& table,
                   const std::vector<std::pair<std::string, std::string>>& footer) {
  parquet::WriterProperties::Builder properties;
  properties.created_by(created_by())
      ->compression(parquet::Compression::ZSTD)
      ->compression_level(1)
      ->enable_page_checksum();
  const auto sink = value_of(arrow::io::FileOutputStream::Open(path.string()));
  const auto arrow_properties =
      parquet::ArrowWriterProperties::Builder().store_schema()->set_use_threads(false)->build();
  const auto writer = value_of(parquet::arrow::FileWriter::Open(
      *table_schema(), arrow::system_memory_pool(), sink, properties.build(), arrow_properties));
  check_arrow(writer->AddKeyValueMetadata(footer_metadata(footer)));
  // One group at a time, so that the copy in Arrow's columns stays small.
  std::span<const DocumentRow> rest(table);
  do {
    const auto group = rest.first(std::min<size_t>(rest.size(), kDocumentsPerGroup));
    check_arrow(writer->WriteTable(*arrow_table(group), kDocumentsPerGroup));
    rest = rest.subspan(group.size());
  } while (!rest.empty());
  check_arrow(writer->Close());
  check_arrow(sink->Close());
}

void sync_file(const fs::path& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  const bool synced = fd >= 0 && ::fsync(fd) == 0;
  const int reason = errno;
  if (fd >= 0) ::close(fd);
  if (!synced) fail("cannot be synced: {}", std::strerror(reason));
}

bool has_column(const parquet::FileMetaData& metadata, const char* name) {
  return metadata.schema()->group_node()->FieldIndex(name) >= 0;
}

bool belongs_to_dataset(const parquet::FileMetaData& metadata) {
  const auto& footer = metadata.key_value_metadata();
  const bool is_ours = footer != nullptr && footer->Contains(std::string(kFooterFormat));
  return is_ours || (has_column(metadata, "example_id") && has_column(metadata, "document"));
}

// The column as one array.
std::shared_ptr<arrow::Array> whole_column(const arrow::Table& table, const char* name,
                                           std::initializer_list<arrow::Type::type> types) {
  const std::shared_ptr<arrow::ChunkedArray> column = table.GetColumnByName(name);
  if (column == nullptr) fail("has no column {} (or two)", name);
  if (std::ranges::find(types, column->type()->id()) == types.end()) {
    fail("column {} has the type {}", name, printable(column->type()->ToString()));
  }
  if (column->null_count() != 0) fail("column {} has null values", name);
  if (column->num_chunks() == 0) return value_of(arrow::MakeEmptyArray(column->type()));
  return value_of(arrow::Concatenate(column->chunks(), arrow::system_memory_pool()));
}

std::string string_at(const arrow::Array& texts, int64_t row) {
  if (texts.type_id() == arrow::Type::LARGE_STRING) {
    return static_cast<const arrow::LargeStringArray&>(texts).GetString(row);
  }
  return static_cast<const arrow::StringArray&>(texts).GetString(row);
}

DocumentTable rows_of(const arrow::Table& table) {
  check_arrow(table.ValidateFull());
  using Type = arrow::Type;
  const auto ids = whole_column(table, "example_id", {Type::INT64});
  const auto documents = whole_column(table, "document", {Type::STRING, Type::LARGE_STRING});
  const auto tokens = whole_column(table, "tokens", {Type::INT64});
  const auto truncated = whole_column(table, "truncated", {Type::BOOL});
  const auto rows = whole_column(table, "rows", {Type::INT64});
  DocumentTable out;
  out.reserve(static_cast<size_t>(table.num_rows()));
  for (int64_t i = 0; i < table.num_rows(); ++i) {
    const auto integer = [i](const arrow::Array& array) {
      return static_cast<const arrow::Int64Array&>(array).Value(i);
    };
    out.push_back({.example_id = integer(*ids),
                   .document = string_at(*documents, i),
                   .tokens = integer(*tokens),
                   .truncated = static_cast<const arrow::BooleanArray&>(*truncated).Value(i),
                   .rows = integer(*rows)});
  }
  return out;
}

std::optional<DocumentTable> read_parquet(const fs::path& path) {
  parquet::ReaderProperties properties(arrow::system_memory_pool());
  properties.set_page_checksum_verification(true);
  parquet::arrow::FileReaderBuilder builder;
  check_arrow(builder.OpenFile(path.string(), /*memory_map=*/false, properties));
  const auto reader =
      value_of(builder.memory_pool(arrow::system_memory_pool())
                   ->properties(parquet::ArrowReaderProperties(/*use_threads=*/false))
                   ->Build());
  if (!belongs_to_dataset(*reader->parquet_reader()->metadata())) return std::nullopt;
  std::shared_ptr<arrow::Table> table;
  check_arrow(reader->ReadTable(&table));
  return rows_of(*table);
}

// Arrow's and Parquet's own exceptions, and Errors without a path, as Errors with the path.
template <typename Function>
auto naming(const fs::path& path, const char* before, Function function) {
  try {
    return function();
  } catch (const std::exception& fault) {
    fail("{}: {}{}", path.string(), before, printable(fault.what(), 300));
  }
}

}  // namespace

DocumentTable document_table(const JournalSet& journal, std::vector<std::string> names) {
  const std::vector<DocumentEnd>& ends = journal.documents();
  QK_CHECK(names.size() == ends.size());
  DocumentTable out(ends.size());
  for (size_t i = 0; i < ends.size(); ++i) {
    QK_CHECK(ends[i].document == static_cast<int64_t>(i));
    out[i] = {ends[i].example_id, std::move(names[i]), ends[i].num_tokens, ends[i].truncated, 0};
  }
  for (const JournalSet::Group& group : journal.groups()) {
    for (const JournalSet::Record& record : group.records) {
      const JournalSet::Entry entry = journal.entry(record);
      out[static_cast<size_t>(record.document)].rows += entry.rows * std::ssize(entry.heads);
      journal.drop_head(entry);
    }
  }
  return out;
}

void write_document_table(const fs::path& path, const DocumentTable& table,
                          const std::vector<std::pair<std::string, std::string>>& footer) {
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) {
    fail("{}: cannot be removed: {}", path.string(), std::strerror(errno));
  }
  naming(path, "cannot be written: ", [&] {
    write_parquet(path, table, footer);
    sync_file(path);
  });
}

std::optional<DocumentTable> read_document_table(const fs::path& folder) {
  const fs::path path = folder / kDocumentTable;
  std::error_code error;
  return fs::exists(path, error) ? read_document_file(path) : std::nullopt;
}

std::optional<DocumentTable> read_document_file(const fs::path& path) {
  return naming(path, "", [&] {
    if (const std::string fault = why_unreadable(path); !fault.empty()) fail("{}", fault);
    return read_parquet(path);
  });
}

bool has_foreign_document_table(const fs::path& folder) {
  const fs::path path = folder / kDocumentTable;
  std::error_code error;
  const fs::file_status status = fs::symlink_status(path, error);
  if (!fs::exists(status)) return false;
  if (!fs::is_regular_file(status) || !why_unreadable(path).empty()) return true;
  try {
    const auto reader = parquet::ParquetFileReader::OpenFile(path.string(), /*memory_map=*/false);
    return !belongs_to_dataset(*reader->metadata());
  } catch (const std::exception&) {
    return true;
  }
}

}  // namespace qk
