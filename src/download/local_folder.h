// A folder of real files that were downloaded, with huggingface_hub's records of them (local_dir):
//   <folder>/<path>
//   <folder>/.cache/huggingface/download/<path>.metadata   commit, digest, Unix time
// The record is valid while the file is not younger than it.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>

#include "hub/hub_api.h"

namespace qk {

struct DownloadRecord {
  std::string commit, digest;
};

class LocalFolder {
 public:
  explicit LocalFolder(std::filesystem::path folder) : folder_(std::move(folder)) {}

  const std::filesystem::path& path() const { return folder_; }
  std::filesystem::path file(const RemoteFile& file) const { return folder_ / file.path; }
  std::filesystem::path lock(const RemoteFile& file) const;
  // Where the file grows.
  std::filesystem::path partial(const RemoteFile& file) const;

  // None: there is none that is valid.
  std::optional<DownloadRecord> record(const RemoteFile& file) const;
  // Throws Error.
  void write_record(const RemoteFile& file, const std::string& commit) const;
  // Makes the folder of the records, for git to leave out. Throws Error.
  void prepare() const;

  enum class State : uint8_t { kAbsent, kWhole, kOutdated };
  // Of the file at this commit. kOutdated: a record says that it was downloaded with another content.
  // check() is called often while a file is read. Throws Error: another content that nobody recorded,
  // or a name that is kept for the records.
  State state(const RemoteFile& file, const std::string& commit,
              const std::function<void()>& check) const;

 private:
  std::filesystem::path records() const { return folder_ / ".cache" / "huggingface"; }
  std::filesystem::path beside(const RemoteFile& file, const std::string& ending) const;

  std::filesystem::path folder_;
};

}  // namespace qk
