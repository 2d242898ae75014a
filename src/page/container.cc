#include "page/container.h"

#include <arrow/util/base64.h>
#include <arrow/util/compression.h>

#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <unordered_map>

#include "base/error.h"

namespace qk {
namespace {

using nlohmann::ordered_json;

constexpr size_t kAlignment = 8;  // of the first column and of every further one

void pad(std::string& bytes) {
  bytes.resize((bytes.size() + kAlignment - 1) / kAlignment * kAlignment);
}

// The columns, one after another, each once.
class ColumnStore {
 public:
  // Where the column begins.
  size_t add(const Column& column) {
    std::string bytes = shuffled(column);
    const auto [it, is_new] = places_.try_emplace(std::move(bytes), all_.size());
    if (is_new) {
      all_ += it->first;
      pad(all_);
    }
    return it->second;
  }
  const std::string& bytes() const { return all_; }

 private:
  std::string all_;
  std::unordered_map<std::string, size_t> places_;
};

ordered_json entry_of(const Column& column, size_t place) {
  ordered_json out = {{"type", name_of(column.type)}, {"at", place}};
  if (column.width != 1) out["width"] = column.width;
  if (column.strings) out["strings"] = *column.strings;
  return out;
}

ordered_json entry_of(const Table& table, ColumnStore& store) {
  ordered_json columns = ordered_json::object();
  for (const auto& [name, column] : table.columns) {
    QK_CHECK(column.items.size() == table.num_rows * column.width * bytes_of(column.type));
    columns[name] = entry_of(column, store.add(column));
  }
  return {{"rows", table.num_rows}, {"columns", std::move(columns)}};
}

std::string little_endian(size_t number) {
  QK_CHECK(number <= std::numeric_limits<uint32_t>::max());
  std::string out;
  for (int shift = 0; shift < 32; shift += 8) out += static_cast<char>(number >> shift & 0xff);
  return out;
}

template <typename T>
T packed_or_fail(arrow::Result<T> result) {
  if (!result.ok()) {
    fail("the data of the page cannot be packed: {}", printable(result.status().message(), 300));
  }
  return *std::move(result);
}

std::string gzip(std::string_view bytes) {
  constexpr int kLevel = 6;  // level 9 takes five times as long, and gains 0.3 %
  const auto codec = packed_or_fail(arrow::util::Codec::Create(arrow::Compression::GZIP, kLevel));
  const auto* input = reinterpret_cast<const uint8_t*>(bytes.data());
  const auto size = static_cast<int64_t>(bytes.size());
  std::string out(static_cast<size_t>(codec->MaxCompressedLen(size, input)), '\0');
  const int64_t written = packed_or_fail(codec->Compress(
      size, input, static_cast<int64_t>(out.size()), reinterpret_cast<uint8_t*>(out.data())));
  out.resize(static_cast<size_t>(written));
  return out;
}

}  // namespace

std::string shuffled(const Column& column) {
  const size_t item = bytes_of(column.type);
  const size_t num_items = column.items.size() / item;
  std::string out(column.items.size(), '\0');
  char* to = out.data();
  for (size_t byte = 0; byte < item; ++byte) {
    for (size_t i = 0; i < num_items; ++i) {
      *to++ = static_cast<char>(column.items[i * item + byte]);
    }
  }
  return out;
}

std::string container(ordered_json directory, const NamedTables& tables) {
  ColumnStore store;
  ordered_json entries = ordered_json::object();
  for (const auto& [name, table] : tables) entries[name] = entry_of(table, store);
  directory["tables"] = std::move(entries);
  const std::string text = directory.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
  std::string out = little_endian(text.size()) + text;
  pad(out);
  return out + store.bytes();
}

std::string packed_container(std::string_view bytes) {
  return arrow::util::base64_encode(gzip(bytes));
}

}  // namespace qk
