#include "report/csv_tables.h"

#include <system_error>
#include <vector>

#include "base/error.h"
#include "base/path_text.h"
#include "report/csv_number.h"
#include "report/interval_csv.h"

namespace qk {
namespace {

namespace fs = std::filesystem;

constexpr size_t kBufferBytes = size_t{1} << 18;
constexpr const char* kHeadColumns = "layer,q_head,k_head";

// The path, once its folder is there.
fs::path with_folder(const fs::path& path) {
  std::error_code error;
  if (!path.has_filename() || fs::is_directory(path, error)) {  // reported before hours of work
    fail("{}: is a folder, expected the name of a CSV file", path_text(path));
  }
  const fs::path parent = path.parent_path();
  if (parent.empty()) return path;
  fs::create_directories(parent, error);
  if (error) fail("{}: cannot make the folder: {}", path_text(parent), error.message());
  return path;
}

std::string head_header() {
  std::string out = std::string(kHeadColumns) + ",n_q_tokens,n_k_tokens,d_model";
  for (const MetricField& field : metric_fields()) out += "," + std::string(field.name);
  return out;
}

std::string name_of(const HeadMetrics& head) {
  return fmt::format("{},{},{}", head.layer, head.q_head, head.k_head);
}

std::string head_line(const HeadMetrics& head) {
  std::string line =
      fmt::format("{},{},{},{}", name_of(head), head.num_queries, head.num_keys, head.head_dim);
  for (const MetricField& field : metric_fields()) {
    line += ',';
    append_csv_number(line, head.*field.value);
  }
  return line + '\n';
}

}  // namespace

CsvTable::CsvTable(const fs::path& path, const std::string& header)
    : path_(path), packing_(packing_of(path)), file_(with_folder(path)), buffer_(header + '\n') {}

void CsvTable::append(const std::string& lines) {
  has_rows_ = has_rows_ || !lines.empty();
  buffer_ += lines;
  if (packing_ != Packing::kNone || buffer_.size() < kBufferBytes) return;
  file_.append(buffer_);
  buffer_.clear();
}

void CsvTable::flush() {
  if (!has_rows_) return;
  file_.append(packing_ == Packing::kNone ? buffer_ : pack_text(buffer_, packing_, path_));
  buffer_.clear();
  file_.sync();
}

void CsvTable::finish() {
  if (has_rows_) file_.finish();
}

CsvTables::CsvTables(const CsvPaths& paths)
    : heads_(paths.heads, head_header()),
      buckets_(paths.buckets, std::string(kHeadColumns) + ",q_bucket,k_bucket,ap_bucket"),
      components_(paths.components,
                  std::string(kHeadColumns) + ",component,component_r2,component_weight"),
      method_(paths.method) {
  if (!paths.intervals.empty()) intervals_.emplace(paths.intervals, interval_header());
}

void CsvTables::add(const HeadMetrics& head) {
  heads_.append(head_line(head));
  const std::string name = name_of(head);
  std::string lines;
  for (const BucketPlasticity& bucket : head.buckets) {
    lines += fmt::format("{},{},{},", name, bucket.q_bucket, bucket.k_bucket);
    append_csv_number(lines, bucket.value);
    lines += '\n';
  }
  buckets_.append(lines);
  lines.clear();
  for (size_t j = 0; j < head.component_r2.size(); ++j) {
    lines += fmt::format("{},{},", name, j);
    append_csv_number(lines, head.component_r2[j]);
    lines += ',';
    append_csv_number(lines, head.component_weight[j]);
    lines += '\n';
  }
  components_.append(lines);
  if (intervals_) intervals_->append(interval_lines(head, method_));
}

void CsvTables::finish() {
  std::vector<CsvTable*> tables = {&heads_, &buckets_, &components_};
  if (intervals_) tables.push_back(&*intervals_);
  for (CsvTable* table : tables) table->flush();
  for (CsvTable* table : tables) table->finish();
}

}  // namespace qk
