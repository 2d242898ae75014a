#include "report/replicate_table.h"

#include <arrow/builder.h>
#include <arrow/memory_pool.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <utility>

#include "report/parquet_sink.h"
#include "report/replicate_schema.h"

namespace qk {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kValuesPerGroup = int64_t{1} << 20;

}  // namespace

struct ReplicateTable::Writer {
  Writer(const fs::path& path, const ErrorBarOptions& error_bars, int64_t first_seed)
      : file(path, replicate_schema(), {"values.list.element"}),
        options(error_bars),
        seed(first_seed) {}

  void check(const arrow::Status& status) const { file.check(status); }

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
    file.write({&layer, &q_head, &k_head, &method, &metric, &estimate, &effective_documents,
                &document_set, &values});
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
    file.close(kReplicatesKey, note.dump());
  }

  ParquetSink file;
  ErrorBarOptions options;
  int64_t seed;
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
  if (has_rows()) writer_->file.finish();
}

}  // namespace qk
