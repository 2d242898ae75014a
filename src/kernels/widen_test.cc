#include "kernels/widen.h"

#include <gtest/gtest.h>
#include <hwy/targets.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <limits>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "base/mapped_file.h"

namespace qk {
namespace {

constexpr DType kAll[] = {DType::kF32,  DType::kF16,  DType::kBF16, DType::kQ8_0,
                          DType::kQ4_0, DType::kQ4_1, DType::kQ5_0, DType::kQ5_1,
                          DType::kQ4_K, DType::kQ5_K, DType::kQ6_K};

std::vector<std::byte> random_bytes(int64_t count, uint32_t seed) {
  std::mt19937 random(seed);
  std::vector<std::byte> bytes(static_cast<size_t>(count));
  for (auto& byte : bytes) byte = static_cast<std::byte>(random() & 0xFF);
  return bytes;
}

// Bit for bit, NaN included.
bool same_bits(std::span<const float> a, const void* b) {
  return std::memcmp(static_cast<const void*>(a.data()), b, a.size_bytes()) == 0;
}

bool same_number(float a, float b) {
  if (a != a) return b != b;
  return std::bit_cast<uint32_t>(a) == std::bit_cast<uint32_t>(b);
}

// Runs `body` once for every SIMD target of this machine and binary.
template <typename Body>
void for_each_target(const Body& body) {
  int num_targets = 0;
  for (int64_t left = hwy::SupportedTargets(); left != 0; left &= left - 1) {
    const int64_t target = left & -left;
    hwy::SetSupportedTargetsForTest(target);
    hwy::GetChosenTarget().Update(hwy::SupportedTargets());
    SCOPED_TRACE(hwy::TargetName(target));
    body();
    ++num_targets;
    hwy::SetSupportedTargetsForTest(0);
  }
  hwy::GetChosenTarget().Update(hwy::SupportedTargets());
  EXPECT_GE(num_targets, 1);
}

class Widen : public testing::TestWithParam<DType> {};

// Random bytes are legal blocks of every type: scales become subnormal, huge and negative too.
TEST_P(Widen, EveryTargetGivesTheBitsOfTheReference) {
  const DType dtype = GetParam();
  const int64_t count = info(dtype).block_elements == 1 ? 1003 : 256 * 12;
  const auto row = random_bytes(row_bytes(dtype, count) + 1, 7);
  std::vector<float> expected(static_cast<size_t>(count));
  for (int misalign = 0; misalign < 2; ++misalign) {
    widen_row_ref(dtype, row.data() + misalign, 0, count, expected.data());
    for_each_target([&] {
      std::vector<float> out(static_cast<size_t>(count), 42.0F);
      widen_row(dtype, row.data() + misalign, 0, count, out.data());
      for (size_t i = 0; i < out.size(); ++i) {
        ASSERT_TRUE(same_number(out[i], expected[i]))
            << info(dtype).name << " element " << i << ": " << out[i] << ", not " << expected[i];
      }
    });
  }
}

TEST_P(Widen, APartOfARowIsThatPart) {
  const DType dtype = GetParam();
  const int64_t block = info(dtype).block_elements;
  const auto row = random_bytes(row_bytes(dtype, 20 * block), 11);
  std::vector<float> whole(static_cast<size_t>(20 * block));
  widen_row(dtype, row.data(), 0, 20 * block, whole.data());
  for (int64_t begin = 0; begin <= 20; ++begin) {
    for (int64_t end = begin; end <= 20; ++end) {
      std::vector<float> part(static_cast<size_t>((end - begin) * block) + 1, 42.0F);
      widen_row(dtype, row.data(), begin * block, (end - begin) * block, part.data());
      for (size_t i = 0; i + 1 < part.size(); ++i) {
        ASSERT_TRUE(same_number(part[i], whole[static_cast<size_t>(begin * block) + i]));
      }
      ASSERT_EQ(part.back(), 42.0F) << "written past the end";
    }
  }
}

// Blocks and values from ggml's own Python package (tests/data/README.md): equal bit for bit.
TEST_P(Widen, GivesTheBitsOfGgml) {
  const DType dtype = GetParam();
  constexpr int64_t kElements = 512;
  const auto path = std::filesystem::path(QK_TEST_DATA) / "gguf" / "blocks" /
                    (std::string(info(dtype).name) + ".bin");
  const MappedFile file(path);
  const auto blocks = static_cast<size_t>(row_bytes(dtype, kElements));
  ASSERT_EQ(file.bytes().size(), blocks + kElements * sizeof(float));
  const std::byte* expected = file.bytes().data() + blocks;
  std::vector<float> out(kElements);
  widen_row_ref(dtype, file.bytes().data(), 0, kElements, out.data());
  EXPECT_TRUE(same_bits(out, expected));
  for_each_target([&] {
    std::vector<float> row(kElements);
    widen_row(dtype, file.bytes().data(), 0, kElements, row.data());
    EXPECT_TRUE(same_bits(row, expected));
  });
}

INSTANTIATE_TEST_SUITE_P(Types, Widen, testing::ValuesIn(kAll),
                         [](const auto& test) { return std::string(qk::info(test.param).name); });

TEST(WidenHalf, EveryHalfIsExact) {
  std::vector<std::byte> row(size_t{2} * 65536);
  for (size_t i = 0; i < 65536; ++i) {
    const auto bits = static_cast<uint16_t>(i);
    std::memcpy(row.data() + 2 * i, &bits, 2);
  }
  std::vector<float> expected(65536);
  widen_row_ref(DType::kF16, row.data(), 0, 65536, expected.data());
  EXPECT_EQ(expected[0x0001], 0x1p-24F);
  EXPECT_EQ(expected[0x03FF], 0x1.FF8p-15F);
  EXPECT_EQ(expected[0x3C00], 1.0F);
  EXPECT_EQ(expected[0xC100], -2.5F);
  EXPECT_EQ(expected[0x7BFF], 65504.0F);
  EXPECT_EQ(expected[0x7C00], std::numeric_limits<float>::infinity());
  EXPECT_TRUE(std::signbit(expected[0x8000]));
  EXPECT_TRUE(std::isnan(expected[0x7E00]));
  for_each_target([&] {
    std::vector<float> out(65536);
    widen_row(DType::kF16, row.data(), 0, 65536, out.data());
    EXPECT_TRUE(same_bits(out, expected.data()));
  });
}

}  // namespace
}  // namespace qk
