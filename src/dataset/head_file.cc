#include "dataset/head_file.h"

#include <arrow/buffer.h>
#include <arrow/extension_type.h>
#include <arrow/io/file.h>
#include <arrow/io/memory.h>
#include <arrow/ipc/dictionary.h>
#include <arrow/ipc/reader.h>
#include <arrow/memory_pool.h>
#include <arrow/util/base64.h>
#include <arrow/util/key_value_metadata.h>
#include <parquet/file_reader.h>
#include <parquet/metadata.h>
#include <parquet/properties.h>

#include <algorithm>
#include <cstring>
#include <nlohmann/json.hpp>
#include <optional>
#include <system_error>

#include "base/error.h"
#include "base/readable_file.h"
#include "dataset/arrow_result.h"
#include "dataset/footer_projection.h"

namespace qk {
namespace {

namespace fs = std::filesystem;

// The bytes of a plain footer; empty if the file does not end with one.
std::string footer_bytes(arrow::io::RandomAccessFile& file) {
  constexpr int64_t kTailBytes = 8;  // length of the footer, and the magic
  const int64_t size = value_of(file.GetSize());
  if (size < kTailBytes) return "";
  const auto tail = value_of(file.ReadAt(size - kTailBytes, kTailBytes));
  if (tail->size() != kTailBytes || std::memcmp(tail->data() + 4, "PAR1", 4) != 0) return "";
  uint32_t length = 0;
  std::memcpy(&length, tail->data(), sizeof(length));
  if (length > size - kTailBytes) return "";
  return value_of(file.ReadAt(size - kTailBytes - length, length))->ToString();
}

void note_columns(const parquet::SchemaDescriptor& schema,
                  const std::function<bool(std::string_view)>& is_wanted, HeadFile& out) {
  for (int leaf = 0; leaf < schema.num_columns(); ++leaf) {
    if (is_wanted(schema.Column(leaf)->path()->ToDotVector().front())) out.leaves.push_back(leaf);
  }
  if (!out.columns.empty()) return;
  for (int i = 0; i < schema.group_node()->field_count(); ++i) {
    out.columns.push_back(schema.group_node()->field(i)->name());
  }
}

std::shared_ptr<arrow::Field> noted_field(const std::string& arrow_schema,
                                          const std::string& column) {
  if (arrow_schema.empty()) return nullptr;
  const std::string bytes = arrow::util::base64_decode(arrow_schema);
  arrow::io::BufferReader reader(std::make_shared<arrow::Buffer>(bytes));
  arrow::ipc::DictionaryMemo dictionaries;
  const auto schema = arrow::ipc::ReadSchema(&reader, &dictionaries);
  return schema.ok() ? (*schema)->GetFieldByName(column) : nullptr;
}

// The value of an extension's parameters if the field is of that extension type.
std::optional<std::string> extension_parameters(const arrow::Field& field,
                                                const std::string& name) {
  if (field.type()->id() == arrow::Type::EXTENSION) {
    const auto& type = static_cast<const arrow::ExtensionType&>(*field.type());
    if (type.extension_name() != name) return {};
    return type.Serialize();
  }
  const auto& notes = field.metadata();
  if (notes == nullptr || notes->Get("ARROW:extension:name").ValueOr("") != name) return {};
  return notes->Get("ARROW:extension:metadata").ValueOr("");
}

}  // namespace

HeadFile open_head_file(const fs::path& path,
                        const std::function<bool(std::string_view)>& is_wanted,
                        int64_t batch_rows) {
  if (const std::string fault = why_unreadable(path); !fault.empty()) fail("{}", fault);
  std::error_code error;
  if (fs::file_size(path, error) == 0) fail("the file is empty");
  parquet::ReaderProperties properties(arrow::system_memory_pool());
  properties.enable_buffered_stream();
  properties.set_page_checksum_verification(true);
  parquet::ArrowReaderProperties arrow_properties(/*use_threads=*/false);
  arrow_properties.set_batch_size(batch_rows);
  arrow_properties.set_pre_buffer(false);
  const auto file =
      value_of(arrow::io::ReadableFile::Open(path.string(), arrow::system_memory_pool()));
  HeadFile out;
  std::shared_ptr<parquet::FileMetaData> metadata;  // null: Arrow reads the footer, or says why not
  if (auto footer = project_footer(footer_bytes(*file), is_wanted)) {
    auto length = static_cast<uint32_t>(footer->bytes.size());
    metadata = parquet::FileMetaData::Make(footer->bytes.data(), &length, properties);
    out.columns = std::move(footer->columns);
    out.arrow_schema = std::move(footer->arrow_schema);
  }
  parquet::arrow::FileReaderBuilder builder;
  check_arrow(builder.Open(file, properties, metadata));
  out.reader = value_of(
      builder.memory_pool(arrow::system_memory_pool())->properties(arrow_properties)->Build());
  check_arrow(out.reader->GetSchema(&out.schema));
  note_columns(*out.reader->parquet_reader()->metadata()->schema(), is_wanted, out);
  return out;
}

std::vector<int64_t> tensor_shape(const std::string& arrow_schema, const std::string& column) {
  const auto field = noted_field(arrow_schema, column);
  if (field == nullptr) return {};
  const auto parameters = extension_parameters(*field, "arrow.fixed_shape_tensor");
  if (!parameters) return {};
  const auto json = nlohmann::json::parse(*parameters, nullptr, false);
  if (!json.is_object() || !json.contains("shape") || !json["shape"].is_array()) return {};
  std::vector<int64_t> out;
  for (const auto& length : json["shape"]) {
    if (length.is_number_integer()) out.push_back(length.get<int64_t>());
  }
  return out;
}

}  // namespace qk
