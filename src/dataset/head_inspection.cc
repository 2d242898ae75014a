#include "dataset/head_inspection.h"

#include <arrow/array.h>
#include <arrow/memory_pool.h>
#include <arrow/record_batch.h>
#include <parquet/arrow/reader.h>
#include <parquet/exception.h>
#include <parquet/file_reader.h>
#include <parquet/metadata.h>

#include <algorithm>
#include <bit>
#include <limits>
#include <memory>
#include <optional>
#include <string_view>
#include <unordered_set>
#include <utility>

#include "base/error.h"
#include "base/readable_file.h"
#include "dataset/arrow_result.h"
#include "dataset/footer_agreement.h"
#include "dataset/head_file.h"
#include "dataset/head_rows.h"
#include "dataset/row_digest.h"
#include "dataset/schema.h"

namespace qk {
namespace {

namespace fs = std::filesystem;

bool is_int(const arrow::DataType& type) {
  return type.id() == arrow::Type::INT32 || type.id() == arrow::Type::INT64;
}

bool is_float_list(const arrow::DataType& type) {
  const bool is_list = type.id() == arrow::Type::LIST || type.id() == arrow::Type::LARGE_LIST ||
                       type.id() == arrow::Type::FIXED_SIZE_LIST;
  return is_list &&
         static_cast<const arrow::BaseListType&>(type).value_type()->id() == arrow::Type::FLOAT;
}

bool fits(const std::string& name, const arrow::DataType& type) {
  if (name == "bucket" || name == "example_id" || name == "position") return is_int(type);
  if (name == "sliding_window") return is_int(type) || type.id() == arrow::Type::NA;
  if (name == "token_str") {
    return type.id() == arrow::Type::STRING || type.id() == arrow::Type::LARGE_STRING;
  }
  return is_float_list(type);
}

void check_schema(const arrow::Schema& schema) {
  static constexpr std::string_view kRequired[] = {"bucket", "example_id", "position", "vector",
                                                   "sliding_window"};
  for (const std::string_view name : kRequired) {
    if (schema.GetFieldIndex(std::string(name)) < 0) fail("has no column {} (or two)", name);
  }
  for (const std::shared_ptr<arrow::Field>& field : schema.fields()) {
    const std::string& name = field->name();
    const bool is_known =
        std::find(std::begin(kRequired), std::end(kRequired), name) != std::end(kRequired) ||
        name == "token_str" || name == "vector_pre_rope";
    if (!is_known) fail("has an unknown column {}", printable(name));
    if (!fits(name, *field->type())) {
      fail("column {} has the type {}", name, printable(field->type()->ToString()));
    }
  }
}

int64_t integer_at(const arrow::Array& array, int64_t row) {
  if (array.type_id() == arrow::Type::INT32) {
    return static_cast<const arrow::Int32Array&>(array).Value(row);
  }
  return static_cast<const arrow::Int64Array&>(array).Value(row);
}

// Where the numbers of each row's list begin, and how many there are.
struct Vectors {
  const float* data = nullptr;
  std::vector<int64_t> offsets;  // [rows + 1], into data
};

template <typename List>
Vectors list_vectors(const List& list) {
  if (list.null_count() != 0) fail("has rows without a vector");
  const auto& values = static_cast<const arrow::FloatArray&>(*list.values());
  Vectors vectors{.data = values.raw_values(), .offsets = {}};
  for (int64_t row = 0; row <= list.length(); ++row) {
    vectors.offsets.push_back(list.value_offset(row));
  }
  const int64_t begin = vectors.offsets.front();
  const int64_t end = vectors.offsets.back();
  if (begin < 0 || end < begin || end > values.length()) fail("has a damaged list of vectors");
  if (values.Slice(begin, end - begin)->null_count() != 0) fail("has vectors with null elements");
  return vectors;
}

Vectors vectors_of(const arrow::Array& array) {
  switch (array.type_id()) {
    case arrow::Type::LIST:
      return list_vectors(static_cast<const arrow::ListArray&>(array));
    case arrow::Type::LARGE_LIST:
      return list_vectors(static_cast<const arrow::LargeListArray&>(array));
    default:
      return list_vectors(static_cast<const arrow::FixedSizeListArray&>(array));
  }
}

bool all_finite(std::span<const float> numbers) {
  bool finite = true;
  for (const float number : numbers) {
    finite &= (std::bit_cast<uint32_t>(number) & 0x7F800000U) != 0x7F800000U;
  }
  return finite;
}

// Whether the documents of each bucket are counted, which takes some 50 bytes for each.
enum class BucketDocumentCounts : uint8_t { kNone, kAll };

// One file of a head, added to what is known of the head.
class FileReader {
 public:
  FileReader(HeadInfo& info, std::unordered_set<int64_t>& example_ids, RowDigest& digest,
             RowWatch& watch, BucketDocumentCounts counts)
      : info_(info),
        example_ids_(example_ids),
        digest_(digest),
        watch_(watch),
        counts_documents_(counts == BucketDocumentCounts::kAll) {}

