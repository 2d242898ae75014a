#include "plasticity/score_planes.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "plasticity/test_heads.h"

namespace qk {
namespace score_planes_test {

double dot(std::span<const double> a, std::span<const double> b) {
  return std::inner_product(a.begin(), a.end(), b.begin(), 0.0);
}

std::vector<double> row_of(const HeadTable& table, int64_t row) {
  const std::span<const float> x = table.vector(row);
  return {x.begin(), x.end()};
}

std::vector<int64_t> all_rows(const HeadTable& table) {
  std::vector<int64_t> out(table.positions.size());
  std::iota(out.begin(), out.end(), 0);
  return out;
}

struct PlaneHead {
  PlaneHead(HeadTable query_table, HeadTable key_table)
      : queries(std::move(query_table)),
        keys(std::move(key_table)),
        fit(fit_queries(queries, false)),
        query_moments(vector_moments(queries)),
        key_moments(vector_moments(keys)),
        residuals(residual_covariance(fit, query_moments)),
        planes(fit, query_moments, key_moments, residuals) {}
  explicit PlaneHead(const TestHeadShape& shape = {})
      : PlaneHead(random_table(shape, 1), random_table(shape, 2)) {}
  PlaneHead(const PlaneHead&) = delete;  // planes refers to the other members
  PlaneHead& operator=(const PlaneHead&) = delete;

  HeadPlane draw(const PlaneAxes& axes) const {
    return planes.draw(axes, queries, all_rows(queries), keys, all_rows(keys));
  }
  std::vector<double> centered_key(int64_t row) const {
    std::vector<double> out = row_of(keys, row);
    for (size_t j = 0; j < out.size(); ++j) out[j] -= key_moments.mean[j];
    return out;
  }
  // 1 - mean((S - P)^2) / mean(S^2), pair by pair, from the points themselves.
  double brute_share(const HeadPlane& plane) const {
    double rest = 0;
    double total = 0;
    for (int64_t q = 0; q < queries.num_rows(); ++q) {
      const std::vector<double> query = row_of(queries, q);
      for (int64_t k = 0; k < keys.num_rows(); ++k) {
        const double score = dot(query, centered_key(k));
        const auto i = static_cast<size_t>(2 * q);
        const auto j = static_cast<size_t>(2 * k);
        const double drawn = static_cast<double>(plane.queries[i]) * plane.keys[j] +
                             static_cast<double>(plane.queries[i + 1]) * plane.keys[j + 1];
        rest += (score - drawn) * (score - drawn);
        total += score * score;
      }
    }
    return 1 - rest / total;
  }

