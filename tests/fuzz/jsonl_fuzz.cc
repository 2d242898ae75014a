// Reads any bytes as a JSON corpus. The result must be an Error, or rows in UTF-8, and must not
// depend on the sizes in which the bytes arrive.
#include <algorithm>
#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/utf8.h"
#include "corpus/json_respelling.h"
#include "corpus/row_reader.h"

namespace {

// Returns at most a few bytes at a time.
class Slow final : public qk::ByteSource {
 public:
  Slow(std::string_view bytes, size_t step) : rest_(bytes), step_(step) {}
  size_t read(std::span<char> buffer) override {
    const size_t n = std::min({buffer.size(), rest_.size(), step_});
    std::copy_n(rest_.data(), n, buffer.data());
    rest_.remove_prefix(n);
    return n;
  }

 private:
  std::string_view rest_;
  size_t step_;
};

// The rows' texts, places and ids, and the error at the end if there is one.
std::vector<std::string> read(std::unique_ptr<qk::ByteSource> bytes) {
  std::vector<std::string> out;
  try {
    const qk::Columns columns{"text", "id"};
    const auto rows = qk::read_json_rows(std::move(bytes), "dir/f.jsonl", "f.jsonl", columns);
    while (const auto row = rows->next()) {
      QK_CHECK(!qk::first_invalid_utf8(row->text));
      out.push_back(row->place);
      out.push_back(row->text);
      out.push_back(std::to_string(row->id.index()));
      out.push_back(std::to_string(qk::normalise_example_id(row->id)));
    }
  } catch (const qk::Error& error) {
    out.emplace_back(error.what());
  }
  return out;
}

// What is JSON already stays as it is.
void check_respelling(std::string_view bytes) {
  std::string text(bytes);
  const qk::RespeltStrings strings = qk::respell_json(text);
  // The parser takes a NUL for the end.
  if (bytes.find('\0') != std::string_view::npos || !nlohmann::json::accept(bytes)) return;
  QK_CHECK(text == bytes && strings.faulty.empty() && strings.numbers.empty());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  check_respelling(bytes);
  const std::vector<std::string> rows = read(qk::bytes_in_memory(bytes));
  QK_CHECK(read(std::make_unique<Slow>(bytes, 1 + size % 7)) == rows);
  return 0;
}
