// head_replicates.parquet: the values behind the error bars, for differences between analyses.
// docs/compare.md specifies it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <tuple>
#include <vector>

#include "plasticity/head_metrics.h"
#include "stats/document_interval.h"

namespace qk {

class ReplicateTable {
 public:
  // Creates the parent folder and the temporary file. Throws Error if it cannot.
  ReplicateTable(const std::filesystem::path& path, const ErrorBarOptions& options, int64_t seed);
  ~ReplicateTable();
  // Adds the replicates of all intervals that have values. The same heads in the same order give the same bytes.
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

// A number of a head, as the table names it.
struct ReplicateName {
  int64_t layer = 0;
  int64_t q_head = 0;
  std::string method;
  std::string metric;
  auto operator<=>(const ReplicateName&) const = default;
};

struct ReplicateRow {
  double estimate = 0;             // of the sample
  double effective_documents = 0;  // as in EffectiveSize
  size_t document_set = 0;         // of Replicates::document_sets
  std::vector<double> values;      // NaN where a replicate has no value
};

struct Replicates {
  ErrorBars kind = ErrorBars::kNone;
  int64_t seed = 0;
  std::vector<std::vector<int64_t>> document_sets;  // ascending ids
  std::map<ReplicateName, ReplicateRow> rows;
};

// Throws Error with the path if the file cannot be read or is not such a table.
Replicates read_replicates(const std::filesystem::path& path);

}  // namespace qk
