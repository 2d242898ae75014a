// How much information correlated rows carry, in rows and in documents: docs/methods.md, "Effective
// sample sizes".
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <vector>

namespace qk {

struct EffectiveSize {
  int64_t documents = 0;           // that occur
  double effective_documents = 0;  // documents of equal size that would weigh as evenly
  double effective_rows = 0;       // independent rows that would give means as exact
};

// Rows with `dim` numbers each, from documents. One-way analysis of variance, traces over the
// numbers.
class GroupSpread {
 public:
  explicit GroupSpread(int64_t dim) : dim_(dim), total_(static_cast<size_t>(dim)) {}

  // values [dim]
  void add(int64_t document, const double* values);
  // effective_rows is NaN with fewer than two documents: how alike the rows of one document are can
  // then not be estimated.
  EffectiveSize size() const;

 private:
  struct Group {
    int64_t count = 0;
    std::vector<double> sum;
  };
  int64_t dim_;
  std::map<int64_t, Group> groups_;
  int64_t count_ = 0;
  std::vector<double> total_;  // [dim] sums
  double squares_ = 0;
};

}  // namespace qk
