#include "heads/row_sample.h"

#include <gtest/gtest.h>

#include <vector>

#include "random/numpy_rng.h"

namespace qk {
namespace {

TEST(SampleRows, DrawsOnlyFromMoreRowsThanAreWanted) {
  EXPECT_FALSE(sample_rows(7, 7, seed_words(3)));
  EXPECT_FALSE(sample_rows(0, 7, seed_words(3)));
  EXPECT_EQ(sample_rows(8, 7, seed_words(3)), NumpyGenerator(3).choice(8, 7));
}

// Component 0: the mean of the many keys of bucket 0 is 1, that of the one of bucket 2 is -3, so
// the mean over buckets is negative although most keys are positive.
TEST(KeyOrientation, EveryBucketWeighsTheSame) {
  KeyOrientation orientation;
  for (int i = 0; i < 10; ++i) orientation.add(0, std::vector<float>{1, 1, 0});
  orientation.add(2, std::vector<float>{-3, -0.5F, 0});
  orientation.add(0, std::vector<float>{1, 1, 0});  // a bucket may come back
  EXPECT_EQ(orientation.signs(), (std::vector<float>{-1, 1, 1}));
}

}  // namespace
}  // namespace qk
