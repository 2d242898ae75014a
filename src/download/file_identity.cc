#include "download/file_identity.h"

#include <algorithm>
#include <atomic>
#include <mutex>

#include "base/error.h"
#include "base/hash.h"
#include "base/mapped_file.h"
#include "base/path_text.h"
#include "download/hub_snapshot.h"
#include "hub/repo.h"

namespace qk {
namespace {

namespace fs = std::filesystem;

constexpr size_t kSha256Digits = 64;
constexpr int kMaxLinks = 40;
constexpr size_t kHashStep = size_t{8} << 20;

// Pages are dropped once they are read, so that a model's weights do not fill the memory.
std::string digest(const fs::path& path, std::atomic<int64_t>& bytes_done,
                   const std::function<void()>& step) {
  const MappedFile file(path);
  std::span<const std::byte> bytes = file.bytes();
  Sha256 sum;
  size_t begin = 0;
  while (!bytes.empty()) {
    const size_t size = std::min(bytes.size(), kHashStep);
    sum.update(bytes.first(size));
    bytes = bytes.subspan(size);
    file.drop(begin, begin + size);
    begin += size;
    bytes_done += static_cast<int64_t>(size);
    step();
  }
  return sum.hex();
}

// Whether it is <repository of a cache>/blobs/<SHA-256>.
bool is_named_blob(const fs::path& path) {
  if (path.parent_path().filename() != "blobs") return false;
  const std::string repo = path.parent_path().parent_path().filename().string();
  if (!repo.starts_with("datasets--") && !repo.starts_with("models--")) return false;
  const std::string name = path.filename().string();
  return name.size() == kSha256Digits && std::all_of(name.begin(), name.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

// A file of a snapshot of the Hub cache that nobody has downloaded.
bool is_not_downloaded(const fs::path& path) {
  std::error_code error;
  const fs::path snapshots = path.parent_path().parent_path();
  return fs::symlink_status(path, error).type() == fs::file_type::not_found &&
         snapshots.filename() == "snapshots" && is_commit(path.parent_path().filename().string());
}

}  // namespace

std::vector<IdentifiedFile> identify_files(
    std::span<const fs::path> paths, ThreadPool& pool,
    const std::function<void(int64_t done, int64_t total)>& progress,
    const std::map<fs::path, std::string>& known) {
  std::vector<IdentifiedFile> out;
  std::vector<fs::path> places;  // of `out`
  int64_t total = 0;
  for (const fs::path& path : paths) {
    std::error_code error;
    if (is_not_downloaded(path)) {
      if (const auto listed = listed_file(path)) {
        out.push_back({path.filename().string(), listed->bytes, listed->sha256});
        places.push_back(path);
      }
      continue;
    }
    const auto bytes = static_cast<int64_t>(fs::file_size(path, error));
    if (error) fail("{}: cannot be read: {}", path_text(path), error.message());
    const auto before = known.find(path);
    out.push_back({path.filename().string(), bytes,
                   before != known.end() ? before->second : digest_from_blob_name(path)});
    places.push_back(path);
    if (out.back().sha256.empty()) total += out.back().bytes;
  }
  std::atomic<int64_t> done{0};
  std::mutex mutex;
  pool.parallel_for(std::ssize(places), [&](int64_t index, int) {
    IdentifiedFile& file = out[static_cast<size_t>(index)];
    if (!file.sha256.empty()) return;
    file.sha256 = digest(places[static_cast<size_t>(index)], done, [&] {
      const std::lock_guard lock(mutex);
      if (progress) progress(done, total);
    });
  });
  std::sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  return out;
}

std::string digest_from_blob_name(const fs::path& path) {
  fs::path place = path;
  std::error_code error;
  // One link at a time: a blob may itself be a link to a store that all repositories share.
  for (int links = 0; links < kMaxLinks && fs::is_symlink(place, error); ++links) {
    const fs::path target = place.parent_path() / fs::read_symlink(place, error);
    place = fs::canonical(target.parent_path(), error) / target.filename();
    if (error || !fs::exists(place, error)) return "";
    if (is_named_blob(place)) return place.filename();
  }
  return "";
}

}  // namespace qk
