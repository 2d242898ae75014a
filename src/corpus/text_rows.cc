#include <array>

#include "base/error.h"
#include "base/lfs_pointer.h"
#include "base/utf8.h"
#include "corpus/row_reader.h"

namespace qk {
namespace {

constexpr size_t kMaxTextBytes = size_t{1} << 30;

std::string read_all(ByteSource& bytes, const std::string& file) {
  std::string text;
  std::array<char, size_t{1} << 16> buffer;
  for (size_t n = bytes.read(buffer); n != 0; n = bytes.read(buffer)) {
    if (text.size() + n > kMaxTextBytes) {
      fail("{}: expected a text of at most 1 GiB, found a longer one", file);
    }
    text.append(buffer.data(), n);
  }
  return text;
}

void unify_line_ends(std::string& text) {
  size_t out = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool is_return = text[i] == '\r';
    if (is_return && i + 1 < text.size() && text[i + 1] == '\n') ++i;
    text[out++] = is_return ? '\n' : text[i];
  }
  text.resize(out);
}

class TextRow final : public RowReader {
 public:
  TextRow(std::unique_ptr<ByteSource> bytes, std::string file, std::string name,
          const Columns& columns)
      : bytes_(std::move(bytes)),
        file_(std::move(file)),
        name_(std::move(name)),
        text_is_id_(columns.id.has_value()),
        keep_faulty_(columns.keep_faulty) {}

  std::optional<Row> next() override {
    if (bytes_ == nullptr) return std::nullopt;
    Row row{read_all(*bytes_, file_), {}, name_};
    bytes_.reset();
    const std::string fault = lfs_pointer_fault(std::string_view(row.text));
    if (!fault.empty()) fail("{}: unpacked, it {}", file_, fault);
    if (const std::optional<size_t> at = first_invalid_utf8(row.text)) {
      if (keep_faulty_) return Row{{}, {}, name_, TextFault::kNotUtf8};
      fail("{}: expected UTF-8, found the byte 0x{:02x} at offset {}; {}", file_,
           static_cast<unsigned char>(row.text[*at]), *at, kSkipAdvice);
    }
    unify_line_ends(row.text);
    if (text_is_id_) row.id = row.text;
    return row;
  }

 private:
  std::unique_ptr<ByteSource> bytes_;
  std::string file_;
  std::string name_;
  bool text_is_id_;
  bool keep_faulty_;
};

}  // namespace

std::unique_ptr<RowReader> read_text_row(std::unique_ptr<ByteSource> bytes,
                                         const std::filesystem::path& path, const std::string& name,
                                         const Columns& columns) {
  const std::string file = printable(path.string(), 300);
  for (const std::string& column : {columns.text, columns.id.value_or("text")}) {
    if (column != "text") {
      fail("{}: no column '{}': a text file has text", file, printable(column));
    }
  }
  return std::make_unique<TextRow>(std::move(bytes), file, name, columns);
}

}  // namespace qk
