#include "download/local_folder.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <chrono>
#include <sstream>
#include <system_error>

#include "base/atomic_file.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/mapped_file.h"
#include "base/path_text.h"
#include "download/cache_writer.h"
#include "download/partial_file.h"

namespace qk {
namespace {

namespace fs = std::filesystem;

constexpr size_t kMaxRecordBytes = 4096;
constexpr size_t kNameDigits = 16;
constexpr size_t kDigestStep = size_t{4} << 20;
constexpr double kTimeSlack = 1;  // some file systems keep times less exactly

bool has_content(const fs::path& path, const RemoteFile& file, const std::function<void()>& check) {
  std::error_code error;
  if (fs::file_size(path, error) != static_cast<uintmax_t>(file.size) || error) return false;
  const MappedFile mapped(path);
  MessageDigest digest = digest_for(file);
  for (std::span<const std::byte> rest = mapped.bytes(); !rest.empty();) {
    check();
    const size_t step = std::min(rest.size(), kDigestStep);
    digest.update(rest.first(step));
    rest = rest.subspan(step);
  }
  return digest.hex() == file.digest();
}

}  // namespace

fs::path LocalFolder::beside(const RemoteFile& file, const std::string& ending) const {
  return records() / "download" / (file.path + ending);
}

fs::path LocalFolder::lock(const RemoteFile& file) const { return beside(file, ".lock"); }

fs::path LocalFolder::partial(const RemoteFile& file) const {
  Sha256 name;
  name.update(file.path);
  return beside(file, "").parent_path() /
         fmt::format("{}.{}.incomplete", name.hex().substr(0, kNameDigits), file.digest());
}

std::optional<DownloadRecord> LocalFolder::record(const RemoteFile& file) const {
  std::error_code ignored;
  const fs::path path = beside(file, ".metadata");
  if (!fs::is_regular_file(path, ignored)) return std::nullopt;
  std::istringstream lines(read_file(path, kMaxRecordBytes));
  DownloadRecord record;
  double time = 0;
  if (!(lines >> record.commit >> record.digest >> time)) return std::nullopt;
  struct stat status{};
  if (::stat(this->file(file).c_str(), &status) != 0) return std::nullopt;
  const double changed = static_cast<double>(status.st_mtim.tv_sec) +
                         1e-9 * static_cast<double>(status.st_mtim.tv_nsec);
  if (changed - kTimeSlack > time) return std::nullopt;
  return record;
}

void LocalFolder::write_record(const RemoteFile& file, const std::string& commit) const {
  const double now =
      std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
  replace_file(records(), beside(file, ".metadata"),
               fmt::format("{}\n{}\n{:.6f}\n", commit, file.digest(), now));
}

void LocalFolder::prepare() const {
  std::error_code ignored;
  const fs::path gitignore = records() / ".gitignore";
  if (!fs::exists(gitignore, ignored)) replace_file(records(), gitignore, "*");
}

LocalFolder::State LocalFolder::state(const RemoteFile& file, const std::string& commit,
                                      const std::function<void()>& check) const {
  if (file.path.starts_with(".cache/huggingface/")) {
    fail("{}: a file of the repository has the name of a record of downloads; leave it out",
         path_text(this->file(file)));
  }
  const fs::path path = this->file(file);
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (!fs::exists(status)) return State::kAbsent;
  if (!fs::is_regular_file(status)) {
    fail("{}: expected a file or nothing, found something else", path_text(path));
  }
  if (const auto known = record(file)) {
    const bool has_size = fs::file_size(path, error) == static_cast<uintmax_t>(file.size);
    if (known->digest == file.digest() && has_size) {
      if (known->commit != commit) write_record(file, commit);
      return State::kWhole;
    }
    if (known->digest != file.digest()) return State::kOutdated;
  }
  if (!has_content(path, file, check)) {
    fail(
        "{}: its content is not that of the repository, and no record says that it was "
        "downloaded: move it away, or choose another folder",
        path_text(path));
  }
  write_record(file, commit);
  return State::kWhole;
}

}  // namespace qk
