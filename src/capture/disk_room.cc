#include "capture/disk_room.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <system_error>
#include <vector>

#include "base/error.h"
#include "base/path_text.h"
#include "capture/memory_plan.h"
#include "corpus/corpus.h"
#include "dataset/overwrite.h"

namespace qk {
namespace {

namespace fs = std::filesystem;

// Of the folder, or of the nearest one above that is there.
std::optional<double> free_bytes(const fs::path& folder) {
  std::error_code error;
  for (fs::path here = fs::absolute(folder, error);; here = here.parent_path()) {
    const fs::space_info space = fs::space(here, error);
    if (!error) return static_cast<double>(space.available);
    if (here == here.parent_path()) return {};
  }
}

double journal_bytes(const fs::path& folder) {
  std::error_code error;
  const auto bytes = fs::file_size(journal_path(folder), error);
  return error ? 0 : static_cast<double>(bytes);
}

DiskRoom room_for(const PreparedRun& run, double rows_of_head) {
  const fs::path folder = run.config.output.data_root;
  const double rows = rows_of_head * static_cast<double>(run.plan.num_files());
  DiskRoom out;
  out.needed = std::max(0.0, 2 * rows * row_bytes(run.plan) - journal_bytes(folder));
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

std::string check_disk(PreparedRun& run, Resolver& resolver) {
  const fs::path folder = run.config.output.data_root;
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
  return fmt::format(
      "{}: the run needs about {} of disk for its journal and its dataset, and {} are free there: make "
      "room, or choose another folder with --set output.data_root=FOLDER",
      path_text(folder), size_text(room.needed), size_text(room.free.value_or(0)));
}

}  // namespace qk