  void read(const fs::path& path) {
    if (const std::string fault = why_unreadable(path); !fault.empty()) fail("{}", fault);
    info_.file_bytes += static_cast<int64_t>(fs::file_size(path));
    parquet::ReaderProperties properties(arrow::system_memory_pool());
    properties.enable_buffered_stream();
    properties.set_page_checksum_verification(true);
    parquet::ArrowReaderProperties arrow_properties(/*use_threads=*/false);
    arrow_properties.set_batch_size(4096);
    arrow_properties.set_pre_buffer(false);
    parquet::arrow::FileReaderBuilder builder;
    check_arrow(builder.OpenFile(path.string(), /*memory_map=*/false, properties));
    const auto reader = value_of(
        builder.memory_pool(arrow::system_memory_pool())->properties(arrow_properties)->Build());
    std::shared_ptr<arrow::Schema> schema;
    check_arrow(reader->GetSchema(&schema));
    check_schema(*schema);
    take_footer(*reader->parquet_reader()->metadata(), *schema);
    const auto batches = value_of(reader->GetRecordBatchReader());
    std::shared_ptr<arrow::RecordBatch> batch;
    while (true) {
      check_arrow(batches->ReadNext(&batch));
      if (batch == nullptr) break;
      check_arrow(batch->Validate());
      take_rows(*batch);
    }
  }

  // All files of a head that other programs wrote. What is not analysed may be anything.
  void read_others() {
    HeadRowReader rows(info_.files);
    for (const fs::path& path : info_.files) {
      const auto is_wanted = [](std::string_view name) {
        return name == "vector" || name == "example_id";
      };
      const HeadFile file = open_head_file(path, is_wanted, 1);
      info_.file_bytes += static_cast<int64_t>(fs::file_size(path));
      try {
        take_footer(*file.reader->parquet_reader()->metadata(), *file.schema);
      } catch (const Error& error) {
        fail("{}: {}", path.string(), error.what());
      }
      info_.has_token_str = std::ranges::count(file.columns, "token_str") > 0;
      info_.has_pre_rope = std::ranges::count(file.columns, "vector_pre_rope") > 0;
    }
    HeadRowBatch batch;
    while (rows.next(batch)) take_batch(batch);
  }

 private:
  void take_footer(const parquet::FileMetaData& metadata, const arrow::Schema& schema) {
    Footer footer = footer_of(metadata);
    if (info_.row_groups > 0 && footer != info_.footer) {
      if (const auto found = footer_difference(footer, info_.footer)) {
        fail("{}", contradiction_text(*found, "the file before"));
      }
      if (info_.is_ours) fail("has another footer than the file before");
    }
    info_.footer = std::move(footer);
    info_.created_by = metadata.created_by();
    info_.row_groups += metadata.num_row_groups();
    info_.vector_type = schema.GetFieldByName("vector")->type()->ToString();
    const auto id = schema.GetFieldByName("example_id");
    info_.example_id_type = id == nullptr ? "" : id->type()->ToString();
    info_.has_token_str = schema.GetFieldIndex("token_str") >= 0;
    info_.has_pre_rope = schema.GetFieldIndex("vector_pre_rope") >= 0;
    for (int group = 0; group < metadata.num_row_groups(); ++group) {
      const auto group_metadata = metadata.RowGroup(group);
      for (int column = 0; column < group_metadata->num_columns(); ++column) {
        take_chunk(*metadata.schema()->Column(column), *group_metadata->ColumnChunk(column));
      }
    }
  }

