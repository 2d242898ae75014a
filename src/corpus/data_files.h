// Which files of a folder make up which split: the rules of `datasets` 4.4.1 for local folders.
// All paths here are relative to the folder, with '/', in byte order.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace qk {

struct SplitFiles {
  std::string split;
  std::vector<std::string> files;  // in reading order
};

// The files that match one pattern, sorted. Left out unless the pattern names them: hidden parts
// (leading '.'), folders with a leading "__", and README.md, config.json, dataset_info.json,
// dataset_infos.json, dummy_data.zip, dataset_dict.json.
std::vector<std::string> match_files(const std::vector<std::string>& listing,
                                     std::string_view pattern);

// The splits when no README says otherwise; the first rule that matches any file decides:
//   1. data/<split>-NNNNN-of-NNNNN*.*      any split name
//   2. a folder named after a split        (keywords below, with separators around them)
//   3. a file named after a split
//   4. everything is `train`
// Keywords: train, training; validation, valid, dev, val; test, testing, eval, evaluation.
// Separators: - . _ space and digits. Order: train, validation, test, then the others by name.
// A file that several patterns of one split match is taken once for each, as `datasets` does.
// Throws Error if a split of rule 1 has a name that is not allowed.
std::vector<SplitFiles> default_splits(const std::vector<std::string>& listing);

// Letters, digits and '_', in parts joined by '.': what `datasets` allows as the name of a split.
bool is_split_name(std::string_view name);

}  // namespace qk
