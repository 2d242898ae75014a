// printable(), nearest(), the table of dtypes, views of numbers, and QK_CHECK.
#include <gtest/gtest.h>

#include <array>
#include <numeric>
#include <string>
#include <vector>

#include "base/dtype.h"
#include "base/error.h"
#include "base/nearest.h"
#include "base/tensor.h"

namespace qk {
namespace {

TEST(Printable, ControlCharactersBecomeQuestionMarks) {
  EXPECT_EQ(printable("plain text"), "plain text");
  EXPECT_EQ(printable(""), "");
  EXPECT_EQ(printable(std::string_view("a\0b\n\x1b[31m\x7f", 10)), "a?b??[31m?");
  EXPECT_EQ(printable("ключ 日本"), "ключ 日本");
  EXPECT_EQ(printable("a\u009b31m\u00a0"), "a?31m\u00a0");
}

TEST(Printable, BytesThatAreNotUtf8BecomeQuestionMarks) {
  EXPECT_EQ(printable("a\xff\xfe"
                      "b"),
            "a??b");
  EXPECT_EQ(printable("\xc2"), "?");
  EXPECT_EQ(printable("\xe6\x97"
                      "x"),
            "??x");
}

TEST(Printable, LongTextIsCutBetweenCharacters) {
  EXPECT_EQ(printable("abcdef", 6), "abcdef");
  EXPECT_EQ(printable("abcdef", 5), "abcde...");
  EXPECT_EQ(printable("ab日本", 5), "ab日...");  // 2 + 3 + 3 bytes
  EXPECT_EQ(printable("ab日本", 4), "ab...");
  EXPECT_EQ(printable("ab日本", 3), "ab...");
  EXPECT_EQ(printable("日本", 0), "...");
  EXPECT_EQ(printable(std::string(1000, 'x')).size(), 123U);
  EXPECT_EQ(printable(std::string(300, '\x80')), "...");  // no start of a character anywhere
}

TEST(Fail, ThrowsTheFormattedSentence) {
  try {
    fail("{}: expected {}, found {}", "f.yaml", 1, 2);
    FAIL();
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "f.yaml: expected 1, found 2");
  }
}

TEST(CheckDeathTest, EndsTheProcessWithThePlace) {
  EXPECT_EXIT(QK_CHECK(1 + 1 == 3), testing::ExitedWithCode(2),
              "bug: .*text_test.cc:[0-9]+: check failed: 1 \\+ 1 == 3");
}

TEST(Nearest, FindsTheWordMeant) {
  constexpr std::array<std::string_view, 3> kWords = {"max_samples", "split", "text_column"};
  EXPECT_EQ(nearest("max_sample", kWords), "max_samples");
  EXPECT_EQ(nearest("spilt", kWords), "split");
  EXPECT_EQ(nearest("split", kWords), "split");
  EXPECT_EQ(nearest("textcolum", kWords), "text_column");
  EXPECT_EQ(nearest("banana", kWords), std::nullopt);
  EXPECT_EQ(nearest("split", {}), std::nullopt);
}

TEST(Nearest, TheLimitIsTwoOrAThirdOfTheLongerLength) {
  constexpr std::array<std::string_view, 1> kShort = {"abc"};
  EXPECT_EQ(nearest("a", kShort), "abc");        // 2 letters missing
  EXPECT_EQ(nearest("", kShort), std::nullopt);  // 3
  EXPECT_EQ(nearest("abcde", kShort), "abc");    // 2 too many
  EXPECT_EQ(nearest("abcdef", kShort), std::nullopt);
  constexpr std::array<std::string_view, 1> kLong = {"abcdefghi"};
  EXPECT_EQ(nearest("abcdefxyz", kLong), "abcdefghi");   // 3 of 9
  EXPECT_EQ(nearest("abcdewxyz", kLong), std::nullopt);  // 4 of 9
}

TEST(Nearest, TheFirstOfEqualsWins) {
  constexpr std::array<std::string_view, 3> kWords = {"cart", "card", "care"};
  EXPECT_EQ(nearest("carx", kWords), "cart");
  EXPECT_EQ(nearest("card", kWords), "card");
}

TEST(DType, RowsTakeTheBytesOfTheirBlocks) {
  EXPECT_EQ(row_bytes(DType::kF32, 7), 28);
  EXPECT_EQ(row_bytes(DType::kF16, 7), 14);
  EXPECT_EQ(row_bytes(DType::kBF16, 7), 14);
  EXPECT_EQ(row_bytes(DType::kQ8_0, 64), 68);
  EXPECT_EQ(row_bytes(DType::kQ4_0, 64), 36);
  EXPECT_EQ(row_bytes(DType::kQ4_1, 64), 40);
  EXPECT_EQ(row_bytes(DType::kQ5_0, 64), 44);
  EXPECT_EQ(row_bytes(DType::kQ5_1, 64), 48);
  EXPECT_EQ(row_bytes(DType::kQ4_K, 512), 288);
  EXPECT_EQ(row_bytes(DType::kQ5_K, 512), 352);
  EXPECT_EQ(row_bytes(DType::kQ6_K, 512), 420);
  EXPECT_EQ(row_bytes(DType::kQ6_K, 0), 0);
}

TEST(DType, NamesFollowTheEnumeration) {
  EXPECT_EQ(info(DType::kF32).name, "F32");
  EXPECT_EQ(info(DType::kBF16).name, "BF16");
  EXPECT_EQ(info(DType::kQ5_1).name, "Q5_1");
  EXPECT_EQ(info(DType::kQ6_K).name, "Q6_K");
}

TEST(DTypeDeathTest, HalfABlockIsABug) {
  EXPECT_EXIT(row_bytes(DType::kQ8_0, 33), testing::ExitedWithCode(2), "check failed");
}

TEST(TensorView, IndexesAndSlicesTheFirstAxis) {
  std::vector<int> numbers(24);
  std::iota(numbers.begin(), numbers.end(), 0);
  const TensorView<int, 3> view(numbers.data(), {2, 3, 4});
  EXPECT_EQ(view.size(), 24);
  EXPECT_EQ(*view[1][2][3], 23);
  EXPECT_EQ(view[1].shape(), (std::array<int64_t, 2>{3, 4}));
  const TensorView<const int, 3> tail = view.slice(1, 2);
  EXPECT_EQ(tail.dim(0), 1);
  EXPECT_EQ(tail.flat().front(), 12);
  EXPECT_EQ(tail.flat().size(), 12U);
  EXPECT_EQ(view.slice(2, 2).size(), 0);
}

TEST(TensorViewDeathTest, ASliceOutsideIsABug) {
  std::array<float, 4> numbers{};
  const MatrixView view(numbers.data(), {2, 2});
  EXPECT_EXIT(view.slice(1, 3), testing::ExitedWithCode(2), "check failed");
}

TEST(WeightMatrix, RowOrderUndoesThePermutationOfGguf) {
  const std::array<std::byte, 64> data = {};
  WeightMatrix matrix;
  matrix.data = data.data();
  matrix.rows = 16;
  matrix.cols = 1;
  matrix.stride_bytes = 4;
  EXPECT_EQ(matrix.stored_row(13), 13);
  matrix.head_rows = 8;  // per head: 0 2 4 6 1 3 5 7
  const std::array<int64_t, 16> expected = {0, 2, 4, 6, 1, 3, 5, 7, 8, 10, 12, 14, 9, 11, 13, 15};
  for (int64_t row = 0; row < 16; ++row) EXPECT_EQ(matrix.stored_row(row), expected.at(row));
  const WeightMatrix second = matrix.rows_slice(8, 16);
  EXPECT_EQ(second.rows, 8);
  EXPECT_EQ(second.stored_row(1), 2);
  EXPECT_EQ(second.data - matrix.data, 32);
}

}  // namespace
}  // namespace qk
