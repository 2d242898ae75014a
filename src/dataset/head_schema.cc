#include "dataset/head_schema.h"

#include "dataset/schema.h"

namespace qk {
namespace {

std::shared_ptr<arrow::DataType> vector_type(const JournalSet::Group& layer,
                                             bool compat_reference) {
  if (compat_reference) return arrow::fixed_size_list(arrow::float32(), layer.head_dim);
  return arrow::list(arrow::field("element", arrow::float32()));
}

std::shared_ptr<arrow::DataType> window_type(const JournalSet::Group& layer,
                                             bool compat_reference) {
  if (!compat_reference) return arrow::int32();
  return layer.sliding_window ? arrow::int64() : arrow::null();
}

}  // namespace

std::shared_ptr<arrow::Schema> head_schema(const JournalSet::Group& layer,
                                           const DatasetOptions& options) {
  const std::shared_ptr<arrow::DataType> vector = vector_type(layer, options.compat_reference);
  arrow::FieldVector fields = {
      arrow::field("bucket", arrow::int32()),
      arrow::field("example_id", options.compat_reference ? arrow::int32() : arrow::int64()),
      arrow::field("position", arrow::int32()),
      arrow::field("vector", vector),
      arrow::field("sliding_window", window_type(layer, options.compat_reference)),
  };
  if (layer.has_tokens) fields.push_back(arrow::field("token_str", arrow::utf8()));
  if (layer.has_pre_rope) fields.push_back(arrow::field("vector_pre_rope", vector));
  return arrow::schema(std::move(fields));
}

std::shared_ptr<parquet::WriterProperties> head_properties(const DatasetOptions& options) {
  parquet::WriterProperties::Builder builder;
  builder.created_by(created_by())->compression(parquet::Compression::ZSTD);
  if (options.compat_reference) return builder.build();
  builder.compression_level(1)->enable_page_checksum();
  for (const char* leaf : {"vector.list.element", "vector_pre_rope.list.element"}) {
    builder.disable_dictionary(leaf)
        ->encoding(leaf, parquet::Encoding::BYTE_STREAM_SPLIT)
        ->disable_statistics(leaf);
  }
  return builder.build();
}

}  // namespace qk
