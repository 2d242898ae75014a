#include "report/csv_table_reader.h"

#include <arrow/array.h>
#include <arrow/csv/api.h>
#include <arrow/io/interfaces.h>
#include <arrow/io/memory.h>
#include <arrow/table.h>

#include <cmath>
#include <limits>

#include "base/error.h"
#include "base/mapped_file.h"

namespace qk {
namespace {

[[noreturn]] void refuse(const std::filesystem::path& path, const arrow::Status& status) {
  fail("{}: is not a CSV table: {}", path.string(), printable(status.message(), 300));
}

std::vector<double> numbers(const arrow::ChunkedArray& column) {
  std::vector<double> out;
  out.reserve(static_cast<size_t>(column.length()));
  for (const auto& chunk : column.chunks()) {
    const auto& values = static_cast<const arrow::DoubleArray&>(*chunk);
    for (int64_t i = 0; i < values.length(); ++i) {
      out.push_back(values.IsNull(i) ? std::numeric_limits<double>::quiet_NaN() : values.Value(i));
    }
  }
  return out;
}

std::shared_ptr<arrow::Table> read_table(const MappedFile& file,
                                         std::span<const std::string_view> columns) {
  const auto bytes = file.bytes();
  const auto buffer = std::make_shared<arrow::Buffer>(
      reinterpret_cast<const uint8_t*>(bytes.data()), static_cast<int64_t>(bytes.size()));
  auto read = arrow::csv::ReadOptions::Defaults();
  read.use_threads = false;  // so that errors name the row
  auto convert = arrow::csv::ConvertOptions::Defaults();
  for (const std::string_view name : columns) {
    convert.column_types[std::string(name)] = arrow::float64();
  }
  const auto reader = arrow::csv::TableReader::Make(
      arrow::io::default_io_context(), std::make_shared<arrow::io::BufferReader>(buffer), read,
      arrow::csv::ParseOptions::Defaults(), convert);
  if (!reader.ok()) refuse(file.path(), reader.status());
  const auto table = (*reader)->Read();
  if (!table.ok()) refuse(file.path(), table.status());
  return *table;
}

}  // namespace

NumberTable read_number_table(const std::filesystem::path& path,
                              std::span<const std::string_view> columns) {
  const MappedFile file(path);
  if (file.bytes().empty()) fail("{}: is empty", path.string());
  const auto table = read_table(file, columns);
  NumberTable out;
  out.header = table->ColumnNames();
  for (const std::string_view name : columns) {
    const std::vector<int> places = table->schema()->GetAllFieldIndices(std::string(name));
    if (places.size() > 1) fail("{}: column {} occurs twice", path.string(), name);
    if (places.size() == 1) {
      out.columns.emplace(std::string(name), numbers(*table->column(places[0])));
    }
  }
  return out;
}

}  // namespace qk
