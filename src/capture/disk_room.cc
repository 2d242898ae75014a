#include "capture/disk_room.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <system_error>
#include <vector>

#include "base/error.h"
#include "base/path_text.h"
#include "capture/memory_plan.h"
#include "corpus/corpus.h"
#include "dataset/journal_files.h"
#include "dataset/overwrite.h"
#include "download/disk_room.h"

namespace qk {
namespace {

namespace fs = std::filesystem;

std::optional<double> free_bytes(const fs::path& folder) {
  std::error_code error;
  const fs::space_info space = fs::space(nearest_folder(folder), error);
  if (error) return {};
  return static_cast<double>(space.available);
}

bool on_same_disk(const fs::path& a, const fs::path& b) {
  struct stat first{};
  struct stat second{};
  return ::stat(nearest_folder(a).c_str(), &first) == 0 &&
         ::stat(nearest_folder(b).c_str(), &second) == 0 && first.st_dev == second.st_dev;
}

double journal_bytes(const fs::path& folder) {
  double bytes = 0;
  for (const fs::path& journal : journal_paths(folder)) {
    std::error_code error;
    const auto size = fs::file_size(journal, error);
    if (!error) bytes += static_cast<double>(size);
  }
  return bytes;
}

DiskRoom room_for(const PreparedRun& run, double rows_of_head) {
  const fs::path folder = run.config.output.data_root;
  const double rows = rows_of_head * static_cast<double>(run.plan.num_files());
  DiskRoom out;
  if (on_same_disk(folder, run.model.source)) {
    out.download = static_cast<double>(run.model.unbrought_bytes);
  }
  out.needed = out.download + std::max(0.0, 2 * rows * row_bytes(run.plan) - journal_bytes(folder));
  out.free = free_bytes(folder);
  return out;
}

std::string size_text(double bytes) {
  constexpr std::array<std::string_view, 5> kUnits = {"B", "kB", "MB", "GB", "TB"};
  size_t unit = 0;
  for (; bytes >= 1000 && unit + 1 < kUnits.size(); ++unit) bytes /= 1000;
  return fmt::format("{:.1f} {}", bytes, kUnits.at(unit));
}

}  // namespace

DiskRoom plan_disk(const PreparedRun& run, const CorpusLengths& lengths) {
  double rows = 0;
  for (const BucketDesign& bucket :
       design_buckets(run.config.capture, lengths.tokens, lengths.scale())) {
    rows += bucket.rows;
  }
  DiskRoom out = room_for(run, rows);
  out.is_exact = lengths.is_whole;
  return out;
}

DiskRoom plan_download(const PreparedRun& run) {
  DiskRoom out;
  out.needed = out.download = static_cast<double>(run.model.unbrought_bytes);
  out.free = free_bytes(run.model.source);
  out.is_exact = true;
  return out;
}

std::string check_disk(PreparedRun& run, Resolver& resolver) {
  const fs::path folder = run.config.output.data_root;
  const DiskRoom download = plan_download(run);
  if (!download.fits()) fail("{}", disk_sentence(run.model.source, download));
  if (const auto documents = run.corpus->num_documents()) {
    const double rows = expected_rows(run.config.capture, planned_length(run.config));
    if (room_for(run, rows * static_cast<double>(*documents)).fits()) return "";
  }
  const DiskRoom room = plan_disk(run, measure_lengths(run));
  run.corpus = open_corpus(run.config.dataset, resolver);
  if (room.is_hopeless()) fail("{}", disk_sentence(folder, room));
  return room.fits() ? "" : disk_sentence(folder, room);
}

std::string disk_sentence(const fs::path& folder, const DiskRoom& room) {
  const std::string size = size_text(room.needed);
  const std::string free = size_text(room.free.value_or(0));
  if (room.needed == room.download) {
    return fmt::format(
        "{}: the weights to be downloaded take {}, and {} are free there: make room, or set HF_HUB_CACHE "
        "to another folder",
        path_text(folder), size, free);
  }
  return fmt::format(
      "{}: the run needs about {} of disk for {}its journal and its dataset, and {} are free there: make "
      "room, or choose another folder with --set output.data_root=FOLDER",
      path_text(folder), size,
      room.download > 0
          ? fmt::format("the weights to be downloaded ({}), ", size_text(room.download))
          : "",
      free);
}

}  // namespace qk