  void take_chunk(const parquet::ColumnDescriptor& column,
                  const parquet::ColumnChunkMetaData& chunk) {
    const std::string root = column.path()->ToDotVector().front();
    if (root != "vector" && root != "vector_pre_rope") return;
    info_.stored_vector_bytes += chunk.total_compressed_size();
    const auto& encodings = chunk.encodings();
    const bool is_split = std::find(encodings.begin(), encodings.end(),
                                    parquet::Encoding::BYTE_STREAM_SPLIT) != encodings.end();
    const char* encoding = is_split                      ? "BYTE_STREAM_SPLIT"
                           : chunk.has_dictionary_page() ? "dictionary"
                                                         : "PLAIN";
    info_.vector_encoding =
        arrow::util::Codec::GetCodecAsString(chunk.compression()) + ", " + encoding;
  }

  void take_rows(const arrow::RecordBatch& batch) {
    const arrow::Array& buckets = column_without_nulls(batch, "bucket");
    const arrow::Array& ids = column_without_nulls(batch, "example_id");
    const arrow::Array& positions = column_without_nulls(batch, "position");
    for (int64_t row = 0; row < batch.num_rows(); ++row) {
      const int64_t bucket = integer_at(buckets, row);
      const int64_t position = integer_at(positions, row);
      const int64_t id = integer_at(ids, row);
      if (bucket < 0 || bucket > std::numeric_limits<int32_t>::max()) {
        fail("row {}: bucket {} is out of range", info_.rows + row, bucket);
      }
      if (position < 0) fail("row {}: position {} is negative", info_.rows + row, position);
      take_row(bucket, position, id);
    }
    take_windows(*batch.GetColumnByName("sliding_window"));
    if (info_.has_token_str) column_without_nulls(batch, "token_str");
    const Vectors vectors = take_vectors(*batch.GetColumnByName("vector"));
    if (batch.num_rows() > 0) {
      const int64_t begin = vectors.offsets.front();
      watch_.pass(info_.rows, info_.vector_dim,
                  {vectors.data + begin, static_cast<size_t>(vectors.offsets.back() - begin)});
    }
    if (info_.has_pre_rope) take_vectors(*batch.GetColumnByName("vector_pre_rope"));
    info_.rows += batch.num_rows();
  }

  void take_row(int64_t bucket, int64_t position, std::optional<int64_t> id) {
    const bool is_first = info_.bucket_counts.empty();
    info_.min_position = is_first ? position : std::min(info_.min_position, position);
    info_.max_position = is_first ? position : std::max(info_.max_position, position);
    ++info_.bucket_counts[bucket];
    digest_.add(bucket, id.value_or(0), position);
    if (!id) return;
    example_ids_.insert(*id);
    if (counts_documents_) info_.bucket_documents.add(bucket, *id);
  }

  void take_batch(const HeadRowBatch& batch) {
    const bool has_ids = !batch.example_ids.empty();
    for (size_t row = 0; row < batch.buckets.size(); ++row) {
      const int64_t position = batch.positions[row];
      if (position < 0) {
        fail("row {}: position {} is negative", info_.rows + static_cast<int64_t>(row), position);
      }
      take_row(batch.buckets[row], position,
               has_ids ? std::optional(batch.example_ids[row]) : std::nullopt);
    }
    info_.sliding_windows.insert(batch.windows.begin(), batch.windows.end());
    info_.vector_dim = batch.head_dim;
    info_.vector_bytes += batch.num_rows() * batch.head_dim * static_cast<int64_t>(sizeof(float));
    watch_.pass(info_.rows, info_.vector_dim, batch.vectors);
    info_.rows += batch.num_rows();
  }

  const arrow::Array& column_without_nulls(const arrow::RecordBatch& batch,
                                           const char* name) const {
    const arrow::Array& array = *batch.GetColumnByName(name);
    if (array.null_count() != 0) fail("column {} has null values", name);
    return array;
  }

