#include <arrow/array.h>
#include <arrow/memory_pool.h>
#include <arrow/table.h>
#include <arrow/util/key_value_metadata.h>
#include <parquet/arrow/reader.h>
#include <parquet/file_reader.h>
#include <parquet/metadata.h>
#include <parquet/properties.h>

#include <exception>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/readable_file.h"
#include "report/replicate_schema.h"
#include "report/replicate_table.h"

namespace qk {
namespace {

template <typename T>
T value_or_fail(arrow::Result<T> result) {
  if (!result.ok()) fail("{}", printable(result.status().message(), 300));
  return std::move(result).ValueUnsafe();
}

// What the footer says.
Replicates read_note(const parquet::FileMetaData& metadata) {
  const auto& pairs = metadata.key_value_metadata();
  const auto text = pairs == nullptr ? arrow::Result<std::string>(arrow::Status::KeyError(""))
                                     : pairs->Get(std::string(kReplicatesKey));
  if (!text.ok()) fail("is not a table of replicates: its footer has no {}", kReplicatesKey);
  const auto note = nlohmann::json::parse(*text);
  Replicates out;
  const bool is_jackknife = note.at("kind").get<std::string>() == "jackknife";
  out.kind = is_jackknife ? ErrorBars::kJackknife : ErrorBars::kBootstrap;
  out.seed = note.at("seed").get<int64_t>();
  out.document_sets = note.at("document_sets").get<std::vector<std::vector<int64_t>>>();
  return out;
}

void take_rows(const arrow::RecordBatch& batch, Replicates& out) {
  if (!batch.schema()->Equals(*replicate_schema(), /*check_metadata=*/false)) {
    fail("expected the columns {}, found {}", replicate_schema()->ToString(),
         printable(batch.schema()->ToString(), 300));
  }
  const auto integer = [&](int column, int64_t row) {
    return static_cast<const arrow::Int32Array&>(*batch.column(column)).Value(row);
  };
  const auto text = [&](int column, int64_t row) {
    return static_cast<const arrow::StringArray&>(*batch.column(column)).GetString(row);
  };
  const auto number = [&](int column, int64_t row) {
    return static_cast<const arrow::DoubleArray&>(*batch.column(column)).Value(row);
  };
  const auto& lists = static_cast<const arrow::ListArray&>(*batch.column(8));
  const auto& values = static_cast<const arrow::DoubleArray&>(*lists.values());
  for (int64_t row = 0; row < batch.num_rows(); ++row) {
    ReplicateRow& taken = out.rows[{integer(0, row), integer(1, row), text(3, row), text(4, row)}];
    taken.estimate = number(5, row);
    taken.effective_documents = number(6, row);
    const int32_t set = integer(7, row);
    if (set < 0 || set >= std::ssize(out.document_sets)) {
      fail("column document_set: expected less than {}, found {}", out.document_sets.size(), set);
    }
    taken.document_set = static_cast<size_t>(set);
    const double* begin = values.raw_values() + lists.value_offset(row);
    taken.values.assign(begin, begin + lists.value_length(row));
  }
}

Replicates read_file_of_replicates(const std::filesystem::path& path) {
  if (const std::string fault = why_unreadable(path); !fault.empty()) fail("{}", fault);
  parquet::ReaderProperties properties(arrow::system_memory_pool());
  properties.set_page_checksum_verification(true);
  parquet::arrow::FileReaderBuilder builder;
  const arrow::Status opened = builder.OpenFile(path.string(), /*memory_map=*/false, properties);
  if (!opened.ok()) fail("{}", printable(opened.message(), 300));
  const auto reader = value_or_fail(builder.memory_pool(arrow::system_memory_pool())->Build());
  Replicates out = read_note(*reader->parquet_reader()->metadata());
  const int64_t num_rows = reader->parquet_reader()->metadata()->num_rows();
  int64_t read = 0;
  const auto batches = value_or_fail(reader->GetRecordBatchReader());
  while (true) {
    std::shared_ptr<arrow::RecordBatch> batch;
    const arrow::Status status = batches->ReadNext(&batch);
    if (!status.ok()) fail("{}", printable(status.message(), 300));
    if (batch == nullptr) break;
    const arrow::Status whole = batch->ValidateFull();
    if (!whole.ok()) fail("{}", printable(whole.message(), 300));
    take_rows(*batch, out);
    read += batch->num_rows();
  }
  // A page with a damaged header may be passed over.
  if (read != num_rows) fail("expected {} rows, found {}", num_rows, read);
  return out;
}

}  // namespace

Replicates read_replicates(const std::filesystem::path& path) {
  try {
    return read_file_of_replicates(path);
  } catch (const std::bad_alloc&) {
    fail("{}: needs more memory than there is", path.string());
  } catch (const std::exception& error) {  // ours, Parquet's and that of the JSON library
    fail("{}: {}", path.string(), printable(error.what(), 400));
  }
}

}  // namespace qk
