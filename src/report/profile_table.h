// head_profiles.parquet: what a picture of a head needs beyond its metrics. docs/analysis.md,
// "Profiles", specifies it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <vector>

#include "heads/head_id.h"
#include "plasticity/head_metrics.h"
#include "plasticity/head_profile.h"

namespace qk {

class ProfileTable {
 public:
  // Creates the parent folder and the temporary file. Throws Error if it cannot.
  //   profile_points  most points of a head's queries, and of its keys
  ProfileTable(const std::filesystem::path& path, int64_t profile_points, int64_t seed);
  ~ProfileTable();
  // The same heads in the same order give the same bytes. Throws Error. REQUIRES: head.profile.
  void add(const HeadMetrics& head);
  // Writes and syncs everything to the temporary file. Throws Error.
  void flush();
  // Renames it into place; without rows there is no file. Throws Error. REQUIRES: flush().
  void finish();

  const std::filesystem::path& path() const { return path_; }
  bool has_rows() const;

 private:
  struct Writer;
  std::filesystem::path path_;
  std::unique_ptr<Writer> writer_;
};

struct ProfiledHead {
  HeadId head;
  // Equal query_rows of heads of one layer are one object, and so are equal key_rows.
  HeadProfile profile;
};

struct Profiles {
  int64_t profile_points = 0;  // most points of a head's queries, and of its keys
  int64_t seed = 0;
  std::vector<ProfiledHead> heads;  // ascending by layer and query head
};

// Throws Error with the path if the file cannot be read or is not such a table.
Profiles read_profiles(const std::filesystem::path& path);

}  // namespace qk
