#include "report/replicate_table.h"

#include <arrow/builder.h>
#include <arrow/io/interfaces.h>
#include <arrow/memory_pool.h>
#include <arrow/table.h>
#include <arrow/type.h>
#include <arrow/util/key_value_metadata.h>
#include <parquet/arrow/writer.h>
#include <parquet/properties.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string_view>
#include <system_error>
#include <utility>

#include "base/atomic_file.h"
#include "base/build_info.h"
#include "base/error.h"
#include "base/path_text.h"
#include "report/replicate_schema.h"

namespace qk {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kValuesPerGroup = int64_t{1} << 20;

fs::path with_parent(const fs::path& path) {
  std::error_code error;
  if (!path.has_filename() || fs::is_directory(path, error)) {
    fail("{}: is a folder, expected the name of a Parquet file", path_text(path));
  }
  const fs::path parent = path.parent_path();
  if (parent.empty()) return path;
  fs::create_directories(parent, error);
  if (error) fail("{}: cannot make the folder: {}", path_text(parent), error.message());
  return path;
}

std::shared_ptr<parquet::WriterProperties> table_properties() {
  parquet::WriterProperties::Builder builder;
  builder.created_by("qkscope version " + version())
      ->compression(parquet::Compression::ZSTD)
      ->compression_level(1)
      ->enable_page_checksum();
  const std::string values = "values.list.element";
  builder.disable_dictionary(values)
      ->encoding(values, parquet::Encoding::BYTE_STREAM_SPLIT)
      ->disable_statistics(values);
  return builder.build();
}

}  // namespace

// An AtomicFile as Arrow writes to it.
class ReplicateTable::Sink final : public arrow::io::OutputStream {
 public:
  explicit Sink(const fs::path& path) : file_(path) {}
  arrow::Status Close() override {
    is_closed_ = true;
    return arrow::Status::OK();
  }
  bool closed() const override { return is_closed_; }
  arrow::Result<int64_t> Tell() const override { return size_; }
  arrow::Status Write(const void* data, int64_t size) override {
    file_.append(std::span(static_cast<const std::byte*>(data), static_cast<size_t>(size)));
    size_ += size;
    return arrow::Status::OK();
  }
  AtomicFile& file() { return file_; }

 private:
  AtomicFile file_;
  int64_t size_ = 0;
  bool is_closed_ = false;
};

struct ReplicateTable::Writer {
  Writer(const fs::path& path, const ErrorBarOptions& error_bars, int64_t first_seed)
      : name(path.string()),
        sink(std::make_shared<Sink>(with_parent(path))),
        options(error_bars),
        seed(first_seed) {
    const auto properties =
        parquet::ArrowWriterProperties::Builder().store_schema()->set_use_threads(false)->build();
    auto opened = parquet::arrow::FileWriter::Open(*replicate_schema(), arrow::system_memory_pool(),
                                                   sink, table_properties(), properties);
    check(opened.status());
    parquet = std::move(opened).ValueUnsafe();
  }

  void check(const arrow::Status& status) const {
    if (!status.ok()) fail("{}: cannot be written: {}", name, printable(status.message(), 300));
  }

  int32_t set_of(const std::vector<int64_t>& documents) {
    const auto [it, is_new] =
        set_numbers.try_emplace(documents, static_cast<int32_t>(document_sets.size()));
    if (is_new) document_sets.push_back(documents);
    return it->second;
  }

  void add(const HeadMetrics& head, const MetricInterval& row) {
    for (const auto& [builder, number] :
         {std::pair{&layer, head.layer}, {&q_head, head.q_head}, {&k_head, head.k_head}}) {
      check(builder->Append(static_cast<int32_t>(number)));
    }
    check(method.Append(row.method));
    check(metric.Append(row.metric));
    check(estimate.Append(row.estimate));
    check(effective_documents.Append(row.size.effective_documents));
    check(document_set.Append(set_of(head.document_ids)));
    check(values.Append());
    check(numbers->AppendValues(row.replicates));
    ++num_rows;
    num_values += std::ssize(row.replicates);
    if (num_values >= kValuesPerGroup) write_group();
  }

  void write_group() {
    arrow::ArrayVector columns;
    for (arrow::ArrayBuilder* builder : std::initializer_list<arrow::ArrayBuilder*>{
             &layer, &q_head, &k_head, &method, &metric, &estimate, &effective_documents,
             &document_set, &values}) {
      std::shared_ptr<arrow::Array> column;
      check(builder->Finish(&column));
      columns.push_back(std::move(column));
    }
    const auto table = arrow::Table::Make(replicate_schema(), columns);
    if (table->num_rows() > 0) check(parquet->WriteTable(*table, table->num_rows()));
    num_values = 0;
  }

  void close() {
    write_group();
    const bool is_jackknife = options.kind == ErrorBars::kJackknife;
    const nlohmann::ordered_json note = {
        {"kind", is_jackknife ? "jackknife" : "bootstrap"},
        {"replicates", is_jackknife ? nlohmann::ordered_json(nullptr)
                                    : nlohmann::ordered_json(options.replicates)},
        {"seed", seed},
        {"document_sets", document_sets}};
    check(parquet->AddKeyValueMetadata(
        arrow::KeyValueMetadata::Make({std::string(kReplicatesKey)}, {note.dump()})));
    check(parquet->Close());
    sink->file().sync();
  }

  std::string name;
  std::shared_ptr<Sink> sink;
  ErrorBarOptions options;
  int64_t seed;
  std::unique_ptr<parquet::arrow::FileWriter> parquet;
  std::map<std::vector<int64_t>, int32_t> set_numbers;
  std::vector<std::vector<int64_t>> document_sets;
  arrow::Int32Builder layer, q_head, k_head, document_set;
  arrow::StringBuilder method, metric;
  arrow::DoubleBuilder estimate, effective_documents;
  std::shared_ptr<arrow::DoubleBuilder> numbers = std::make_shared<arrow::DoubleBuilder>();
  arrow::ListBuilder values{arrow::default_memory_pool(), numbers};
  int64_t num_rows = 0;
  int64_t num_values = 0;  // not yet written
};

ReplicateTable::ReplicateTable(const fs::path& path, const ErrorBarOptions& options, int64_t seed)
    : path_(path), writer_(std::make_unique<Writer>(path, options, seed)) {}

ReplicateTable::~ReplicateTable() = default;

void ReplicateTable::add(const HeadMetrics& head) {
  for (const MetricInterval& row : head.intervals) {
    // Of p-values, which have no error bars, there are none.
    const auto is_missing = [](double value) { return std::isnan(value); };
    if (!std::ranges::all_of(row.replicates, is_missing)) writer_->add(head, row);
  }
}

bool ReplicateTable::has_rows() const { return writer_->num_rows > 0; }

void ReplicateTable::flush() {
  if (has_rows()) writer_->close();
}

void ReplicateTable::finish() {
  if (has_rows()) writer_->sink->file().finish();
}

}  // namespace qk
