#include "report/csv_tables.h"

#include <string_view>
#include <system_error>

#include "base/error.h"
#include "base/path_text.h"
#include "report/curve_table.h"

namespace qk {
namespace {

namespace fs = std::filesystem;

constexpr size_t kBufferBytes = size_t{1} << 18;
constexpr std::string_view kCurvesRecord = "curves";

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

// The format of a table; without rows for heads if they are the means over heads.
HeadTableFormat format_of(std::string_view record) {
  for (const HeadTableFormat& format : head_table_formats()) {
    if (format.record == record) return format;
  }
  QK_CHECK(record == kCurvesRecord);
  return {kCurvesRecord, curve_header, nullptr};
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

CsvTables::CsvTables(std::span<const TablePath> tables) {
  for (const TablePath& table : tables) {
    const HeadTableFormat format = format_of(table.record);
    tables_.push_back(std::make_unique<CsvTable>(table.path, format.header()));
    formats_.push_back(format);
    if (format.lines == nullptr) curve_table_ = tables_.back().get();
  }
}

void CsvTables::add(const HeadMetrics& head) {
  for (size_t i = 0; i < tables_.size(); ++i) {
    if (formats_[i].lines != nullptr) tables_[i]->append(formats_[i].lines(head));
  }
  if (curve_table_ != nullptr) curves_.add(head);
}

void CsvTables::finish() {
  if (curve_table_ != nullptr) curve_table_->append(curve_lines(curves_.result()));
  for (const auto& table : tables_) table->flush();
  for (const auto& table : tables_) table->finish();
}

}  // namespace qk
