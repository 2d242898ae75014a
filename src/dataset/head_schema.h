// The columns of a head's file as Arrow and Parquet have them. Includes Arrow: for .cc files of
// this folder only.
#pragma once

#include <arrow/type.h>
#include <parquet/properties.h>

#include <memory>

#include "dataset/dataset_writer.h"
#include "dataset/head_records.h"

namespace qk {

// bucket, example_id, position, vector, sliding_window [, token_str] [, vector_pre_rope]
std::shared_ptr<arrow::Schema> head_schema(const JournalSet::Group& layer,
                                           const DatasetOptions& options);

std::shared_ptr<parquet::WriterProperties> head_properties(const DatasetOptions& options);

}  // namespace qk
