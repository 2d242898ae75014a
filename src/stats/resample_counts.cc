#include "stats/resample_counts.h"

#include <algorithm>
#include <limits>

#include "base/error.h"
#include "random/numpy_rng.h"

namespace qk {

ResampleCounts::ResampleCounts(int64_t num_documents, int64_t draws, int64_t seed)
    : num_documents_(num_documents), replicates_(draws + 1) {
  QK_CHECK(num_documents >= 1 && draws >= 0);
  counts_.resize(static_cast<size_t>(replicates_ * num_documents));
  std::fill_n(counts_.begin(), num_documents, uint16_t{1});
  NumpyGenerator generator(seed);
  for (int64_t r = 1; r < replicates_; ++r) {
    uint16_t* row = counts_.data() + r * num_documents;
    for (int64_t i = 0; i < num_documents; ++i) {
      uint16_t& count = row[generator.integers(num_documents)];
      QK_CHECK(count < std::numeric_limits<uint16_t>::max());
      ++count;
    }
  }
}

ResampleCounts ResampleCounts::of_options(int64_t num_documents, const ErrorBarOptions& options,
                                          int64_t seed) {
  if (num_documents < 2 || !options.wanted()) return {num_documents, 0, seed};
  if (options.kind == ErrorBars::kJackknife) return leave_out(num_documents);
  return {num_documents, options.replicates, seed};
}

ResampleCounts ResampleCounts::leave_out(int64_t num_documents) {
  const int64_t size = (num_documents + kMostGroups - 1) / kMostGroups;
  const int64_t groups = (num_documents + size - 1) / size;
  ResampleCounts out(num_documents, 0, 0);
  out.replicates_ = groups + 1;
  out.counts_.resize(static_cast<size_t>(out.replicates_ * num_documents), 1);
  for (int64_t document = 0; document < num_documents; ++document) {
    const int64_t replicate = 1 + document * groups / num_documents;
    out.counts_[static_cast<size_t>(replicate * num_documents + document)] = 0;
  }
  return out;
}

std::vector<double> ResampleCounts::gather(int64_t first, int64_t last,
                                           std::span<const int64_t> documents) const {
  std::vector<double> out;
  out.reserve(static_cast<size_t>(last - first) * documents.size());
  for (int64_t r = first; r < last; ++r) {
    for (int64_t document : documents) out.push_back(at(r, document));
  }
  return out;
}

}  // namespace qk
