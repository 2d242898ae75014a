#include <arrow/array.h>
#include <arrow/record_batch.h>

#include <exception>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "report/parquet_sink.h"
#include "report/replicate_schema.h"
#include "report/replicate_table.h"

namespace qk {
namespace {

// What the footer says.
void take_replicate_note(const std::string& text, Replicates& out) {
  const auto note = nlohmann::json::parse(text);
  const bool is_jackknife = note.at("kind").get<std::string>() == "jackknife";
  out.kind = is_jackknife ? ErrorBars::kJackknife : ErrorBars::kBootstrap;
  out.seed = note.at("seed").get<int64_t>();
  out.document_sets = note.at("document_sets").get<std::vector<std::vector<int64_t>>>();
}

void take_rows(const arrow::RecordBatch& batch, Replicates& out) {
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

}  // namespace

Replicates read_replicates(const std::filesystem::path& path) {
  try {
    Replicates out;
    read_parquet_batches(
        path, "replicates", kReplicatesKey, *replicate_schema(),
        [&](const std::string& text) { take_replicate_note(text, out); },
        [&](const arrow::RecordBatch& batch) { take_rows(batch, out); });
    return out;
  } catch (const std::bad_alloc&) {
    fail("{}: needs more memory than there is", path.string());
  } catch (const std::exception& error) {  // ours, Parquet's and that of the JSON library
    fail("{}: {}", path.string(), printable(error.what(), 400));
  }
}

}  // namespace qk