  HeadTable queries;
  HeadTable keys;
  QueryFit fit;
  VectorMoments query_moments;
  VectorMoments key_moments;
  std::vector<double> residuals;
  ScorePlanes planes;
};

void expect_orthonormal(const PlaneAxes& axes) {
  EXPECT_NEAR(dot(axes.x, axes.x), 1, 1e-12);
  EXPECT_NEAR(dot(axes.y, axes.y), 1, 1e-12);
  EXPECT_NEAR(dot(axes.x, axes.y), 0, 1e-12);
}

TEST(ScorePlanes, TheShareIsThatOfAllPairs) {
  const PlaneHead head;
  for (const PlaneAxes& axes : {*head.planes.along_beta(), *head.planes.joint(),
                                *head.planes.components(1, 3), *head.planes.components(4, 0)}) {
    expect_orthonormal(axes);
    const HeadPlane plane = head.draw(axes);
    EXPECT_NEAR(plane.share, head.brute_share(plane), 1e-6);
    EXPECT_LT(plane.share, 1);
  }
  EXPECT_GT(head.planes.share(*head.planes.joint()), 0.2);
}

TEST(ScorePlanes, TwoComponentsAreThewholeOfTwo) {
  const PlaneHead head(TestHeadShape{.dim = 2});
  for (const auto& axes : {head.planes.along_beta(), head.planes.joint()}) {
    ASSERT_TRUE(axes);
    EXPECT_NEAR(head.planes.share(*axes), 1, 1e-12);
  }
}

TEST(ScorePlanes, ScalesAreEqualAndScoresAreKept) {
  PlaneHead head;
  double query_square = 0;
  double key_square = 0;
  for (int64_t row = 0; row < head.queries.num_rows(); ++row) {
    const std::vector<double> x = row_of(head.queries, row);
    query_square += dot(x, x) / static_cast<double>(head.queries.num_rows());
  }
  for (int64_t row = 0; row < head.keys.num_rows(); ++row) {
    const std::vector<double> x = head.centered_key(row);
    key_square += dot(x, x) / static_cast<double>(head.keys.num_rows());
  }
  const double s = head.planes.scale();
  EXPECT_NEAR(s * s * query_square / (key_square / (s * s)), 1, 1e-12);
  const PlaneAxes axes = *head.planes.components(2, 0);
  const HeadPlane plane = head.draw(axes);
  const std::vector<double> q = row_of(head.queries, 7);
  const std::vector<double> k = head.centered_key(5);
  EXPECT_NEAR(plane.queries[14], s * q[2], 1e-6);
  EXPECT_NEAR(plane.queries[15], s * q[0], 1e-6);
  EXPECT_NEAR(plane.keys[10] * plane.queries[14] + plane.keys[11] * plane.queries[15],
              q[2] * k[2] + q[0] * k[0], 1e-5);
}

// The leading vector across beta, and the joint ones, by many steps of the power method on the rows.
TEST(ScorePlanes, AxesAreThoseOfThePowerMethod) {
  const PlaneHead head;
  const PlaneAxes beta = *head.planes.along_beta();
  for (size_t j = 0; j < 5; ++j) {
    EXPECT_NEAR(beta.x[j], head.fit.slope[j] / head.fit.slope_norm, 1e-14);
  }
  const auto power = [&](const auto& step, const std::vector<double>& orthogonal) {
    std::vector<double> v = {0.3, 0.7, -0.5, 0.2, 0.9};
    for (int round = 0; round < 2000; ++round) {
      v = step(v);
      const double along = orthogonal.empty() ? 0 : dot(v, orthogonal);
      for (size_t j = 0; j < orthogonal.size(); ++j) v[j] -= along * orthogonal[j];
      const double length = std::sqrt(dot(v, v));
      for (double& x : v) x /= length;
    }
    return v;
  };
  const auto residual_step = [&](const std::vector<double>& v) {
    std::vector<double> out(5, 0.0);
    for (int64_t row = 0; row < head.queries.num_rows(); ++row) {
      std::vector<double> x = row_of(head.queries, row);
      for (size_t j = 0; j < 5; ++j) {
        x[j] -= head.fit.mean[j] +
                head.fit.slope[j] * head.fit.centered_positions[static_cast<size_t>(row)];
      }
      for (size_t j = 0; j < 5; ++j) out[j] += dot(x, v) * x[j];
    }
    return out;
  };
  const auto joint_step = [&](const std::vector<double>& v) {
    const double square = head.planes.scale() * head.planes.scale();
    std::vector<double> out(5, 0.0);
    for (int64_t row = 0; row < head.queries.num_rows(); ++row) {
      const std::vector<double> x = row_of(head.queries, row);
      const double weight = square * dot(x, v) / static_cast<double>(head.queries.num_rows());
      for (size_t j = 0; j < 5; ++j) out[j] += weight * x[j];
    }
    for (int64_t row = 0; row < head.keys.num_rows(); ++row) {
      const std::vector<double> x = head.centered_key(row);
      const double weight = dot(x, v) / square / static_cast<double>(head.keys.num_rows());
      for (size_t j = 0; j < 5; ++j) out[j] += weight * x[j];
    }
    return out;
  };
  const PlaneAxes joint = *head.planes.joint();
  EXPECT_NEAR(std::abs(dot(beta.y, power(residual_step, beta.x))), 1, 1e-9);
  EXPECT_NEAR(std::abs(dot(joint.x, power(joint_step, {}))), 1, 1e-9);
  EXPECT_NEAR(std::abs(dot(joint.y, power(joint_step, joint.x))), 1, 1e-9);
}

HeadTable scaled(HeadTable table, float factor) {
  for (float& x : table.vectors) x *= factor;
  return table;
}

TEST(ScorePlanes, WithoutVariationThereIsNoPlane) {
  const HeadTable table = random_table({}, 3);
  HeadTable equal = table;
  for (size_t i = 0; i < equal.vectors.size(); ++i) equal.vectors[i] = equal.vectors[i % 5];
  for (const PlaneHead* head : {new PlaneHead(table, equal), new PlaneHead(scaled(table, 0), table),
                                new PlaneHead(TestHeadShape{.dim = 1})}) {
    EXPECT_FALSE(head->planes.along_beta());
    EXPECT_FALSE(head->planes.joint());
    EXPECT_FALSE(head->planes.components(0, 1));
    delete head;
  }
  // Queries that do not move have no beta, but a joint plane.
  const PlaneHead still(equal, table);
  EXPECT_FALSE(still.planes.along_beta());
  EXPECT_TRUE(still.planes.joint());
  // On a line there is nothing across beta.
  HeadTable line = table;
  for (int64_t row = 0; row < line.num_rows(); ++row) {
    for (size_t j = 0; j < 5; ++j) {
      line.vectors[static_cast<size_t>(row) * 5 + j] =
          static_cast<float>(j) * static_cast<float>(line.positions[static_cast<size_t>(row)]);
    }
  }
  const PlaneHead straight(line, table);
  EXPECT_FALSE(straight.planes.along_beta());
  EXPECT_EQ(straight.residuals, std::vector<double>(25, 0.0));
}

TEST(ScorePlanes, ScoresThatDoNotVaryHaveNoShare) {
  HeadTable queries = random_table({}, 3);
  HeadTable keys = random_table({}, 4);
  for (int64_t row = 0; row < queries.num_rows(); ++row) {
    for (size_t j = 2; j < 5; ++j) queries.vectors[static_cast<size_t>(row) * 5 + j] = 0;
  }
  for (int64_t row = 0; row < keys.num_rows(); ++row) {
    for (size_t j = 0; j < 2; ++j) keys.vectors[static_cast<size_t>(row) * 5 + j] = 0.7F;
  }
  const PlaneHead head(queries, keys);
  ASSERT_TRUE(head.planes.joint());
  EXPECT_TRUE(std::isnan(head.planes.share(*head.planes.joint())));
}

}  // namespace score_planes_test
}  // namespace qk
