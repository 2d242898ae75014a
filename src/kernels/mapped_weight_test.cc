#include "kernels/mapped_weight.h"

#include "base/mapped_file.h"
#include "base/process_memory.h"
#include "base/test_folder.h"
#include "kernels/op_test.h"

namespace qk {
namespace {

TEST(MappedWeightTest, HandlesAreTheViewsThemselves) {
  TestContext context(1);
  const WeightMatrix weight{.rows = 3, .cols = 5};
  const BoundMatrix bound = bind_mapped_weight(context, weight);
  EXPECT_EQ(&mapped(bound), &weight);
  EXPECT_EQ(bound.rows, 3);
  EXPECT_EQ(bound.cols, 5);
  const std::vector<float> vector(7);
  EXPECT_EQ(mapped(bind_mapped_vector(context, vector)), vector.data());
  EXPECT_EQ(bind_mapped_vector(context, vector).size, 7);
  EXPECT_TRUE(BoundMatrix{}.absent() && BoundVector{}.absent());
}

int64_t resident_file_bytes() { return process_memory().value().mapped; }

TEST(MappedWeightTest, DroppedPagesAreReadAgain) {
  constexpr int64_t kBytes = int64_t{4} << 20;
  const TestFolder folder;
  const MappedFile file(folder.write("weights", std::string(kBytes, 'x')));
  const WeightMatrix weight{.data = file.bytes().data() + 100,
                            .dtype = DType::kF32,
                            .rows = kBytes / 4096 - 1,
                            .cols = 1024,
                            .stride_bytes = 4096};
  TestContext context(1);
  const BoundMatrix both[] = {bind_mapped_weight(context, weight), BoundMatrix{}};
  const auto touch = [&] {
    for (int64_t row = 0; row < weight.rows; ++row) EXPECT_EQ(*weight.row(row), std::byte{'x'});
  };
  prefetch_mapped_weights(context, both);
  touch();
  const int64_t touched = resident_file_bytes();
  drop_mapped_weights(context, both);
  EXPECT_LE(resident_file_bytes(), touched - (3 << 20));
  touch();
  drop_pages(weight);
  EXPECT_LE(resident_file_bytes(), touched - (3 << 20));
}

}  // namespace
}  // namespace qk
