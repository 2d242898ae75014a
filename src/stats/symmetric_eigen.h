// Eigenvalues of a symmetric matrix, and those eigenvectors that are asked for.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace qk {

// The matrix is brought to three diagonals by reflections, these to one by rotations; both are kept, so
// that a vector costs dim^2 steps. Errors are of the order of dim * 2^-53 times the largest eigenvalue.
// Threads: safe to read concurrently.
class SymmetricEigen {
 public:
  // matrix  [dim, dim]; only j <= i is read. REQUIRES: dim >= 1, no NaN, no infinity.
  SymmetricEigen(std::span<const double> matrix, int64_t dim);

  const std::vector<double>& values() const { return values_; }  // [dim], descending
  // [dim], of length 1, of values()[index]. Its largest component (the first of several) is positive.
  std::vector<double> vector(int64_t index) const;

 private:
  struct Rotation {  // of the axes `first` and first + 1
    int64_t first;
    double cosine;
    double sine;
  };

  void reduce(std::vector<double> matrix);
  double make_reflection(std::vector<double>& v);
  void diagonalise();
  void chase(size_t low, size_t high);

  size_t dim_;
  std::vector<std::vector<double>> reflections_;  // v of I - 2 v v' on the axes after k; or empty
  std::vector<double> diagonal_;                  // [dim]
  std::vector<double> beside_;                    // [dim - 1]
  std::vector<Rotation> rotations_;
  std::vector<double> values_;
  std::vector<int64_t> order_;  // of values_ on the diagonal
};

}  // namespace qk
