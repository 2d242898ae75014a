// A table as the page holds it: columns of numbers of one type each (docs/report.md, "The data").
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace qk {

enum class ItemType : uint8_t { kU8, kU16, kU32, kI16, kI32, kF32, kF64 };
std::string_view name_of(ItemType type);  // "u8"
size_t bytes_of(ItemType type);           // of one item

struct Column {
  ItemType type = ItemType::kF32;
  size_t width = 1;              // items of a row
  std::vector<std::byte> items;  // little-endian, one after another
  // What the items are indexes into; none: they are numbers.
  std::optional<std::vector<std::string>> strings;
};

struct Table {
  size_t num_rows = 0;
  std::vector<std::pair<std::string, Column>> columns;
};

enum class FloatType : uint8_t { kF32, kF64 };

// Numbers as floats, NaN where there is none. kF32 becomes kF64 if a number would turn into 0 or into
// infinity.
Column float_column(std::span<const double> values, FloatType type = FloatType::kF32);

// Whole numbers in the smallest type that holds all of them; else, and if one is missing, as
// float_column(), with 64 bits if they do not fit into 32.
Column number_column(std::span<const double> values);

// Different texts are numbered as they occur.
Column text_column(std::span<const std::string> texts);

// The items as numbers. An item of 32 bits becomes the nearest number of 64.
std::vector<double> numbers_of(const Column& column);

// The text of each item. REQUIRES: column.strings.
std::vector<std::string> texts_of(const Column& column);

// Items of a type as they are, a row of `width` after another.
template <typename Item>
Column item_column(ItemType type, size_t width, std::span<const Item> items) {
  const auto bytes = std::as_bytes(items);
  return {.type = type, .width = width, .items = {bytes.begin(), bytes.end()}, .strings = {}};
}

}  // namespace qk
