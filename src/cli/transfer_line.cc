#include "cli/transfer_line.h"

#include <fmt/format.h>

#include <cstdio>

#include "base/number_text.h"

namespace qk {
namespace {

constexpr double kMoment = 1;  // seconds

// "1.2 of 16.4 GB", "980.0 kB of 1.2 GB".
std::string part_text(int64_t done, int64_t total) {
  const std::string all = bytes_text(static_cast<double>(total));
  std::string part = bytes_text(static_cast<double>(done));
  const size_t unit = part.find(' ');
  if (all.ends_with(part.substr(unit))) part.resize(unit);
  return part + " of " + all;
}

}  // namespace

std::string transfer_text(const TransferProgress& progress) {
  std::string out = fmt::format("{}  {}/{} files, {}", progress.is_upload ? "upload  " : "download",
                                count_text(progress.files_done), count_text(progress.files_total),
                                part_text(progress.bytes_done, progress.bytes_total));
  const auto left = static_cast<double>(progress.bytes_total - progress.bytes_done);
  if (left <= 0) return out;
  out += fmt::format(", {}/s", bytes_text(progress.bytes_per_second));
  if (progress.bytes_per_second < 1) return out;
  return out + fmt::format(", {} left", seconds_text(left / progress.bytes_per_second));
}

void TransferLine::show(const TransferProgress& progress) {
  const std::scoped_lock lock(mutex_);
  if (!line_ || progress.seconds < seconds_) line_.emplace();
  seconds_ = progress.seconds;
  const bool is_last =
      progress.bytes_done >= progress.bytes_total && progress.files_done >= progress.files_total;
  // Without a bar: with it, the time left would not fit on 80 columns.
  line_->draw(transfer_text(progress), std::nullopt, progress.seconds,
              is_last && progress.seconds >= kMoment);
  if (!is_last) return;
  if (progress.seconds < kMoment) line_->clear();
  line_.reset();
}

void TransferLine::note(const std::string& sentence) {
  const std::scoped_lock lock(mutex_);
  if (line_) line_->end_line();
  std::fprintf(stderr, "qkscope: %s\n", sentence.c_str());
}

}  // namespace qk
