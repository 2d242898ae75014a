#include "analysis/head_groups.h"

#include <fmt/format.h>

namespace qk {
namespace {

constexpr const char* kAllHeads = "all";

}  // namespace

std::vector<std::string> HeadGroups::add(const HeadMetrics& head) {
  if (num_heads_.empty()) {
    documents_ = head.document_ids;
    error_bars_ = head.error_bars;
  }
  same_documents_ = same_documents_ && head.document_ids == documents_;
  const std::vector<std::string> out = {
      kAllHeads, head.window ? fmt::format("window_{}", *head.window) : "full_attention"};
  for (const std::string& group : out) ++num_heads_[group];
  return out;
}

bool HeadGroups::is_all_heads(const std::string& group) const {
  return group != kAllHeads && num_heads_.at(group) == num_heads_.at(kAllHeads);
}

std::string_view HeadGroups::fault() const {
  return same_documents_ ? "" : "the heads have different documents";
}

}  // namespace qk
