#include <fmt/format.h>

#include "base/error.h"
#include "base/path_text.h"
#include "corpus/json_pieces.h"
#include "corpus/json_row_parser.h"
#include "corpus/row_reader.h"

namespace qk {
namespace {

class JsonRows final : public RowReader {
 public:
  JsonRows(std::unique_ptr<ByteSource> bytes, const std::string& file, std::string name,
           Columns columns)
      : pieces_(std::move(bytes), file),
        file_(file),
        name_(std::move(name)),
        columns_(std::move(columns)) {}

  std::optional<Row> next() override {
    if (!pieces_.next(piece_)) return std::nullopt;
    const std::string place = pieces_.place();
    const std::string where = file_ + " " + place;
    JsonRow row = parse_json_row(piece_, columns_, where);
    const auto lacks = [&](const std::string& column) {
      return fmt::format("{}: no column '{}': it has {}", where, printable(column),
                         row.keys.empty() ? "none" : row.keys);
    };
    if (!row.has_text && !columns_.keep_faulty) {
      fail("{}{}", lacks(columns_.text), is_first_ ? "" : fmt::format("; {}", kSkipAdvice));
    }
    if (columns_.id && !row.has_id && is_first_) fail("{}", lacks(*columns_.id));
    is_first_ = false;
    Row out{std::move(row.text), std::move(row.id), name_ + " " + place, row.fault};
    if (!row.has_text) {
      out.wrong_column = lacks(columns_.text);
    } else if (!row.other_kind.empty()) {
      out.wrong_column = fmt::format("{}: column '{}': expected a string, found {}", where,
                                     printable(columns_.text), row.other_kind);
    }
    return out;
  }

 private:
  JsonPieces pieces_;
  std::string file_;
  std::string name_;
  Columns columns_;
  std::string piece_;
  bool is_first_ = true;
};

}  // namespace

std::unique_ptr<RowReader> read_json_rows(std::unique_ptr<ByteSource> bytes,
                                          const std::filesystem::path& path,
                                          const std::string& name, const Columns& columns) {
  return std::make_unique<JsonRows>(std::move(bytes), path_text(path), name, columns);
}

}  // namespace qk
