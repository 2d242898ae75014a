#include "dataset/dataset_writer.h"

#include <unistd.h>

#include <mutex>
#include <set>
#include <system_error>
#include <utility>

#include "base/atomic_file.h"
#include "base/error.h"
#include "dataset/head_file.h"
#include "dataset/head_records.h"
#include "dataset/overwrite.h"

namespace qk {
namespace {

namespace fs = std::filesystem;

fs::path final_path(const fs::path& folder, const HeadRecords& head) {
  return folder / head.config() / "data.parquet";
}

fs::path temporary_path(const fs::path& folder, const HeadRecords& head) {
  return folder / head.config() / "data.parquet.tmp";
}

// The temporary files of all heads and the folders made for them; what was not published goes with
// it.
class Staging {
 public:
  Staging(const fs::path& folder, const std::vector<HeadRecords>& heads)
      : folder_(folder), heads_(heads) {
    for (const HeadRecords& head : heads_) make_folder(folder_ / head.config());
  }
  Staging(const Staging&) = delete;
  Staging& operator=(const Staging&) = delete;
  ~Staging() {
    for (size_t i = num_published_; i < heads_.size(); ++i) {
      ::unlink(temporary_path(folder_, heads_[i]).c_str());
    }
    for (const fs::path& made : made_) ::rmdir(made.c_str());  // stays if it is not empty
  }

  void publish() {
    for (; num_published_ < heads_.size(); ++num_published_) {
      const HeadRecords& head = heads_[num_published_];
      publish_file(temporary_path(folder_, head), final_path(folder_, head));
    }
  }

 private:
  void make_folder(const fs::path& path) {
    std::error_code error;
    const fs::file_status status = fs::symlink_status(path, error);
    if (fs::is_symlink(status)) {
      fail("{}: is a symbolic link, a head's folder must be a folder", path.string());
    }
    if (fs::is_directory(status)) return;
    if (!fs::create_directory(path, error)) {
      fail("{}: cannot be created: {}", path.string(),
           error ? error.message() : "there is a file of this name");
    }
    made_.push_back(path);
  }

  fs::path folder_;
  const std::vector<HeadRecords>& heads_;
  std::vector<fs::path> made_;
  size_t num_published_ = 0;
};

void check_not_there(const fs::path& folder, const std::vector<HeadRecords>& heads) {
  for (const HeadRecords& head : heads) {
    const fs::path path = final_path(folder, head);
    std::error_code error;
    if (fs::exists(fs::symlink_status(path, error))) {
      fail("{}: is there already; --overwrite replaces the dataset", path.string());
    }
  }
}

void add(DatasetSummary& summary, const HeadFileSummary& file) {
  summary.rows += file.rows;
  summary.bytes += file.bytes;
  for (const auto& [bucket, count] : file.bucket_counts) summary.bucket_counts[bucket] += count;
}

}  // namespace

DatasetSummary write_dataset(const JournalReader& journal, const fs::path& folder,
                             const DatasetOptions& options, ThreadPool& pool,
                             const std::function<void(int64_t, int64_t)>& progress) {
  if (!journal.lost().empty()) {
    fail("{}: damaged at byte {}: document {} is lost", journal.path().string(),
         journal.damage().front(), journal.lost().front());
  }
  const std::vector<HeadRecords> heads = heads_of(journal);
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) fail("{}: cannot be created: {}", folder.string(), error.message());
  if (!options.overwrite && !options.resume) check_not_there(folder, heads);

  DatasetSummary summary;
  std::set<std::string> configs;
  for (const HeadRecords& head : heads) configs.insert(head.config());
  summary.configs.assign(configs.begin(), configs.end());

  Staging staging(folder, heads);
  const auto total = static_cast<int64_t>(heads.size());
  int64_t done = 0;
  std::mutex mutex;
  pool.parallel_for(total, [&](int64_t index, int) {
    const HeadRecords& head = heads[static_cast<size_t>(index)];
    const HeadFileSummary file =
        write_head_file(journal, head, temporary_path(folder, head), options);
    const std::lock_guard lock(mutex);
    add(summary, file);
    ++done;
    if (progress) progress(done, total);
  });
  if (options.overwrite) remove_dataset(folder, configs);
  staging.publish();
  return summary;
}

}  // namespace qk
