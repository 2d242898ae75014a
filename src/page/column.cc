#include "page/column.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <unordered_map>

#include "base/error.h"

namespace qk {
namespace {

static_assert(std::endian::native == std::endian::little);

struct TypeFacts {
  std::string_view name;
  size_t bytes;
  double lowest, highest;  // of the whole numbers that it holds
};

constexpr double kMostInFloat = 1 << 24;

constexpr std::array<TypeFacts, 7> kTypes = {{{"u8", 1, 0, 255},
                                              {"u16", 2, 0, 65535},
                                              {"u32", 4, 0, 4294967295.0},
                                              {"i16", 2, -32768, 32767},
                                              {"i32", 4, -2147483648.0, 2147483647.0},
                                              {"f32", 4, -kMostInFloat, kMostInFloat},
                                              {"f64", 8, 0, 0}}};

const TypeFacts& facts_of(ItemType type) { return kTypes[static_cast<size_t>(type)]; }

template <typename Item>
std::vector<std::byte> items_of(std::span<const double> values) {
  std::vector<Item> items(values.size());
  std::transform(values.begin(), values.end(), items.begin(),
                 [](double value) { return static_cast<Item>(value); });
  const auto bytes = std::as_bytes(std::span(items));
  return {bytes.begin(), bytes.end()};
}

std::vector<std::byte> items_of(ItemType type, std::span<const double> values) {
  switch (type) {
    case ItemType::kU8:
      return items_of<uint8_t>(values);
    case ItemType::kU16:
      return items_of<uint16_t>(values);
    case ItemType::kU32:
      return items_of<uint32_t>(values);
    case ItemType::kI16:
      return items_of<int16_t>(values);
    case ItemType::kI32:
      return items_of<int32_t>(values);
    case ItemType::kF32:
      return items_of<float>(values);
    case ItemType::kF64:
      return items_of<double>(values);
  }
  QK_CHECK(false);
}

Column column_of(ItemType type, std::span<const double> values) {
  return {.type = type, .width = 1, .items = items_of(type, values), .strings = {}};
}

template <typename Item>
std::vector<double> widened(std::span<const std::byte> bytes) {
  std::vector<Item> items(bytes.size() / sizeof(Item));
  if (!items.empty()) std::memcpy(items.data(), bytes.data(), items.size() * sizeof(Item));
  return {items.begin(), items.end()};
}

bool is_lost_in_float(double value) {
  if (value == 0 || !std::isfinite(value)) return false;
  const double size = std::abs(value);
  return size > static_cast<double>(std::numeric_limits<float>::max()) ||
         size < static_cast<double>(std::numeric_limits<float>::min());
}

// -0 is no whole number: as one it would lose its sign.
bool is_whole(double value) {
  return value == std::floor(value) && std::isfinite(value) && !(value == 0 && std::signbit(value));
}

// The range of the numbers that are there; nothing if there is none, or if one is not whole.
struct WholeRange {
  double lowest = std::numeric_limits<double>::infinity();
  double highest = -std::numeric_limits<double>::infinity();
  bool has_gaps = false;
};

std::optional<WholeRange> whole_range(std::span<const double> values) {
  WholeRange out;
  for (const double value : values) {
    if (std::isnan(value)) {
      out.has_gaps = true;
      continue;
    }
    if (!is_whole(value)) return std::nullopt;
    out.lowest = std::min(out.lowest, value);
    out.highest = std::max(out.highest, value);
  }
  if (out.lowest > out.highest) return std::nullopt;
  return out;
}

bool holds(ItemType type, const WholeRange& range) {
  return range.lowest >= facts_of(type).lowest && range.highest <= facts_of(type).highest;
}

}  // namespace

std::string_view name_of(ItemType type) { return facts_of(type).name; }
size_t bytes_of(ItemType type) { return facts_of(type).bytes; }

Column float_column(std::span<const double> values, FloatType type) {
  const bool is_wide =
      type == FloatType::kF64 || std::any_of(values.begin(), values.end(), is_lost_in_float);
  return column_of(is_wide ? ItemType::kF64 : ItemType::kF32, values);
}

Column number_column(std::span<const double> values) {
  const auto range = whole_range(values);
  if (!range) return float_column(values);
  if (!range->has_gaps) {
    for (const ItemType type :
         {ItemType::kU8, ItemType::kU16, ItemType::kI16, ItemType::kU32, ItemType::kI32}) {
      if (holds(type, *range)) return column_of(type, values);
    }
  }
  const bool is_exact = holds(ItemType::kF32, *range);
  return float_column(values, is_exact ? FloatType::kF32 : FloatType::kF64);
}

Column text_column(std::span<const std::string> texts) {
  std::unordered_map<std::string_view, size_t> numbers;
  std::vector<std::string> strings;
  std::vector<double> items;
  items.reserve(texts.size());
  for (const std::string& text : texts) {
    const auto [it, is_new] = numbers.try_emplace(text, strings.size());
    if (is_new) strings.push_back(text);
    items.push_back(static_cast<double>(it->second));
  }
  const size_t num_strings = strings.size();
  const ItemType type = num_strings <= 256     ? ItemType::kU8
                        : num_strings <= 65536 ? ItemType::kU16
                                               : ItemType::kU32;
  Column out = column_of(type, items);
  out.strings = std::move(strings);
  return out;
}

std::vector<double> numbers_of(const Column& column) {
  switch (column.type) {
    case ItemType::kU8:
      return widened<uint8_t>(column.items);
    case ItemType::kU16:
      return widened<uint16_t>(column.items);
    case ItemType::kU32:
      return widened<uint32_t>(column.items);
    case ItemType::kI16:
      return widened<int16_t>(column.items);
    case ItemType::kI32:
      return widened<int32_t>(column.items);
    case ItemType::kF32:
      return widened<float>(column.items);
    case ItemType::kF64:
      return widened<double>(column.items);
  }
  QK_CHECK(false);
}

std::vector<std::string> texts_of(const Column& column) {
  std::vector<std::string> out;
  const size_t item = bytes_of(column.type);
  for (size_t at = 0; at < column.items.size(); at += item) {
    uint32_t index = 0;
    std::memcpy(&index, column.items.data() + at, item);
    out.push_back(column.strings->at(index));
  }
  return out;
}

}  // namespace qk
