#include "dataset/document_counts.h"

#include <algorithm>

#include "dataset/schema.h"

namespace qk {
namespace {

bool has_id(const DocumentEnd& end) {
  return end.outcome == DocumentOutcome::kCaptured || end.outcome == DocumentOutcome::kEmpty;
}

int64_t count_repeated(std::vector<int64_t> ids) {
  std::ranges::sort(ids);
  const auto rest = std::ranges::unique(ids);
  return std::ssize(rest);
}

}  // namespace

DocumentCounts count_documents(std::span<const DocumentEnd> documents, bool int32_ids) {
  DocumentCounts counts;
  std::vector<int64_t> ids;
  for (const DocumentEnd& end : documents) {
    ++counts.all;
    counts.tokens += end.num_tokens;
    counts.truncated += end.truncated ? 1 : 0;
    counts.empty += end.outcome == DocumentOutcome::kEmpty ? 1 : 0;
    counts.no_text += end.outcome == DocumentOutcome::kNoText ? 1 : 0;
    counts.not_utf8 += end.outcome == DocumentOutcome::kNotUtf8 ? 1 : 0;
    counts.too_large += end.outcome == DocumentOutcome::kTooLarge ? 1 : 0;
    counts.not_finite += end.outcome == DocumentOutcome::kNotFinite ? 1 : 0;
    if (!has_id(end)) continue;
    ids.push_back(int32_ids ? low_32_bits(end.example_id) : end.example_id);
  }
  counts.repeated_ids = count_repeated(std::move(ids));
  return counts;
}

std::vector<std::pair<std::string_view, int64_t>> named_counts(const DocumentCounts& counts) {
  return {{"documents", counts.all},
          {"truncated to max_length", counts.truncated},
          {"without a token", counts.empty},
          {"with the id of an earlier one", counts.repeated_ids},
          {"skipped: no text", counts.no_text},
          {"skipped: not UTF-8", counts.not_utf8},
          {"skipped: too large", counts.too_large},
          {"skipped: not finite", counts.not_finite}};
}

}  // namespace qk
