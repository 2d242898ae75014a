// Columns of numbers from a CSV file with a header, as `qkscope analyze` and the original tool
// write them, plain or packed (packed_text.h). Arrow's reader does the work; cells are understood
// as pandas.read_csv understands them. Threads: safe.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace qk {

struct NumberTable {
  // The columns that were asked for and are there, all of one length. Empty fields, and the words
  // that pandas reads as missing values, are NaN.
  std::map<std::string, std::vector<double>, std::less<>> columns;
  // Columns that were asked for as text; a field that pandas reads as a missing value is empty.
  std::map<std::string, std::vector<std::string>, std::less<>> texts;
  std::vector<std::string> header;  // every column's name, in the file's order

  bool has(std::string_view column) const { return columns.contains(column); }
  const std::vector<double>& operator[](std::string_view column) const {
    return columns.find(column)->second;
  }
  // The text of a field; empty if the file has no such column.
  std::string_view text(std::string_view column, size_t row) const {
    const auto found = texts.find(column);
    return found == texts.end() ? std::string_view() : found->second[row];
  }
};

// Other columns are not looked at. Throws Error: the file cannot be read or is empty, a line has
// another number of fields than the header, a field of these columns is not a number, a column
// occurs twice, columns are separated by something else than commas, the text is not UTF-8 but
// UTF-16 or UTF-32.
NumberTable read_number_table(const std::filesystem::path& path,
                              std::span<const std::string_view> columns,
                              std::span<const std::string_view> text_columns = {});

// The rows below the header; blank lines do not count. Throws Error: the file cannot be read or is
// empty, or its last row has no line end, so that it may have been cut off.
int64_t count_whole_rows(const std::filesystem::path& path);

// How the cells of a column are read.
enum class CellKind : uint8_t {
  kNumber,
  kText,
  kEither,  // as numbers if every cell is one or is empty, else as text
};
using CellKinds = std::function<CellKind(std::string_view column)>;

// All columns that have a name, of a table that must be whole. Throws Error as above, and if a row has
// fewer or more cells than the header, or the last one no line end.
NumberTable read_whole_table(const std::filesystem::path& path, const CellKinds& kind_of);

}  // namespace qk
