// What a writer of a part of a dataset says about it, as text that travels.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "dataset/bucket_facts.h"
#include "dataset/dataset_writer.h"

namespace qk {

struct HeadResult {
  FileSummary file;
  std::map<int32_t, int64_t> bucket_counts;  // bucket -> rows
  bool operator==(const HeadResult&) const = default;
};

struct UnitResult {
  std::string token;  // of the writer
  std::vector<HeadResult> heads;
  std::map<int32_t, BucketFacts> buckets;
  // By the index of the canary in the options: what is wrong with it, empty if nothing.
  std::map<int64_t, std::string> canaries;
  bool operator==(const UnitResult&) const = default;
};

std::string encode(const UnitResult& result);

// Throws Error naming `what` if the text is no result.
UnitResult decode_unit_result(std::string_view text, std::string_view what);

}  // namespace qk
