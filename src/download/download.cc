#include "download/download.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <map>
#include <random>
#include <system_error>
#include <utility>

#include "base/error.h"
#include "base/path_text.h"
#include "download/cache_writer.h"
#include "download/disk_room.h"
#include "download/download_parts.h"
#include "download/fetch_content.h"
#include "download/file_lock.h"
#include "download/partial_file.h"
#include "download/transfer_meter.h"
#include "download/transfer_threads.h"

namespace qk {
namespace {

namespace fs = std::filesystem;

// The files of one content: downloaded once.
struct BlobTask {
  std::vector<const RemoteFile*> files;
  const RemoteFile& any() const { return *files.front(); }
};

fs::path partial_path(const fs::path& blob) { return blob.string() + ".incomplete"; }

int64_t partial_bytes(const fs::path& blob, int64_t size) {
  std::error_code error;
  const auto bytes = static_cast<int64_t>(fs::file_size(partial_path(blob), error));
  return error || bytes > size ? 0 : bytes;
}

// Those that the snapshot lacks, the largest first: the last one to be started is then a small one,
// so that the workers end at about the same time.
std::vector<BlobTask> missing_blobs(const CachePaths& paths,
                                    const std::vector<const RemoteFile*>& files) {
  std::map<std::string, BlobTask> by_digest;
  for (const RemoteFile* file : files) {
    if (!is_in_snapshot(paths, *file)) by_digest[file->digest()].files.push_back(file);
  }
  std::vector<BlobTask> tasks;
  tasks.reserve(by_digest.size());
  for (auto& [digest, task] : by_digest) tasks.push_back(std::move(task));
  std::stable_sort(tasks.begin(), tasks.end(), [](const BlobTask& a, const BlobTask& b) {
    return a.any().size > b.any().size;
  });
  return tasks;
}

// What a call of download_to_cache() shares among its threads.
class CacheDownload {
 public:
  CacheDownload(HubClient& hub, const RepoTree& tree, const CachePaths& paths, TransferMeter& meter)
      : hub_(hub), tree_(tree), paths_(paths), meter_(meter) {}

  void run(const BlobTask& task, const std::function<void()>& check) {
    const RemoteFile& file = task.any();
    const fs::path lock_path = paths_.lock(file);
    const FileLock lock(lock_path, note_waiting(hub_, tree_, file, lock_path, check));
    const bool is_new = !is_in_blobs(paths_, file);
    if (is_new) {
      fetch(file, lock.is_held(), check);
    } else {
      meter_.add_before(file.size);
    }
    for (const RemoteFile* each : task.files) {
      // Other snapshots may link to a blob that was there.
      const bool may_move = is_new && each == task.files.back();
      put_into_snapshot(paths_, *each, hub_.settings().symlinks, may_move);
    }
    meter_.file_done();
  }

 private:
  // Without a lock, another program may write the usual file at the same time: ours is another one,
  // which nobody can go on with.
  void fetch(const RemoteFile& file, bool is_locked, const std::function<void()>& check) {
    fs::path path = partial_path(paths_.blob(file));
    if (!is_locked) {
      path =
          fmt::format("{}.{:08x}.incomplete", paths_.blob(file).string(), std::random_device()());
    }
    PartialFile partial(path, file, check);
    meter_.add_before(partial.size());
    if (!is_locked) partial.discard();
    fetch_content(hub_, tree_, file, partial, paths_.blob(file), hooks_of(meter_, check));
  }

  HubClient& hub_;
  const RepoTree& tree_;
  const CachePaths& paths_;
  TransferMeter& meter_;
};

void check_writable(const CachePaths& paths, const RepoTree& tree, size_t num_missing) {
  const fs::path folder = paths.repo / "blobs";
  std::error_code error;
  fs::create_directories(folder, error);
  if (!error && ::access(folder.c_str(), W_OK | X_OK) == 0) return;
  fail(
      "hub: {}: {} files are not in the Hub cache, and its folder {} cannot be written ({}): set "
      "HF_HUB_CACHE to another folder",
      tree.repo.id, num_missing, path_text(folder), error ? error.message() : std::strerror(errno));
}

// A file system that does not tell "A" from "a" shows one of two files under both names.
void check_all_there(const CachePaths& paths, const std::vector<const RemoteFile*>& files) {
  for (const RemoteFile* file : files) {
    if (is_in_snapshot(paths, *file)) continue;
    fail(
        "{}: it was downloaded, but the folder shows another file under its name; the file system "
        "may not tell capital letters from small ones",
        path_text(paths.snapshot_file(*file)));
  }
}

MissingFiles missing_of(const CachePaths& paths, const std::vector<BlobTask>& tasks) {
  MissingFiles missing;
  for (const BlobTask& task : tasks) {
    const RemoteFile& file = task.any();
    if (is_in_blobs(paths, file)) continue;
    for (const RemoteFile* each : task.files) missing.files.push_back(*each);
    missing.bytes += file.size - partial_bytes(paths.blob(file), file.size);
  }
  return missing;
}

}  // namespace

MissingFiles missing_in_cache(const fs::path& cache, const RepoTree& tree,
                              const std::vector<std::string>& paths) {
  const CachePaths places(cache, tree.repo, tree.commit);
  return missing_of(places, missing_blobs(places, files_of(tree, paths)));
}

void download_to_cache(HubClient& hub, const fs::path& cache, const RepoTree& tree,
                       const std::vector<std::string>& paths, const TransferOptions& options) {
  const CachePaths places(cache, tree.repo, tree.commit);
  const std::vector<const RemoteFile*> files = files_of(tree, paths);
  const std::vector<BlobTask> tasks = missing_blobs(places, files);
  if (!tasks.empty()) {
    const MissingFiles missing = missing_of(places, tasks);
    check_obtainable(hub, tree, missing);
    check_writable(places, tree, tasks.size());
    check_disk_room(places.repo, missing.bytes, tree.repo.id, "set HF_HUB_CACHE to a folder");
    int64_t bytes = 0;
    for (const BlobTask& task : tasks) bytes += task.any().size;
    TransferMeter meter(options, static_cast<int64_t>(tasks.size()), bytes);
    CacheDownload download(hub, tree, places, meter);
    run_transfers(options.max_workers, static_cast<int64_t>(tasks.size()), hub.stop(),
                  [&](int64_t index, const std::function<void()>& check) {
                    download.run(tasks[static_cast<size_t>(index)], check);
                  });
    meter.finish();
    check_all_there(places, files);
  }
  if (!files.empty()) write_ref(places, tree.revision);
}

}  // namespace qk
