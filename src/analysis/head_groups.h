// The groups of heads over which means are taken: all heads, and those of each attention window.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "plasticity/head_metrics.h"

namespace qk {

class HeadGroups {
 public:
  // The names of the head's groups: "all", and "full_attention" or "window_512".
  std::vector<std::string> add(const HeadMetrics& head);

  // Whether a group other than "all" holds all heads, so that its means are those of "all".
  bool is_all_heads(const std::string& group) const;
  // Why the replicates of the heads cannot be averaged one by one, or nothing: only heads with the same
  // documents have the same replicates.
  std::string_view fault() const;
  // Of the heads.
  const ErrorBarOptions& error_bars() const { return error_bars_; }

 private:
  std::map<std::string, int64_t> num_heads_;  // by group
  std::vector<int64_t> documents_;            // ids of the first head
  bool same_documents_ = true;
  ErrorBarOptions error_bars_;
};

}  // namespace qk
