// The ids of documents as the rows of a dataset have them.
#pragma once

#include <compare>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <string_view>

namespace qk {

// A whole number from -2^63 to 2^64 - 1.
struct ExampleId {
  int64_t bits = 0;
  bool is_large = false;  // 2^63 or more: bits are those of the unsigned number
  auto operator<=>(const ExampleId&) const = default;
};
using ExampleIds = std::set<ExampleId>;

std::string id_text(const ExampleId& id);
// Nothing if the text is not such a number as id_text() writes it.
std::optional<ExampleId> parse_example_id(std::string_view text);

// Calls `take` with the example_id of every row, in the order of the file. Throws Error
// "<file>: ...": the file cannot be read, or has no such column of whole numbers without nulls.
void read_example_ids(const std::filesystem::path& file,
                      const std::function<void(const ExampleId&)>& take);

}  // namespace qk
