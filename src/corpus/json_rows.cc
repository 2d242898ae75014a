#include "base/error.h"
#include "base/utf8.h"
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
    if (columns_.keep_faulty && first_invalid_utf8(piece_)) {
      return Row{{}, {}, name_ + " " + place, TextFault::kNotUtf8};
    }
    JsonRow row = parse_json_row(piece_, columns_, where);
    if (columns_.id && !row.has_id && is_first_) {
      fail("{}: no column '{}': it has {}", where, printable(*columns_.id), row.keys);
    }
    is_first_ = false;
    return Row{std::move(row.text), std::move(row.id), name_ + " " + place, row.fault};
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
  return std::make_unique<JsonRows>(std::move(bytes), printable(path.string(), 300), name, columns);
}

}  // namespace qk
