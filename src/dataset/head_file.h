// One Parquet file, opened for some of its columns. Includes Arrow: for .cc files of this folder
// only.
#pragma once

#include <arrow/type.h>
#include <parquet/arrow/reader.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace qk {

struct HeadFile {
  std::unique_ptr<parquet::arrow::FileReader> reader;
  std::shared_ptr<arrow::Schema> schema;  // of the wanted columns, in the types of Parquet
  std::vector<int> leaves;                // of the wanted columns, in the reader's numbering
  std::vector<std::string> columns;       // names of all top-level columns
  std::string arrow_schema;               // what Arrow noted of the types, in base64; or empty
};

// Other columns may have any type, known to Arrow or not: they are not looked at. Throws what Arrow
// throws, or Error with its message.
HeadFile open_head_file(const std::filesystem::path& path,
                        const std::function<bool(std::string_view)>& is_wanted, int64_t batch_rows);

// The shape of the tensors that Arrow's extension type noted for a column of fixed-size lists;
// empty: the column holds no tensors.
std::vector<int64_t> tensor_shape(const std::string& arrow_schema, const std::string& column);

}  // namespace qk
