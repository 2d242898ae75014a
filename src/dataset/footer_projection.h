// A Parquet footer cut down to some of its columns, so that no other column is looked at: Arrow
// refuses a whole file for one column whose type it does not know.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace qk {

struct ProjectedFooter {
  std::vector<std::string> columns;  // top-level names of the whole file, in order
  std::string bytes;  // of a Thrift FileMetaData with the kept columns only, without Arrow's schema
  std::string arrow_schema;  // the value of ARROW:schema, in base64; or empty
};

// `footer`: the bytes of a FileMetaData in Thrift's compact protocol. Keeps the top-level columns
// whose names are wanted, with everything below them. Empty if the bytes are damaged.
std::optional<ProjectedFooter> project_footer(
    std::string_view footer, const std::function<bool(std::string_view)>& is_wanted);

}  // namespace qk
