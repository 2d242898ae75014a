#include "plasticity/vector_moments.h"

#include <gtest/gtest.h>

#include "plasticity/test_heads.h"

namespace qk {
namespace vector_moments_test {

TEST(VectorMoments, AreThoseOfTheRows) {
  for (const int64_t documents : {1, 60}) {
    HeadTable table = random_table({.documents = documents}, 4);
    for (int64_t row = 0; row < table.num_rows(); ++row)
      table.vectors[static_cast<size_t>(row) * 5 + 3] = 2.1F;
    const VectorMoments moments = vector_moments(table);
    const auto n = static_cast<double>(table.num_rows());
    EXPECT_EQ(moments.rows, table.num_rows());
    std::vector<double> mean(5, 0.0);
    for (int64_t row = 0; row < table.num_rows(); ++row) {
      for (size_t j = 0; j < 5; ++j) mean[j] += table.vector(row)[j] / n;
    }
    for (size_t i = 0; i < 5; ++i) {
      EXPECT_NEAR(moments.mean[i], mean[i], 1e-13);
      for (size_t j = 0; j <= i; ++j) {
        double sum = 0;
        for (int64_t row = 0; row < table.num_rows(); ++row) {
          sum += (table.vector(row)[i] - mean[i]) * (table.vector(row)[j] - mean[j]) / n;
        }
        EXPECT_NEAR(moments.covariance[i * 5 + j], sum, 1e-12);
      }
    }
    EXPECT_EQ(moments.covariance[3 * 5 + 3], 0);
  }
}

TEST(VectorMoments, OnlyTheLowerHalfIsRead) {
  const std::vector<double> matrix = {1, 99, 99, 2, 3, 99, 4, 5, 6};
  const std::vector<double> x = {1, -1, 2};
  EXPECT_EQ(symmetric_product(matrix, x), (std::vector<double>{1 - 2 + 8, 2 - 3 + 10, 4 - 5 + 12}));
  EXPECT_EQ(trace_of(matrix, 3), 10);
}

}  // namespace vector_moments_test
}  // namespace qk
