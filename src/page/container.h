// The data of a page as bytes: a directory in JSON, then the columns (docs/report.md, "The data").
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "page/column.h"

namespace qk {

using NamedTables = std::vector<std::pair<std::string, Table>>;

// `directory` gets a member "tables". Columns with the same bytes are stored once. The same arguments
// give the same bytes. Bytes in texts that are not UTF-8 become U+FFFD.
// REQUIRES: every column has num_rows * width items.
std::string container(nlohmann::ordered_json directory, const NamedTables& tables);

// The bytes of the items sorted by their place in an item: all first bytes, then all second ones, ...
std::string shuffled(const Column& column);

// gzip (no date, no name), then base64.
std::string packed_container(std::string_view bytes);

}  // namespace qk
