// The columns of head_replicates.parquet. Includes Arrow: for .cc files of this folder only.
#pragma once

#include <arrow/type.h>

#include <memory>
#include <string_view>

namespace qk {

inline constexpr std::string_view kReplicatesKey = "qkscope.replicates";

inline std::shared_ptr<arrow::Schema> replicate_schema() {
  return arrow::schema(
      {arrow::field("layer", arrow::int32()), arrow::field("q_head", arrow::int32()),
       arrow::field("k_head", arrow::int32()), arrow::field("method", arrow::utf8()),
       arrow::field("metric", arrow::utf8()), arrow::field("estimate", arrow::float64()),
       arrow::field("effective_documents", arrow::float64()),
       arrow::field("document_set", arrow::int32()),
       arrow::field("values", arrow::list(arrow::field("element", arrow::float64())))});
}

}  // namespace qk
