// The SHA-256 of files, by which a run recognises its model and its corpus.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "base/thread_pool.h"

namespace qk {

struct IdentifiedFile {
  std::string name;  // without its folder
  int64_t bytes = 0;
  std::string sha256;
};

// Sorted by name. progress(bytes done, bytes in all) counts the files that are read, and is called
// by one thread at a time; what it throws ends the reading. A file of the Hub cache whose blob is named by its SHA-256 is not
// read, nor one of its snapshots that was not downloaded: it has the digest of the repository's list,
// and is left out if the cache does not know the list.
// Throws Error if a file cannot be read.
//   known  digests by path of files that were read before; these are not read
std::vector<IdentifiedFile> identify_files(
    std::span<const std::filesystem::path> paths, ThreadPool& pool,
    const std::function<void(int64_t done, int64_t total)>& progress,
    const std::map<std::filesystem::path, std::string>& known = {});

// The SHA-256 by which the Hub cache names a large file: snapshots/<commit>/<file> is a link to
// blobs/<64 hexadecimal digits>. Empty for every other file.
std::string digest_from_blob_name(const std::filesystem::path& path);

}  // namespace qk
