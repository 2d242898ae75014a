// Rows of one file: the text and the raw id, in order, a bounded amount in memory at a time.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "corpus/byte_source.h"
#include "corpus/corpus.h"
#include "corpus/example_id.h"

namespace qk {

// The end of every message about a row whose text is at fault.
inline constexpr const char* kSkipAdvice = "dataset.on_bad_text: skip leaves such documents out";

struct Columns {
  std::string text;
  std::optional<std::string> id;
  bool keep_faulty = false;  // rows with a TextFault are given, not refused
};

struct Row {
  std::string text;   // UTF-8
  RawId id;           // null without an id column
  std::string place;  // "train.parquet row 17", "train.jsonl line 18"; rows from 0, lines from 1
  TextFault fault = TextFault::kNone;
  // With kNoText, unless the text is null: what an Error says if no row has a text.
  std::string wrong_column{};
};

class RowReader {
 public:
  virtual ~RowReader() = default;
  // The next row, or nothing at the end. Throws Error naming file and row.
  virtual std::optional<Row> next() = 0;
};

// What the type of a column makes of its values as texts.
enum class TextType : uint8_t {
  kText,
  kNull,   // every value is null
  kBytes,  // binary: texts if they are UTF-8
  kOther,  // none is a text
};

// What a file's footer says, before any row is read.
struct ParquetSummary {
  int64_t rows = 0;
  TextType text = TextType::kText;
  std::string lacks;      // if there is no such column, the sentence that says so
  std::string text_type;  // Arrow's names of the two columns' types
  std::string id_type;    // empty without an id column
};

// name: what places show (the path relative to the corpus); errors show the path.
// Only the columns asked for are looked at. A row whose text is null, of another type or not UTF-8,
// or whose id is not UTF-8, is at fault; so is every row of a file without the text column. Throws
// Error: damaged or unreadable file, id column missing (the ones there are named), ids of another type than string, null, bool, integer, float, binary or
// dictionaries of them.
std::unique_ptr<RowReader> open_parquet_rows(const std::filesystem::path& path,
                                             const std::string& name, const Columns& columns);
ParquetSummary summarise_parquet(const std::filesystem::path& path, const Columns& columns);

// JSON Lines (one object a line, blank lines skipped), or one list of objects, as Python's json
// reads them: of a key that occurs twice the last value counts; NaN, Infinity and -Infinity are
// numbers, a number too large for a double is infinite. A row whose text is absent or no string, or
// whose text or id is not Unicode (bytes that are not UTF-8, lone surrogates), is at fault; what the
// other keys hold does not matter. Throws Error at the row: not JSON, not an object, id a list or an
// object, first row without an id (later: null), a row above 1 GiB, and without keep_faulty a row at
// fault.
std::unique_ptr<RowReader> read_json_rows(std::unique_ptr<ByteSource> bytes,
                                          const std::filesystem::path& path,
                                          const std::string& name, const Columns& columns);

// The whole file as one row with the column "text"; line ends \r\n and \r become \n, as Python's
// text mode has it. Throws Error: other columns asked for, not UTF-8, above 1 GiB.
std::unique_ptr<RowReader> read_text_row(std::unique_ptr<ByteSource> bytes,
                                         const std::filesystem::path& path, const std::string& name,
                                         const Columns& columns);

}  // namespace qk
