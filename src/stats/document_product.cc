#include "stats/document_product.h"

#include <algorithm>
#include <array>

namespace qk {
namespace {

// A change costs about as much as so many numbers of the product, which is blocked.
constexpr int64_t kCostOfChange = 4;

}  // namespace

DocumentProduct::DocumentProduct(const ResampleCounts& counts, std::span<const int64_t> documents)
    : replicates_(counts.replicates()),
      documents_(std::ssize(documents)),
      times_(counts.gather(0, replicates_, documents)) {
  for (int64_t r = 0; r < replicates_; ++r) {
    begins_.push_back(std::ssize(changes_));
    for (int64_t g = 0; g < documents_; ++g) {
      if (times(r, g) != 1) changes_.push_back({g, times(r, g) - 1});
    }
  }
  begins_.push_back(std::ssize(changes_));
  is_sparse_ = kCostOfChange * std::ssize(changes_) < replicates_ * documents_;
}

void DocumentProduct::multiply(const double* of_documents, double* out) const {
  if (is_sparse_) {
    multiply_sparse(of_documents, out);
  } else {
    multiply_block(times_.data(), documents_, replicates_, documents_, of_documents, out);
  }
}

void DocumentProduct::multiply_sparse(const double* of_documents, double* out) const {
  std::array<double, kBlockWidth> total{};
  for (int64_t g = 0; g < documents_; ++g) {
    for (size_t lane = 0; lane < total.size(); ++lane) {
      total[lane] += of_documents[static_cast<size_t>(g) * total.size() + lane];
    }
  }
  for (int64_t r = 0; r < replicates_; ++r, out += kBlockWidth) {
    std::copy(total.begin(), total.end(), out);
    for (int64_t i = begins_[static_cast<size_t>(r)]; i < begins_[static_cast<size_t>(r) + 1];
         ++i) {
      const Change& change = changes_[static_cast<size_t>(i)];
      const double* numbers = of_documents + change.place * kBlockWidth;
      for (int64_t lane = 0; lane < kBlockWidth; ++lane) out[lane] += change.times * numbers[lane];
    }
  }
}

}  // namespace qk