  void take_windows(const arrow::Array& array) {
    for (int64_t row = 0; row < array.length(); ++row) {
      info_.sliding_windows.insert(array.type_id() == arrow::Type::NA || array.IsNull(row)
                                       ? std::nullopt
                                       : std::optional<int64_t>(integer_at(array, row)));
    }
  }

  Vectors take_vectors(const arrow::Array& array) {
    Vectors vectors = vectors_of(array);
    for (int64_t row = 0; row < array.length(); ++row) {
      const int64_t begin = vectors.offsets[static_cast<size_t>(row)];
      const int64_t dim = vectors.offsets[static_cast<size_t>(row) + 1] - begin;
      if (info_.vector_dim == 0) info_.vector_dim = dim;
      if (dim != info_.vector_dim || dim <= 0) {
        fail("row {}: a vector has {} numbers, those before have {}", info_.rows + row, dim,
             info_.vector_dim);
      }
      if (!all_finite({vectors.data + begin, static_cast<size_t>(dim)})) {
        fail("row {}: a vector is not finite", info_.rows + row);
      }
    }
    info_.vector_bytes += array.length() * info_.vector_dim * static_cast<int64_t>(sizeof(float));
    return vectors;
  }

  HeadInfo& info_;
  std::unordered_set<int64_t>& example_ids_;
  RowDigest& digest_;
  RowWatch& watch_;
  bool counts_documents_;
};

// Did Qkscope write the file, or can it not be told?
bool may_be_ours(const fs::path& file) {
  const auto is_wanted = [](std::string_view name) { return name == "bucket"; };
  try {
    const HeadFile open = open_head_file(file, is_wanted, 1);
    return open.reader->parquet_reader()->metadata()->created_by().starts_with("qkscope ");
  } catch (const std::exception&) {
    return true;
  }
}

// A sentence of HeadRowReader begins with the file; others are about `otherwise`.
DatasetProblem problem_of(const std::string& text, const fs::path& otherwise,
                          const std::vector<fs::path>& files) {
  for (const fs::path& file : files) {
    const std::string path = file.string() + ": ";
    if (text.starts_with(path)) return {file, text.substr(path.size())};
  }
  return {otherwise, text};
}

}  // namespace

void inspect_head_file(const fs::path& file, HeadInfo& info, RowWatch& watch) {
  std::unordered_set<int64_t> example_ids;
  RowDigest digest;
  try {
    FileReader(info, example_ids, digest, watch, BucketDocumentCounts::kNone).read(file);
  } catch (const Error&) {
    throw;
  } catch (const std::exception& fault) {  // Parquet's and the file system's own
    fail("{}", printable(fault.what(), 300));
  }
  info.num_example_ids = static_cast<int64_t>(example_ids.size());
  info.rows_digest = digest.value();
}

void inspect_head(const fs::path& folder, HeadInfo& info, std::vector<DatasetProblem>& problems,
                  RowWatch& watch) {
  HeadFolder listing = list_head_folder(folder);
  info.files = std::move(listing.files);
  problems = std::move(listing.unread);
  info.is_read = listing.fault.empty();
  if (!listing.fault.empty()) problems.insert(problems.begin(), {folder, listing.fault});
  std::unordered_set<int64_t> example_ids;
  RowDigest digest;
  info.is_ours = std::ranges::any_of(info.files, may_be_ours);
  FileReader reader(info, example_ids, digest, watch, BucketDocumentCounts::kAll);
  const auto naming = [&](const fs::path& file, auto read) {
    try {
      read();
    } catch (const Error& error) {
      info.is_read = false;
      problems.push_back(problem_of(error.what(), file, info.files));
    } catch (const std::exception& error) {  // Parquet's and the file system's own
      info.is_read = false;
      problems.push_back({file, printable(error.what(), 300)});
    }
  };
  if (info.is_ours) {
    for (const fs::path& file : info.files) naming(file, [&] { reader.read(file); });
  } else if (!info.files.empty()) {
    naming(info.files.front(), [&] { reader.read_others(); });
  }
  info.num_example_ids = static_cast<int64_t>(example_ids.size());
  info.bucket_documents.settle();
  info.rows_digest = digest.value();
}

}  // namespace qk
