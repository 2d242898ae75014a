#include "device/host_weight.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <numeric>
#include <string>
#include <vector>

#include "base/mapped_file.h"
#include "base/test_error.h"

namespace qk {
namespace host_weight_test {

template <typename T>
WeightMatrix matrix(const std::vector<T>& stored, DType dtype, int64_t rows, int64_t cols) {
  return {.data = reinterpret_cast<const std::byte*>(stored.data()),
          .dtype = dtype,
          .rows = rows,
          .cols = cols,
          .stride_bytes = row_bytes(dtype, cols)};
}

std::vector<float> read(const QkHostWeight& view, int64_t first, int64_t count) {
  std::vector<float> out(static_cast<size_t>(count * view.cols), -1.0F);
  EXPECT_EQ(view.read_rows(view.source, first, count, out.data()), 0);
  return out;
}

ThreadPool& pool() {
  static ThreadPool threads(3);
  return threads;
}

TEST(HostWeight, DenseNumbersStayWhereTheyAre) {
  const std::vector<uint16_t> half = {0x3c00, 0x4000, 0xbc00, 0x3800, 0x0000, 0x4200};
  const HostWeight f16(matrix(half, DType::kF16, 3, 2), pool());
  EXPECT_EQ(f16.view().data, half.data());
  EXPECT_EQ(f16.view().type, QK_F16);
  EXPECT_EQ(f16.view().rows, 3);
  EXPECT_EQ(f16.view().cols, 2);
  EXPECT_EQ(read(f16.view(), 0, 3), (std::vector<float>{1, 2, -1, 0.5, 0, 3}));

  const std::vector<uint16_t> brain = {0x3f80, 0x4000, 0xbf80, 0x3f00};
  const HostWeight bf16(matrix(brain, DType::kBF16, 2, 2), pool());
  EXPECT_EQ(bf16.view().data, brain.data());
  EXPECT_EQ(bf16.view().type, QK_BF16);
  EXPECT_EQ(read(bf16.view(), 1, 1), (std::vector<float>{-1, 0.5}));

  const std::vector<float> full = {1, 2, 3, 4, 5, 6};
  const HostWeight f32(matrix(full, DType::kF32, 2, 3), pool());
  EXPECT_EQ(f32.view().data, full.data());
  EXPECT_EQ(f32.view().type, QK_F32);
  EXPECT_EQ(read(f32.view(), 1, 1), (std::vector<float>{4, 5, 6}));
}

TEST(HostWeight, AVectorIsOneRow) {
  const std::vector<float> numbers = {3, 1, 4, 1, 5};
  const HostWeight vector(std::span<const float>{numbers}, pool());
  EXPECT_EQ(vector.view().data, numbers.data());
  EXPECT_EQ(vector.view().type, QK_F32);
  EXPECT_EQ(vector.view().rows, 1);
  EXPECT_EQ(vector.view().cols, 5);
  EXPECT_EQ(read(vector.view(), 0, 1), numbers);
  // Its memory is no mapped file: giving back pages would lose numbers.
  EXPECT_EQ(vector.mapped(), nullptr);
  EXPECT_EQ(vector.view().release, nullptr);
}

// Rows that several threads read are those that one reads.
TEST(HostWeight, ManyRowsAreReadByAllThreads) {
  constexpr int64_t kRows = 1000, kCols = 301;
  std::vector<uint16_t> stored(kRows * kCols);
  std::vector<float> expected(stored.size());
  for (size_t i = 0; i < stored.size(); ++i) {
    stored[i] = static_cast<uint16_t>(i * 7919 % 0x7f00);  // finite bfloat16
    expected[i] = std::bit_cast<float>(uint32_t{stored[i]} << 16);
  }
  const HostWeight weight(matrix(stored, DType::kBF16, kRows, kCols), pool());
  EXPECT_EQ(read(weight.view(), 0, kRows), expected);
  EXPECT_EQ(read(weight.view(), 17, 900),
            std::vector<float>(expected.begin() + 17 * kCols, expected.begin() + 917 * kCols));
}

// The numbers of a mapped file can be read again after its pages were given back.
TEST(HostWeight, APluginThatHasCopiedGivesThePagesBack) {
  const TestFolder folder;
  std::vector<float> numbers(1 << 20);
  std::iota(numbers.begin(), numbers.end(), 0.0F);
  const std::string path = folder.write(
      "weights",
      std::string(reinterpret_cast<const char*>(numbers.data()), numbers.size() * sizeof(float)));
  const MappedFile file(path);
  const auto resident = [&] {
    std::vector<unsigned char> pages((file.bytes().size() + 4095) / 4096);
    std::vector<uint64_t> entries(pages.size());
    const int map = ::open("/proc/self/pagemap", O_RDONLY);
    const auto at = reinterpret_cast<uintptr_t>(file.bytes().data()) / 4096 * sizeof(uint64_t);
    EXPECT_EQ(
        ::pread(map, entries.data(), entries.size() * sizeof(uint64_t), static_cast<off_t>(at)),
        static_cast<ssize_t>(entries.size() * sizeof(uint64_t)));
    ::close(map);
    return std::ranges::count_if(entries, [](uint64_t entry) { return entry >> 63 != 0; });
  };
  const HostWeight weight({.data = file.bytes().data(),
                           .dtype = DType::kF32,
                           .rows = 1024,
                           .cols = 1024,
                           .stride_bytes = 4096},
                          pool());
  EXPECT_EQ(read(weight.view(), 0, 1024), numbers);
  EXPECT_EQ(resident(), 1024);
  weight.view().release(weight.view().source);
  EXPECT_EQ(resident(), 0);
  EXPECT_EQ(read(weight.view(), 0, 1024), numbers);
}

// Such rows are read one by one: what a plugin copied from `data` would be in another order.
TEST(HostWeight, PermutedRowsAreReadInTheirLogicalOrder) {
  // Two heads of four stored rows: 0 and 2 are the first half of a head, 1 and 3 the second.
  const std::vector<float> stored = {0, 1, 2, 3, 10, 11, 12, 13};
  WeightMatrix permuted = matrix(stored, DType::kF32, 8, 1);
  permuted.head_rows = 4;
  const HostWeight weight(permuted, pool());
  EXPECT_EQ(weight.view().data, nullptr);
  EXPECT_EQ(read(weight.view(), 0, 8), (std::vector<float>{0, 2, 1, 3, 10, 12, 11, 13}));
  EXPECT_EQ(read(weight.view(), 5, 2), (std::vector<float>{12, 11}));
}

TEST(HostWeight, RowsThatAreFarApartAreReadOneByOne) {
  const std::vector<float> stored = {1, 2, -9, 3, 4, -9, 5, 6, -9};
  WeightMatrix part = matrix(stored, DType::kF32, 3, 2);
  part.stride_bytes = 3 * sizeof(float);
  const HostWeight weight(part, pool());
  EXPECT_EQ(weight.view().data, nullptr);
  EXPECT_EQ(read(weight.view(), 0, 3), (std::vector<float>{1, 2, 3, 4, 5, 6}));
}

TEST(HostWeight, BlocksOfGgufAreWidened) {
  // A row of Q8_0: for every 32 numbers a factor in half precision and 32 signed bytes.
  constexpr int64_t kBlock = 32, kRows = 2;
  std::vector<std::byte> stored;
  std::vector<float> expected;
  for (int64_t row = 0; row < kRows; ++row) {
    const uint16_t factor = row == 0 ? 0x3800 : 0xc000;  // 0.5, -2
    const auto* bytes = reinterpret_cast<const std::byte*>(&factor);
    stored.insert(stored.end(), bytes, bytes + sizeof(factor));
    for (int64_t i = 0; i < kBlock; ++i) {
      const auto number = static_cast<int8_t>(5 * i - 60);
      stored.push_back(static_cast<std::byte>(number));
      expected.push_back((row == 0 ? 0.5F : -2.0F) * static_cast<float>(number));
    }
  }
  const HostWeight weight(matrix(stored, DType::kQ8_0, kRows, kBlock), pool());
  EXPECT_EQ(weight.view().data, nullptr);
  EXPECT_EQ(weight.view().type, QK_OTHER_TYPE);
  EXPECT_EQ(read(weight.view(), 0, kRows), expected);
  EXPECT_EQ(read(weight.view(), 1, 1),
            std::vector<float>(expected.begin() + kBlock, expected.end()));
}

}  // namespace host_weight_test
}  // namespace qk
