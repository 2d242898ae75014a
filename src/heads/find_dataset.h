// Where the dataset of an analysis is.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "download/resolver.h"

namespace qk {

// The first of dataset, dataset_local_root and dataset_name that is given.
struct DatasetSource {
  std::optional<std::string> dataset{};              // --dataset: folder, or REPO, or REPO@REV
  std::optional<std::string> dataset_local_root{};   // folder
  std::string dataset_name = "viktoroo/sniffed-qk";  // REPO, or REPO@REV
  std::optional<std::string> dataset_revision{};     // branch, tag or commit; none: main
  std::optional<std::string> dataset_cache_dir{};    // the Hub cache; none: the usual one
  std::string model_dir{};                           // folder below the root; "" is the root
};

struct FoundDataset {
  std::filesystem::path folder;
  std::optional<Snapshot> snapshot{};  // of a Hub dataset: the folder may lack files
};

// The folder that the source names. Throws Error if there is none.
FoundDataset find_dataset(const DatasetSource& source, Resolver& resolver);

}  // namespace qk
