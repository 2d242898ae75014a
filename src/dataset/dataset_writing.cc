#include "dataset/dataset_writing.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <mutex>
#include <optional>
#include <set>
#include <span>
#include <string_view>
#include <system_error>
#include <utility>

#include "base/atomic_file.h"
#include "base/error.h"
#include "base/hash.h"
#include "dataset/document_table.h"
#include "dataset/head_file_writer.h"
#include "dataset/head_inspection.h"
#include "dataset/overwrite.h"
#include "dataset/temporary_files.h"
#include "journal/journal_index.h"

namespace qk {
namespace {

namespace fs = std::filesystem;

constexpr double kLateSeconds = 90;  // until a node sees what another wrote

fs::path final_path(const fs::path& folder, const HeadRecords& head) {
  return folder / head.config() / "data.parquet";
}

fs::path table_path(const fs::path& folder) {
  return folder / (std::string(kDocumentTable) + ".tmp");
}

bool exists_now(const fs::path& path) {
  std::error_code error;
  return fs::exists(fs::symlink_status(path, error));
}

// Which file has a name now; none: there is none.
using FileIdentity = std::pair<dev_t, ino_t>;
std::optional<FileIdentity> identity_of(const fs::path& path) {
  struct stat status{};
  if (::lstat(path.c_str(), &status) != 0) return std::nullopt;
  return FileIdentity(status.st_dev, status.st_ino);
}

std::vector<WritingUnit> units_of(const std::vector<HeadRecords>& heads) {
  std::vector<WritingUnit> units;
  for (size_t head = 0; head < heads.size(); ++head) {
    const int32_t layer = heads[head].layer->layer;
    if (units.empty() || units.back().layer != layer) units.push_back({layer, head, head});
    units.back().end = head + 1;
  }
  return units;
}

// Writes the temporary file of a head and reads it again: it must hold what the journals say.
HeadResult write_checked(const JournalSet& journal, const HeadRecords& head, const fs::path& path,
                         const DatasetOptions& options, RowWatch& watch) {
  HeadFileSummary written = write_head_file(journal, head, path, options);
  HeadInfo read;
  try {
    inspect_head_file(path, read, watch);
  } catch (const Error& error) {
    fail("{}: was not stored as it was written: {}", path.string(), error.what());
  }
  if (read.rows != written.rows || read.rows_digest != written.rows_digest) {
    fail("{}: was not stored as it was written: {} rows, expected {} as in the journal",
         path.string(), read.rows == written.rows ? "other" : fmt::format("{}", read.rows),
         written.rows);
  }
  return {.file = {head.config(), written.rows, written.bytes, sha256_file(path)},
          .bucket_counts = std::move(written.bucket_counts)};
}

// Writes the temporary file of the table of documents and reads it again.
FileSummary write_checked(const DocumentTable& table, const fs::path& path,
                          const DatasetOptions& options) {
  write_document_table(path, table, options.footer);
  if (read_document_file(path) != table) {
    fail("{}: was not stored as it was written", path.string());
  }
  return {"", std::ssize(table), static_cast<int64_t>(fs::file_size(path)), sha256_file(path)};
}

void add(DatasetSummary& summary, const UnitResult& unit) {
  for (const HeadResult& head : unit.heads) {
    summary.rows += head.file.rows;
    summary.bytes += head.file.bytes;
    for (const auto& [bucket, count] : head.bucket_counts) summary.bucket_counts[bucket] += count;
    summary.files.push_back(head.file);
  }
  merge_bucket_facts(summary.buckets, unit.buckets);
}

}  // namespace

DatasetWriting::DatasetWriting(const JournalSet& journal, fs::path folder, DatasetOptions options,
                               std::string token)
    : journal_(journal),
      folder_(std::move(folder)),
      options_(std::move(options)),
      token_(std::move(token)),
      heads_(heads_of(journal)),
      units_(units_of(heads_)),
      watches_(watch_rows(options_.canaries)) {
  QK_CHECK(token_.empty() || is_start_token(token_));
  for (const HeadRecords& head : heads_) watches_.try_emplace(head.config());
}

DatasetWriting::~DatasetWriting() {
  if (!has_begun_ || is_finished_) return;
  for (const HeadRecords& head : heads_) remove_temporary_files(folder_ / head.config());
  ::unlink(table_path(folder_).c_str());
  for (const fs::path& made : made_) ::rmdir(made.c_str());  // stays if it is not empty
}

fs::path DatasetWriting::temporary_path(size_t head, const std::string& token) const {
  return folder_ / heads_[head].config() / temporary_name(token);
}

void DatasetWriting::make_head_folder(const fs::path& path) {
  std::error_code error;
  const fs::file_status status = fs::symlink_status(path, error);
  if (fs::is_symlink(status)) {
    fail("{}: is a symbolic link, a head's folder must be a folder", path.string());
  }
  if (fs::is_directory(status)) return remove_temporary_files(path);
  if (!fs::create_directory(path, error)) {
    fail("{}: cannot be created: {}", path.string(),
         error ? error.message() : "there is a file of this name");
  }
  made_.push_back(path);
}

void DatasetWriting::begin() {
  journal_.check_lost();
  std::error_code error;
  fs::create_directories(folder_, error);
  if (error) fail("{}: cannot be created: {}", folder_.string(), error.message());
  if (!options_.overwrite && !options_.resume) {
    for (const HeadRecords& head : heads_) {
      const fs::path path = final_path(folder_, head);
      if (!exists_now(path)) continue;
      fail("{}: exists already; --overwrite replaces the dataset", path.string());
    }
  }
  has_begun_ = true;
  for (const HeadRecords& head : heads_) make_head_folder(folder_ / head.config());
}

HeadResult DatasetWriting::write_head(size_t head, const std::string& token) {
  return write_checked(journal_, heads_[head], temporary_path(head, token), options_,
                       watches_.at(heads_[head].config()));
}

std::string DatasetWriting::encode(const WritingUnit& unit, const std::string& token,
                                   std::span<const HeadResult> heads) {
  UnitResult result;
  result.token = token;
  result.heads.assign(heads.begin(), heads.end());
  for (const JournalSet::Group& group : journal_.groups()) {
    if (group.layer != unit.layer) continue;
    merge_bucket_facts(result.buckets, bucket_facts(journal_, group));
  }
  std::set<std::string> configs;
  for (size_t head = unit.begin; head < unit.end; ++head) configs.insert(heads_[head].config());
  for (size_t i = 0; i < options_.canaries.size(); ++i) {
    const RowPair& pair = options_.canaries[i];
    if (!configs.contains(pair.query_config)) continue;
    result.canaries[static_cast<int64_t>(i)] = canary_fault(pair, watches_);
  }
  return qk::encode(result);
}

std::string DatasetWriting::write_unit(size_t unit, ThreadPool& pool,
                                       const std::function<void()>& wrote) {
  QK_CHECK(unit < units_.size());
  const WritingUnit& of = units_[unit];
  // Of this call alone: the leader may be about to rename what an earlier one wrote.
  const std::string token = fmt::format("{}.{}", token_.empty() ? "unit" : token_, ++num_calls_);
  const fs::path last = final_path(folder_, heads_[of.end - 1]);
  const std::optional<FileIdentity> before = identity_of(last);
  std::vector<HeadResult> results(of.num_files());
  std::mutex mutex;
  try {
    pool.parallel_for(std::ssize(results), [&](int64_t index, int) {
      const auto at = static_cast<size_t>(index);
      results[at] = write_head(of.begin + at, token);
      const std::lock_guard lock(mutex);
      if (wrote) wrote();
    });
  } catch (const Error&) {
    // The leader has renamed another's files, and removed these.
    const std::optional<FileIdentity> now = identity_of(last);
    if (now && now != before) return "";
    throw;
  }
  return encode(of, token, results);
}

std::vector<std::string> DatasetWriting::write_all(
    ThreadPool& pool, const std::function<void(int64_t, int64_t)>& wrote) {
  std::vector<HeadResult> results(heads_.size());
  int64_t done = 0;
  std::mutex mutex;
  pool.parallel_for(num_files(), [&](int64_t index, int) {
    results[static_cast<size_t>(index)] = write_head(static_cast<size_t>(index), token_);
    const std::lock_guard lock(mutex);
    ++done;
    if (wrote) wrote(done, num_files());
  });
  std::vector<std::string> texts;
  texts.reserve(units_.size());
  for (const WritingUnit& unit : units_) {
    texts.push_back(encode(unit, token_, std::span(results).subspan(unit.begin, unit.num_files())));
  }
  return texts;
}

// In the order of the options, as if one process had checked them.
void DatasetWriting::check_canaries(const std::vector<UnitResult>& results) const {
  std::map<int64_t, std::string> faults;
  for (const UnitResult& result : results) {
    faults.insert(result.canaries.begin(), result.canaries.end());
  }
  for (size_t i = 0; i < options_.canaries.size(); ++i) {
    const auto it = faults.find(static_cast<int64_t>(i));
    const std::string fault =
        it == faults.end() ? canary_fault(options_.canaries[i], {}) : it->second;
    if (!fault.empty()) fail("{}: {}", journal_.name(), fault);
  }
}

void DatasetWriting::publish(const std::vector<UnitResult>& results, bool has_table) {
  if (has_table) publish_file(table_path(folder_), folder_ / kDocumentTable);
  for (size_t i = 0; i < units_.size(); ++i) {
    for (size_t head = units_[i].begin; head < units_[i].end; ++head) {
      publish_file(temporary_path(head, results[i].token), final_path(folder_, heads_[head]));
    }
  }
}

// Waits until all files of the results are there.
std::vector<UnitResult> DatasetWriting::gather(const std::vector<std::string>& results) const {
  std::vector<UnitResult> units;
  for (size_t i = 0; i < units_.size(); ++i) {
    const std::string what = fmt::format("{}: layer {}", folder_.string(), units_[i].layer);
    units.push_back(decode_unit_result(results[i], what));
    const std::vector<HeadResult>& heads = units.back().heads;
    if (heads.size() != units_[i].num_files()) fail("{}: a writer wrote other files", what);
    for (size_t k = 0; k < heads.size(); ++k) {
      const size_t head = units_[i].begin + k;
      if (heads[k].file.config != heads_[head].config()) {
        fail("{}: a writer wrote other files", what);
      }
      if (has_token(units.back().token, token_)) continue;
      wait_for_bytes(temporary_path(head, units.back().token),
                     static_cast<size_t>(heads[k].file.bytes), kLateSeconds);
    }
  }
  return units;
}

DatasetSummary DatasetWriting::finish(const std::vector<std::string>& results) {
  QK_CHECK(has_begun_ && results.size() == units_.size());
  const std::vector<UnitResult> units = gather(results);
  DatasetSummary summary;
  summary.canaries = options_.canaries;
  for (const UnitResult& unit : units) add(summary, unit);
  check_canaries(units);
  if (options_.document_names) {
    const DocumentTable table = document_table(journal_, *options_.document_names);
    summary.documents = write_checked(table, table_path(folder_), options_);
  }
  std::ranges::sort(summary.files, {}, &FileSummary::config);
  for (const FileSummary& file : summary.files) summary.configs.push_back(file.config);
  if (options_.overwrite) {
    std::set<std::string> keep(summary.configs.begin(), summary.configs.end());
    if (summary.documents) keep.emplace(kDocumentTable);
    remove_dataset(folder_, keep);
  }
  publish(units, summary.documents.has_value());
  is_finished_ = true;
  for (const HeadRecords& head : heads_) remove_temporary_files(folder_ / head.config());
  return summary;
}

void DatasetWriting::remove_rest() noexcept {
  if (token_.empty()) return;
  for (const HeadRecords& head : heads_) {
    try {
      remove_temporary_files(folder_ / head.config(), token_);
    } catch (const std::exception&) {  // NOLINT(bugprone-empty-catch): no memory for a path
    }
  }
}

}  // namespace qk
