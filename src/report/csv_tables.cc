#include "report/csv_tables.h"

#include <algorithm>
#include <string_view>
#include <system_error>

#include "base/error.h"
#include "base/path_text.h"
#include "report/mean_tables.h"

namespace qk {
namespace {

namespace fs = std::filesystem;

constexpr size_t kBufferBytes = size_t{1} << 18;
constexpr std::string_view kCurvesRecord = "curves";
constexpr std::string_view kTrendsRecord = "mean_trends";

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

// The format of a table; without rows for heads if its rows are means over heads.
HeadTableFormat format_of(std::string_view record) {
  for (const HeadTableFormat& format : head_table_formats()) {
    if (format.record == record) return format;
  }
  if (record == kTrendsRecord) return {kTrendsRecord, mean_trend_header, nullptr};
  QK_CHECK(record == kCurvesRecord);
  return {kCurvesRecord, curve_header, nullptr};
}

}  // namespace

CsvTable::CsvTable(const fs::path& path, const std::string& header)
    : path_(path), packing_(packing_of(path)), file_(with_folder(path)), buffer_(header + '\n') {}

void CsvTable::append(const std::string& lines) {
  num_rows_ += std::count(lines.begin(), lines.end(), '\n');
  buffer_ += lines;
  if (packing_ != Packing::kNone || buffer_.size() < kBufferBytes) return;
  file_.append(buffer_);
  buffer_.clear();
}

void CsvTable::flush() {
  if (!has_rows()) return;
  file_.append(packing_ == Packing::kNone ? buffer_ : pack_text(buffer_, packing_, path_));
  buffer_.clear();
  file_.sync();
}

void CsvTable::finish() {
  if (has_rows()) file_.finish();
}

CsvTables::CsvTables(std::span<const TablePath> tables) {
  for (const TablePath& table : tables) {
    const HeadTableFormat format = format_of(table.record);
    tables_.push_back(std::make_unique<CsvTable>(table.path, format.header()));
    formats_.push_back(format);
    if (format.record == kCurvesRecord) curve_table_ = tables_.back().get();
    if (format.record == kTrendsRecord) trend_table_ = tables_.back().get();
  }
}

void CsvTables::add(const HeadMetrics& head) {
  for (size_t i = 0; i < tables_.size(); ++i) {
    if (formats_[i].lines != nullptr) tables_[i]->append(formats_[i].lines(head));
  }
  if (curve_table_ != nullptr) curves_.add(head);
  if (trend_table_ != nullptr) trends_.add(head);
}

void CsvTables::end_heads() {
  if (curve_table_ != nullptr) curve_table_->append(curve_lines(curves_.result()));
  if (trend_table_ != nullptr) trend_table_->append(mean_trend_lines(trends_.result()));
}

void CsvTables::flush() {
  for (const auto& table : tables_) table->flush();
}

void CsvTables::finish() {
  for (const auto& table : tables_) table->finish();
}

std::vector<std::pair<std::string, int64_t>> CsvTables::row_counts() const {
  std::vector<std::pair<std::string, int64_t>> out;
  out.reserve(tables_.size());
  for (size_t i = 0; i < tables_.size(); ++i) {
    out.emplace_back(formats_[i].record, tables_[i]->num_rows());
  }
  return out;
}

}  // namespace qk
