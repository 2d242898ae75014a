#include "dataset/example_ids.h"

#include <arrow/record_batch.h>
#include <parquet/arrow/reader.h>

#include <charconv>
#include <exception>
#include <memory>
#include <numeric>
#include <vector>

#include "base/error.h"
#include "dataset/arrow_result.h"
#include "dataset/head_file.h"
#include "dataset/head_rows.h"
#include "dataset/integer_column.h"

namespace qk {
namespace {

constexpr int64_t kIdBatchRows = 65536;

void read_id_column(const std::filesystem::path& path,
                    const std::function<void(const ExampleId&)>& take) {
  const auto is_wanted = [](std::string_view column) { return column == "example_id"; };
  const HeadFile file = open_head_file(path, is_wanted, kIdBatchRows);
  const auto field = file.schema->GetFieldByName("example_id");
  if (field == nullptr || !is_whole_type(*field->type())) {
    fail("has no column example_id of whole numbers, so its documents cannot be told apart");
  }
  std::vector<int> groups(static_cast<size_t>(file.reader->num_row_groups()));
  std::iota(groups.begin(), groups.end(), 0);
  const auto batches = value_of(file.reader->GetRecordBatchReader(groups, file.leaves));
  std::shared_ptr<arrow::RecordBatch> batch;
  HeadRowBatch rows;
  for (int64_t row = 0;; row += batch->num_rows()) {
    check_arrow(batches->ReadNext(&batch));
    if (batch == nullptr) return;
    check_arrow(batch->Validate());
    rows.has_large_ids = rows.has_negative_ids = false;
    read_ids(*batch->GetColumnByName("example_id"), row, rows);
    for (size_t i = 0; i < rows.example_ids.size(); ++i) take(rows.example_id(i));
  }
}

template <typename Number>
std::optional<Number> whole_number(std::string_view text) {
  Number number = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || stop != text.data() + text.size()) return {};
  if (std::to_string(number) != text) return {};  // 007, -0
  return number;
}

}  // namespace

std::string id_text(const ExampleId& id) {
  return id.is_large ? std::to_string(static_cast<uint64_t>(id.bits)) : std::to_string(id.bits);
}

std::optional<ExampleId> parse_example_id(std::string_view text) {
  if (const auto number = whole_number<int64_t>(text)) return ExampleId{*number, false};
  if (const auto number = whole_number<uint64_t>(text)) {
    return ExampleId{static_cast<int64_t>(*number), true};
  }
  return {};
}

void read_example_ids(const std::filesystem::path& file,
                      const std::function<void(const ExampleId&)>& take) {
  try {
    read_id_column(file, take);
  } catch (const Error& error) {
    fail("{}: {}", file.string(), error.what());
  } catch (const std::bad_alloc&) {
    fail("{}: needs more memory than there is", file.string());
  } catch (const std::exception& error) {  // Parquet's own
    fail("{}: {}", file.string(), printable(error.what(), 300));
  }
}

}  // namespace qk
