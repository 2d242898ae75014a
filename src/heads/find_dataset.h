// Where a dataset lies on this machine.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

namespace qk {

// Where a dataset is: the first of these that is given.
struct DatasetSource {
  std::optional<std::string> dataset;                // --dataset: folder or Hub id
  std::optional<std::string> dataset_local_root;     // folder
  std::string dataset_name = "viktoroo/sniffed-qk";  // Hub id, looked for in the local cache
  std::optional<std::string> dataset_revision;       // branch, tag or commit; none: main
  std::optional<std::string> dataset_cache_dir;      // the Hub cache; none: the usual one
  std::string model_dir;                             // folder below the root; "" is the root
};

// The folder that the source names: dataset, else dataset_local_root, else the snapshot of
// dataset_name in the local Hub cache. Throws Error if there is none.
std::filesystem::path find_dataset(const DatasetSource& source);

}  // namespace qk
