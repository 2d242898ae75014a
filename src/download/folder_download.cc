// Downloads into a folder of real files.
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <map>
#include <system_error>
#include <utility>

#include "base/error.h"
#include "base/mapped_file.h"
#include "base/path_text.h"
#include "base/stopped.h"
#include "download/cache_writer.h"
#include "download/disk_room.h"
#include "download/download.h"
#include "download/download_parts.h"
#include "download/fetch_content.h"
#include "download/file_lock.h"
#include "download/local_folder.h"
#include "download/partial_file.h"
#include "download/transfer_meter.h"
#include "download/transfer_threads.h"

namespace qk {
namespace {

namespace fs = std::filesystem;

constexpr size_t kCopyStep = size_t{4} << 20;

// The file in the cache; empty: it is not there.
fs::path in_cache(const CachePaths& cache, const RemoteFile& file) {
  if (is_in_snapshot(cache, file)) return cache.snapshot_file(file);
  return is_in_blobs(cache, file) ? cache.blob(file) : fs::path();
}

class FolderDownload {
 public:
  FolderDownload(HubClient& hub, const RepoTree& tree, const CachePaths& cache,
                 const LocalFolder& folder, TransferMeter& meter)
      : hub_(hub), tree_(tree), cache_(cache), folder_(folder), meter_(meter) {}

  void run(const RemoteFile& file, const std::function<void()>& check) {
    const fs::path lock_path = folder_.lock(file);
    const FileLock lock(lock_path, note_waiting(hub_, tree_, file, lock_path, check));
    const fs::path target = folder_.file(file);
    std::error_code error;
    fs::create_directories(target.parent_path(), error);
    if (error) fail("{}: cannot be made: {}", path_text(target.parent_path()), error.message());
    PartialFile partial(folder_.partial(file), file, check);
    meter_.add_before(partial.size());
    const FetchHooks hooks = hooks_of(meter_, check);
    if (!copy(file, partial, target, hooks)) {
      fetch_content(hub_, tree_, file, partial, target, hooks);
    }
    folder_.write_record(file, tree_.commit);
    meter_.file_done();
  }

 private:
  // False: the cache does not have it, or something else under its name.
  bool copy(const RemoteFile& file, PartialFile& partial, const fs::path& target,
            const FetchHooks& hooks) {
    const fs::path source = in_cache(cache_, file);
    if (source.empty()) return false;
    try {
      const MappedFile mapped(source);
      auto rest = mapped.bytes().subspan(static_cast<size_t>(partial.size()));
      while (!rest.empty()) {
        hooks.check();
        const size_t step = std::min(rest.size(), kCopyStep);
        partial.append(rest.first(step));
        hooks.received(static_cast<int64_t>(step));
        rest = rest.subspan(step);
      }
      partial.finish(target);
      return true;
    } catch (const WrongContent&) {
      hooks.discarded(partial.size());
      partial.restart();
      return false;
    }
  }

  HubClient& hub_;
  const RepoTree& tree_;
  const CachePaths& cache_;
  const LocalFolder& folder_;
  TransferMeter& meter_;
};

// A file system that does not tell "A" from "a" keeps one of two files.
void check_distinct(const LocalFolder& folder, const std::vector<const RemoteFile*>& files) {
  std::map<std::pair<dev_t, ino_t>, std::string> known;
  for (const RemoteFile* file : files) {
    struct stat status{};
    const fs::path path = folder.file(*file);
    if (::stat(path.c_str(), &status) != 0) {
      fail("{}: cannot be read: {}", path_text(path), std::strerror(errno));
    }
    const auto [first, is_new] = known.try_emplace({status.st_dev, status.st_ino}, file->digest());
    if (is_new || first->second == file->digest()) continue;
    fail(
        "{}: another file of the repository lies under this name; the file system may not tell "
        "capital letters from small ones",
        path_text(path));
  }
}

MissingFiles missing_of_folder(const CachePaths& cache, const LocalFolder& folder,
                               const std::vector<const RemoteFile*>& files) {
  MissingFiles missing;
  for (const RemoteFile* file : files) {
    if (!in_cache(cache, *file).empty()) continue;
    missing.files.push_back(*file);
    std::error_code error;
    const auto partial = static_cast<int64_t>(fs::file_size(folder.partial(*file), error));
    missing.bytes += error || partial > file->size ? file->size : file->size - partial;
  }
  return missing;
}

}  // namespace

void download_to_folder(HubClient& hub, const fs::path& cache, const RepoTree& tree,
                        const std::vector<std::string>& paths, const fs::path& folder,
                        const TransferOptions& options) {
  const CachePaths places(cache, tree.repo, tree.commit);
  const LocalFolder local(folder);
  const auto check_stop = [&hub] {
    if (hub.stop() != nullptr && hub.stop()->load()) throw Stopped();
  };
  const std::vector<const RemoteFile*> all = files_of(tree, paths);
  std::vector<const RemoteFile*> files;
  int64_t bytes = 0;
  for (const RemoteFile* file : all) {
    if (local.state(*file, tree.commit, check_stop) == LocalFolder::State::kWhole) continue;
    files.push_back(file);
    bytes += file->size;
  }
  const MissingFiles missing = missing_of_folder(places, local, files);
  check_obtainable(hub, tree, missing);
  check_disk_room(folder, bytes, tree.repo.id, "choose a folder");
  local.prepare();
  std::stable_sort(files.begin(), files.end(),
                   [](const RemoteFile* a, const RemoteFile* b) { return a->size > b->size; });
  TransferMeter meter(options, static_cast<int64_t>(files.size()), bytes);
  FolderDownload download(hub, tree, places, local, meter);
  run_transfers(options.max_workers, static_cast<int64_t>(files.size()), hub.stop(),
                [&](int64_t index, const std::function<void()>& check) {
                  download.run(*files[static_cast<size_t>(index)], check);
                });
  meter.finish();
  check_distinct(local, all);
}

}  // namespace qk
