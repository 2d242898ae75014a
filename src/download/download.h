// Files of a repository into the Hub cache (hub/hub_cache.h) or into a folder: parallel, resumed, and
// proven by their digest before they get their name.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "hub/hub_api.h"
#include "hub/hub_client.h"

namespace qk {

struct TransferProgress {
  bool is_upload = false;
  int64_t bytes_done = 0, bytes_total = 0;  // of the files that are transferred
  int64_t bytes_before = 0;                 // of bytes_done, what an interrupted run had
  int64_t files_done = 0, files_total = 0;
  double seconds = 0;
  double bytes_per_second = 0;  // lately
};

struct TransferOptions {
  int max_workers = 8;
  // Called by one thread at a time, a few times a second at most, and at the end.
  std::function<void(const TransferProgress&)> progress;
};

// A repository at one commit.
struct RepoTree {
  Repo repo;
  std::string commit;
  std::vector<RemoteFile> files;  // sorted by path
  std::string revision{};         // that was asked for
  // False: the Hub did not answer and the cache does not know the list of all files; these are those
  // in the snapshot, with sizes and digests as far as its links tell.
  bool is_complete = true;
};

// The tree of a revision. Asks the Hub, unless the revision is a commit whose tree the cache knows;
// writes trees/ of the cache. If the Hub does not answer (offline, unreachable, no access), it is the
// tree that the cache knows, with a note; without one, throws the HubError.
RepoTree fetch_tree(HubClient& hub, const std::filesystem::path& cache, const Repo& repo,
                    const std::string& revision);

// Those of `paths` that the cache lacks, and the bytes that have to be downloaded: without those that
// an interrupted run left. Throws Error if the repository has no such file.
struct MissingFiles {
  std::vector<RemoteFile> files;
  int64_t bytes = 0;
};
MissingFiles missing_in_cache(const std::filesystem::path& cache, const RepoTree& tree,
                              const std::vector<std::string>& paths);

// Returns when all are in the snapshot folder; refs/ names its commit then. Throws HubError, Stopped,
// Error (disk full, cache not writable, wrong content twice); what was whole by then stays, and the
// same call goes on.
void download_to_cache(HubClient& hub, const std::filesystem::path& cache, const RepoTree& tree,
                       const std::vector<std::string>& paths, const TransferOptions& options);

// The same into a folder of real files, as huggingface_hub's local_dir (records below
// <folder>/.cache/huggingface). A file that the cache has is copied. Files there that have another
// content are replaced only if a record says that they were downloaded; else Error.
void download_to_folder(HubClient& hub, const std::filesystem::path& cache, const RepoTree& tree,
                        const std::vector<std::string>& paths, const std::filesystem::path& folder,
                        const TransferOptions& options);

}  // namespace qk
