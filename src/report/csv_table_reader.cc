#include "report/csv_table_reader.h"

#include <arrow/array.h>
#include <arrow/csv/api.h>
#include <arrow/io/interfaces.h>
#include <arrow/io/memory.h>
#include <arrow/table.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <optional>
#include <utility>

#include "base/error.h"
#include "base/mapped_file.h"
#include "report/packed_text.h"

namespace qk {
namespace {

constexpr double kMissing = std::numeric_limits<double>::quiet_NaN();

// pandas' STR_NA_VALUES.
const std::vector<std::string>& missing_words() {
  static const std::vector<std::string> words = {
      "",     "#N/A",   "#N/A N/A", "#NA",  "-1.#IND", "-1.#QNAN", "-NaN",
      "-nan", "1.#IND", "1.#QNAN",  "<NA>", "N/A",     "NA",       "NULL",
      "NaN",  "None",   "n/a",      "nan",  "null"};
  return words;
}

// A table in memory, and the name of its file for messages.
struct Csv {
  const std::filesystem::path& path;
  std::string_view text;
  bool must_be_whole =
      false;  // no row with fewer cells than the header, no last row without its end
};

[[noreturn]] void refuse(const Csv& csv, const arrow::Status& status) {
  if (status.message().find("Empty CSV file") != std::string::npos)
    fail("{}: is empty", csv.path.string());
  fail("{}: is not a CSV table: {}", csv.path.string(), printable(status.message(), 300));
}

void refuse_wide_characters(const Csv& csv) {
  const std::string_view start = csv.text.substr(0, 4);
  const bool is_wide = start.starts_with("\xff\xfe") || start.starts_with("\xfe\xff") ||
                       start.find('\0') != std::string_view::npos;
  if (is_wide) fail("{}: expected text in UTF-8, found UTF-16 or UTF-32", csv.path.string());
}

// The header as the file has it, without line end and byte order mark.
std::string_view first_line(std::string_view text) {
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  text.remove_prefix(std::min(text.find_first_not_of(" \t\r\n"), text.size()));
  return text.substr(0, text.find_first_of("\r\n"));
}

// A row of the text: its end, without the line end, and its number of cells.
struct Row {
  size_t end = 0;
  size_t num_cells = 1;
  bool is_open = false;  // the text ends within quotes
};

Row row_at(std::string_view text, size_t begin) {
  Row row;
  bool at_start = true;  // of a cell
  size_t i = begin;
  for (; i < text.size(); ++i) {
    const char c = text[i];
    if (row.is_open) {
      if (c != '"') continue;
      const bool is_doubled = i + 1 < text.size() && text[i + 1] == '"';
      row.is_open = is_doubled;
      i += is_doubled ? 1 : 0;
      continue;
    }
    if (c == '\n' || c == '\r') break;
    row.is_open = c == '"' && at_start;
    row.num_cells += c == ',' ? 1 : 0;
    at_start = c == ',';
  }
  row.end = i;
  return row;
}

// The table as pandas takes it: lines of blanks do not count, missing cells at the end of a row are
// empty, and rows with one cell more than the header begin with a column that has no name.
std::string with_equal_rows(std::string_view text) {
  std::string out;
  size_t width = 0;
  bool is_first = true;  // of the rows below the header
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  for (size_t begin = 0; begin < text.size();) {
    const Row row = row_at(text, begin);
    const std::string_view line = text.substr(begin, row.end - begin);
    begin = row.end + 1;
    if (line.find_first_not_of(" \t") == std::string_view::npos) continue;
    if (width == 0) {
      width = row.num_cells;
    } else if (std::exchange(is_first, false) && row.num_cells == width + 1 &&
               !line.ends_with(',')) {
      out.insert(0, ",");
      ++width;
    }
    out += line;
    out.append(width - std::min(width, row.num_cells), ',');
    out += '\n';
  }
  return out;
}

// Arrow takes what follows an open quote for one cell, however many rows that are.
void refuse_open_quote(const Csv& csv) {
  if (csv.text.find('"') == std::string_view::npos) return;
  size_t num_rows = 0;  // with the header
  for (size_t begin = 0; begin < csv.text.size();) {
    const Row row = row_at(csv.text, begin);
    if (row.is_open) {
      fail("{}: is not a CSV table: a quote in row {} is not closed", csv.path.string(), num_rows);
    }
    num_rows += row.end > begin ? 1 : 0;
    begin = row.end + 1;
  }
}

// A row with fewer cells was cut off; one with more may move all others by a column.
void refuse_unequal_rows(const Csv& csv) {
  size_t width = 0;
  size_t num_rows = 0;  // below the header
  for (size_t begin = 0; begin < csv.text.size();) {
    const Row row = row_at(csv.text, begin);
    const std::string_view line = csv.text.substr(begin, row.end - begin);
    begin = row.end + 1;
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    if (width == 0) {
      width = row.num_cells;
    } else if (++num_rows; row.num_cells != width) {
      fail("{}: row {}: expected {} cells, found {}", csv.path.string(), num_rows, width,
           row.num_cells);
    }
  }
}

void refuse_open_end(const Csv& csv) {
  const size_t last = csv.text.find_last_not_of(" \t");
  if (last == std::string_view::npos) fail("{}: is empty", csv.path.string());
  if (csv.text[last] == '\n' || csv.text[last] == '\r') return;
  fail("{}: its last row has no line end, so it may have been cut off", csv.path.string());
}

// How many of the columns the line names, if `separator` separates its cells.
size_t num_named(std::string_view line, char separator, std::span<const std::string_view> columns) {
  size_t count = 0;
  while (true) {
    const size_t end = std::min(line.find(separator), line.size());
    std::string_view cell = line.substr(0, end);
    if (cell.size() >= 2 && cell.front() == '"' && cell.back() == '"') {
      cell = cell.substr(1, cell.size() - 2);
    }
    count += std::find(columns.begin(), columns.end(), cell) != columns.end() ? 1 : 0;
    if (end == line.size()) return count;
    line.remove_prefix(end + 1);
  }
}

void refuse_other_separator(const Csv& csv, std::span<const std::string_view> columns) {
  struct Separator {
    char character;
    const char* name;
  };
  constexpr std::array<Separator, 5> kSeparators = {{{';', "semicolons"},
                                                     {'\t', "tabs"},
                                                     {'|', "vertical bars"},
                                                     {' ', "spaces"},
                                                     {':', "colons"}}};
  const std::string_view line = first_line(csv.text);
  const size_t expected = num_named(line, ',', columns);
  for (const Separator& separator : kSeparators) {
    if (num_named(line, separator.character, columns) <= std::max<size_t>(expected, 1)) continue;
    fail("{}: columns are separated by {}, expected commas", csv.path.string(), separator.name);
  }
}

// The columns to read: as numbers and as text.
struct Columns {
  std::span<const std::string_view> numbers;
  std::span<const std::string_view> texts;
};

// `type`: of the numbers.
arrow::Result<std::shared_ptr<arrow::Table>> read_table(
    const Csv& csv, const Columns& columns, const std::shared_ptr<arrow::DataType>& type) {
  auto read = arrow::csv::ReadOptions::Defaults();
  read.use_threads = false;  // so that errors name the row
  constexpr size_t kSmallestBlock = size_t{1} << 20;
  constexpr size_t kLargestBlock = size_t{64} << 20;  // no cell is longer
  read.block_size =
      static_cast<int32_t>(std::clamp(csv.text.size(), kSmallestBlock, kLargestBlock));
  auto parse = arrow::csv::ParseOptions::Defaults();
  parse.newlines_in_values = true;
  auto convert = arrow::csv::ConvertOptions::Defaults();
  convert.null_values = missing_words();
  convert.strings_can_be_null = true;
  for (const std::string_view name : columns.numbers) {
    convert.column_types[std::string(name)] = type;
  }
  for (const std::string_view name : columns.texts) {
    convert.column_types[std::string(name)] = arrow::utf8();
  }
  const auto source =
      std::make_shared<arrow::io::BufferReader>(std::make_shared<arrow::Buffer>(csv.text));
  ARROW_ASSIGN_OR_RAISE(
      const auto reader,
      arrow::csv::TableReader::Make(arrow::io::default_io_context(), source, read, parse, convert));
  return reader->Read();
}

// As pandas reads a number: blanks around it and a plus sign do not matter.
std::optional<double> number_of(std::string_view cell) {
  const size_t begin = std::min(cell.find_first_not_of(" \t"), cell.size());
  cell = cell.substr(begin, cell.find_last_not_of(" \t") + 1 - begin);
  if (cell.size() > 1 && cell[0] == '+' && cell[1] != '-') cell.remove_prefix(1);
  double value = 0;
  const auto [end, error] = std::from_chars(cell.data(), cell.data() + cell.size(), value);
  if (error != std::errc{} || end != cell.data() + cell.size()) return std::nullopt;
  return value;
}

double value_at(const arrow::DoubleArray& values, int64_t i, const auto&) {
  return values.Value(i);
}

double value_at(const arrow::StringArray& cells, int64_t i, const auto& place) {
  const auto value = number_of(cells.GetView(i));
  if (!value) fail("{}: expected a number, found '{}'", place(), printable(cells.GetView(i)));
  return *value;
}

// `Array`: what the column was read as.
template <typename Array>
std::vector<double> numbers(const Csv& csv, std::string_view name,
                            const arrow::ChunkedArray& column) {
  std::vector<double> out;
  out.reserve(static_cast<size_t>(column.length()));
  for (const auto& chunk : column.chunks()) {
    const auto& cells = static_cast<const Array&>(*chunk);
    for (int64_t i = 0; i < cells.length(); ++i) {
      const auto place = [&] {
        return fmt::format("{}: row {}: {}", csv.path.string(), out.size() + 1, name);
      };
      out.push_back(cells.IsNull(i) ? kMissing : value_at(cells, i, place));
    }
  }
  return out;
}

std::vector<std::string> text_cells(const arrow::ChunkedArray& column) {
  std::vector<std::string> out;
  out.reserve(static_cast<size_t>(column.length()));
  for (const auto& chunk : column.chunks()) {
    const auto& cells = static_cast<const arrow::StringArray&>(*chunk);
    for (int64_t i = 0; i < cells.length(); ++i) {
      out.emplace_back(cells.IsNull(i) ? std::string_view() : cells.GetView(i));
    }
  }
  return out;
}

// The column of this name; nullptr: none.
std::shared_ptr<arrow::ChunkedArray> column_of(const Csv& csv, const arrow::Table& table,
                                               std::string_view name) {
  const std::vector<int> places = table.schema()->GetAllFieldIndices(std::string(name));
  if (places.size() > 1) fail("{}: column {} occurs twice", csv.path.string(), name);
  return places.empty() ? nullptr : table.column(places[0]);
}

template <typename Array>
NumberTable number_table(const Csv& csv, const arrow::Table& table, const Columns& columns) {
  NumberTable out;
  out.header = table.ColumnNames();
  for (const std::string_view name : columns.numbers) {
    const auto column = column_of(csv, table, name);
    if (column) out.columns.emplace(std::string(name), numbers<Array>(csv, name, *column));
  }
  for (const std::string_view name : columns.texts) {
    const auto column = column_of(csv, table, name);
    if (column) out.texts.emplace(std::string(name), text_cells(*column));
  }
  return out;
}

NumberTable read_columns(const Csv& csv, const Columns& columns) {
  refuse_wide_characters(csv);
  refuse_other_separator(csv, columns.numbers);
  refuse_open_quote(csv);
  const auto table = read_table(csv, columns, arrow::float64());
  if (table.ok()) return number_table<arrow::DoubleArray>(csv, **table, columns);
  // A number that Arrow does not know, or none, or rows of different lengths: cell by cell.
  if (csv.must_be_whole) refuse_unequal_rows(csv);
  const std::string text = with_equal_rows(csv.text);
  const auto cells = read_table({csv.path, text}, columns, arrow::utf8());
  if (!cells.ok()) refuse(csv, cells.status());
  return number_table<arrow::StringArray>(csv, **cells, columns);
}

// The names of the columns. Those of Arrow, which reads them again, are the same.
std::vector<std::string> header_of(std::string_view text) {
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  const size_t begin = text.find_first_not_of(" \t\r\n");
  if (begin == std::string_view::npos) return {};
  const std::string_view line = text.substr(begin, row_at(text, begin).end - begin);
  std::vector<std::string> out(1);
  bool is_quoted = false;
  for (size_t i = 0; i < line.size(); ++i) {
    if (line[i] == '"' && is_quoted && i + 1 < line.size() && line[i + 1] == '"') {
      out.back() += line[i++];
    } else if (line[i] == '"' && (is_quoted || out.back().empty())) {
      is_quoted = !is_quoted;
    } else if (line[i] == ',' && !is_quoted) {
      out.emplace_back();
    } else {
      out.back() += line[i];
    }
  }
  return out;
}

// The cells as numbers, if every one is a number or empty.
std::optional<std::vector<double>> numbers_in(const std::vector<std::string>& cells) {
  std::vector<double> out;
  out.reserve(cells.size());
  for (const std::string& cell : cells) {
    const auto value = cell.empty() ? kMissing : number_of(cell);
    if (!value) return std::nullopt;
    out.push_back(*value);
  }
  return out;
}

NumberTable read_all(const Csv& csv, const CellKinds& kind_of) {
  refuse_wide_characters(csv);
  refuse_open_end(csv);
  const std::vector<std::string> header = header_of(csv.text);
  std::vector<std::string_view> columns;
  std::vector<std::string_view> texts;
  std::vector<std::string_view> either;
  for (const std::string& name : header) {
    if (name.empty()) continue;
    const CellKind kind = kind_of(name);
    (kind == CellKind::kNumber ? columns : texts).push_back(name);
    if (kind == CellKind::kEither) either.push_back(name);
  }
  NumberTable out = read_columns(csv, {columns, texts});
  for (const std::string_view name : either) {
    const auto cells = out.texts.find(name);
    if (cells == out.texts.end()) continue;  // a name with blanks before it, which Arrow keeps
    auto values = numbers_in(cells->second);
    if (!values) continue;
    out.columns.emplace(name, *std::move(values));
    out.texts.erase(cells);
  }
  return out;
}

// What `read` makes of the text of a file.
template <typename Read>
auto with_text_of(const std::filesystem::path& path, const Read& read) {
  const MappedFile file(path);
  const auto bytes = file.bytes();
  if (!is_packed(bytes)) {
    return read(std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
  }
  return read(std::string_view(unpack_text(bytes, path)));
}

}  // namespace

NumberTable read_number_table(const std::filesystem::path& path,
                              std::span<const std::string_view> columns,
                              std::span<const std::string_view> text_columns) {
  const Columns wanted = {columns, text_columns};
  return with_text_of(path,
                      [&](std::string_view text) { return read_columns({path, text}, wanted); });
}

int64_t count_whole_rows(const std::filesystem::path& path) {
  return with_text_of(path, [&](std::string_view text) {
    refuse_open_end({path, text});
    int64_t num_rows = -1;  // without the header
    for (size_t begin = 0; begin < text.size();) {
      const size_t end = row_at(text, begin).end;
      const std::string_view line = text.substr(begin, end - begin);
      num_rows += line.find_first_not_of(" \t") != std::string_view::npos ? 1 : 0;
      begin = end + 1;
    }
    return std::max<int64_t>(num_rows, 0);
  });
}

NumberTable read_whole_table(const std::filesystem::path& path, const CellKinds& kind_of) {
  return with_text_of(path, [&](std::string_view text) {
    return read_all({.path = path, .text = text, .must_be_whole = true}, kind_of);
  });
}

}  // namespace qk
