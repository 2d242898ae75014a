#include "dataset/head_rows.h"

#include <arrow/array.h>
#include <arrow/array/util.h>
#include <arrow/util/decimal.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>

#include "base/atomic_file.h"
#include "base/error.h"
#include "dataset/test_head_rows.h"

namespace qk {
namespace head_rows_test {

using testing::HasSubstr;

TEST_F(HeadRows, ReadsTheNumbersOfEveryStoredType) {
  const ArrayPtr offsets = array_of<arrow::Int32Builder>(std::vector<int32_t>{0, 3, 6});
  const ArrayPtr offsets64 = integers({0, 3, 6});
  const ArrayPtr words = array_of<arrow::UInt16Builder>(bfloat16_words());
  expect_numbers({});
  expect_numbers({{"vector", arrow::ListArray::FromArrays(*offsets, *floats()).ValueOrDie()}});
  expect_numbers(
      {{"vector", arrow::LargeListArray::FromArrays(*offsets64, *floats()).ValueOrDie()}});
  expect_numbers({{"vector", fixed_list(half_words(), 3)}});
  expect_numbers({{"vector", fixed_list(words, 3)}});
  arrow::FixedSizeBinaryBuilder binary(arrow::fixed_size_binary(2));
  for (const uint16_t word : bfloat16_words()) {
    ASSERT_TRUE(binary.Append(reinterpret_cast<const uint8_t*>(&word)).ok());
  }
  expect_numbers({{"vector", fixed_list(binary.Finish().ValueOrDie(), 3)}});
  const std::vector<double> wide(kNumbers.begin(), kNumbers.end());
  expect_numbers({{"vector", fixed_list(array_of<arrow::DoubleBuilder>(wide), 3)}});
}

TEST_F(HeadRows, DoublesAreNotRounded) {
  const std::vector<double> numbers = {1, 2, 3, 4, 0.1, 6};
  EXPECT_EQ(fault_of({{"vector", fixed_list(array_of<arrow::DoubleBuilder>(numbers), 3)}}),
            "row 1: column vector: expected float32, or float64 that float32 holds exactly, found "
            "0.1 at 1");
}

TEST_F(HeadRows, NumbersMayBeWholeFloats) {
  const auto positions = [](std::vector<double> values) {
    return array_of<arrow::DoubleBuilder>(values);
  };
  EXPECT_EQ(read({{"position", positions({3, 70})}}).positions, (std::vector<int64_t>{3, 70}));
  EXPECT_EQ(read({{"bucket", positions({-0.0, -7})}}).buckets, (std::vector<int64_t>{0, -7}));
  EXPECT_EQ(read({{"example_id", positions({-3, 1e15})}}).example_ids,
            (std::vector<int64_t>{-3, 1'000'000'000'000'000}));
  arrow::HalfFloatBuilder halves;
  ASSERT_TRUE(halves.AppendValues(std::vector<uint16_t>{0xC000, 0x67FF}).ok());
  EXPECT_EQ(read({{"bucket", halves.Finish().ValueOrDie()}}).buckets,
            (std::vector<int64_t>{-2, 2047}));
  for (const double bad : {0.5, std::nan(""), HUGE_VAL}) {
    for (const char* name : {"bucket", "example_id"}) {
      EXPECT_EQ(fault_of({{name, positions({0, bad})}}),
                fmt::format("row 1: column {}: expected a whole number, found {}", name, bad));
    }
  }
  EXPECT_EQ(fault_of({{"position", positions({3, 70.5})}}),
            "row 1: column position: expected a whole number, found 70.5");
}

TEST_F(HeadRows, ReadsHalvesOfEveryKind) {
  arrow::HalfFloatBuilder builder;  // smallest denormal, largest, -smallest normal
  ASSERT_TRUE(
      builder.AppendValues(std::vector<uint16_t>{0x0001, 0x7BFF, 0x8400, 0x03FF, 0, 1}).ok());
  const HeadRowBatch batch = read({{"vector", fixed_list(builder.Finish().ValueOrDie(), 3)}});
  EXPECT_EQ(batch.vectors[0], 0x1p-24F);
  EXPECT_EQ(batch.vectors[1], 65504.0F);
  EXPECT_EQ(batch.vectors[2], -0x1p-14F);
  EXPECT_EQ(batch.vectors[3], 0x1.FF8p-15F);
}

TEST_F(HeadRows, ReadsIntegersOfEveryWidth) {
  const HeadRowBatch batch =
      read({{"bucket", array_of<arrow::UInt8Builder>(std::vector<uint8_t>{200, 1})},
            {"position", array_of<arrow::Int16Builder>(std::vector<int16_t>{-7, 70})},
            {"example_id", array_of<arrow::UInt32Builder>(std::vector<uint32_t>{4000000000U, 0})},
            {"sliding_window", array_of<arrow::Int32Builder>(std::vector<int32_t>{64, 64})}});
  EXPECT_EQ(batch.buckets, (std::vector<int64_t>{200, 1}));
  EXPECT_EQ(batch.positions, (std::vector<int64_t>{-7, 70}));
  EXPECT_EQ(batch.example_ids, (std::vector<int64_t>{4000000000, 0}));
  EXPECT_EQ(batch.windows, (std::vector<std::optional<int64_t>>{64, 64}));
}

TEST_F(HeadRows, WindowsMayBeNullOrFloatsOrAbsent) {
  const std::optional<int64_t> none;
  const ArrayPtr nulls = std::make_shared<arrow::NullArray>(2);
  EXPECT_THAT(read({{"sliding_window", nulls}}).windows, testing::ElementsAre(none, none));
  const double nan = std::nan("");
  EXPECT_THAT(
      read({{"sliding_window", array_of<arrow::DoubleBuilder>(std::vector{512.0, nan})}}).windows,
      testing::ElementsAre(std::optional<int64_t>(512), none));
  EXPECT_TRUE(read({{"sliding_window", nullptr}}).windows.empty());
  EXPECT_TRUE(read({{"example_id", nullptr}}).example_ids.empty());
  EXPECT_EQ(fault_of({{"sliding_window", array_of<arrow::DoubleBuilder>(std::vector{512.0, 0.5})}}),
            "row 1: column sliding_window: expected a whole number, found 0.5");
}

// Snowflake's integers.
TEST_F(HeadRows, NumbersMayBeWholeDecimals) {
  const auto decimals = [](const std::vector<std::string>& texts, int32_t scale) {
    arrow::Decimal128Builder builder(arrow::decimal128(38, scale));
    for (const std::string& text : texts) {
      EXPECT_TRUE(builder.Append(arrow::Decimal128::FromString(text).ValueOrDie()).ok());
    }
    return builder.Finish().ValueOrDie();
  };
  EXPECT_EQ(read({{"bucket", decimals({"-9223372036854775808", "5"}, 0)}}).buckets,
            (std::vector<int64_t>{std::numeric_limits<int64_t>::min(), 5}));
  EXPECT_EQ(read({{"position", decimals({"300", "700"}, 2)}}).positions,
            (std::vector<int64_t>{3, 7}));
  const HeadRowBatch batch = read({{"example_id", decimals({"18446744073709551615", "-1"}, 0)}});
  EXPECT_EQ(batch.example_ids, (std::vector<int64_t>{-1, -1}));
  EXPECT_TRUE(batch.has_large_ids && batch.has_negative_ids);
  EXPECT_EQ(fault_of({{"position", decimals({"300", "701"}, 2)}}),
            "row 1: column position: expected a whole number, found 7.01");
  for (const char* beyond : {"18446744073709551616", "-9223372036854775809"}) {
    EXPECT_EQ(fault_of({{"example_id", decimals({"0", beyond}, 0)}}),
              fmt::format("row 1: column example_id: {} is out of range", beyond));
  }
}

TEST_F(HeadRows, IdsAreUnsignedToo) {
  const auto ids = array_of<arrow::UInt64Builder>(std::vector<uint64_t>{1, ~uint64_t{0}});
  const HeadRowBatch batch = read({{"example_id", ids}});
  EXPECT_EQ(batch.example_ids, (std::vector<int64_t>{1, -1}));
  EXPECT_TRUE(batch.has_large_ids);
  EXPECT_FALSE(batch.has_negative_ids);
  EXPECT_FALSE(read({}).has_large_ids);
  EXPECT_TRUE(read({}).has_negative_ids);
}

// From 2^53 on a double does not say which integer was meant: 2^53 + 1 is stored as 2^53.
TEST_F(HeadRows, WholeFloatsHaveALimit) {
  const auto doubles = [](double number) {
    return array_of<arrow::DoubleBuilder>(std::vector{0.0, number});
  };
  for (const double limit : {0x1p53, -0x1p53}) {
    const double last = limit - std::copysign(1, limit);
    EXPECT_EQ(read({{"sliding_window", doubles(last)}}).windows[1],
              std::optional(static_cast<int64_t>(last)));
    EXPECT_EQ(read({{"position", doubles(last)}}).positions[1], static_cast<int64_t>(last));
    for (const char* name : {"sliding_window", "position"}) {
      EXPECT_EQ(fault_of({{name, doubles(limit)}}),
                fmt::format("row 1: column {}: found {}, but floats of this width hold every "
                            "integer only below 2^53; store the column as integers",
                            name, limit));
    }
  }
  const auto floats_to = [](float number) {
    return array_of<arrow::FloatBuilder>(std::vector{0.0F, number});
  };
  EXPECT_EQ(read({{"example_id", floats_to(0x1p24F - 1)}}).example_ids[1], (1 << 24) - 1);
  EXPECT_THAT(fault_of({{"example_id", floats_to(0x1p24F)}}), HasSubstr("only below 2^24"));
}

TEST_F(HeadRows, AWindowOfNullsMayHaveAnyType) {
  const std::optional<int64_t> none;
  for (const auto& type :
       {arrow::utf8(), arrow::boolean(), arrow::date32(), arrow::float16(), arrow::binary(),
        arrow::list(arrow::int32()), arrow::struct_({arrow::field("a", arrow::int8())})}) {
    const ArrayPtr nulls = arrow::MakeArrayOfNull(type, 2).ValueOrDie();
    EXPECT_THAT(read({{"sliding_window", nulls}}).windows, testing::ElementsAre(none, none))
        << type->ToString();
  }
  arrow::StringBuilder builder;
  ASSERT_TRUE(builder.AppendNull().ok() && builder.Append("128").ok());
  EXPECT_EQ(fault_of({{"sliding_window", builder.Finish().ValueOrDie()}}),
            "row 1: column sliding_window: expected an integer, a whole float or null, found 128 "
            "(string)");
}

TEST_F(HeadRows, IgnoresFurtherColumns) {
  expect_numbers({{"score", floats()->Slice(0, 2)}});
  expect_numbers({{"vector.list.element", integers({1, 2})}, {"Bucket", floats()->Slice(0, 2)}});
  Columns twice = columns({{"score", integers({1, 2})}});
  twice.insert(twice.begin(), {"score", integers({3, 4})});
  reader_.emplace(std::vector<fs::path>{write(twice)});
  HeadRowBatch batch;
  ASSERT_TRUE(reader_->next(batch));
  EXPECT_EQ(batch.positions, (std::vector<int64_t>{3, 70}));
  Columns two_buckets = columns();
  two_buckets.emplace_back("bucket", integers({1, 2}));
  const fs::path path = write(two_buckets);
  EXPECT_THAT([&] { HeadRowReader({path}); },
              testing::ThrowsMessage<Error>(HasSubstr("column bucket occurs 2 times")));
}

TEST_F(HeadRows, SixteenBitIntegersAreBfloat16) {
  const std::vector<uint16_t> words = bfloat16_words();
  const std::vector<int16_t> signed_words(words.begin(), words.end());
  expect_numbers({{"vector", fixed_list(array_of<arrow::Int16Builder>(signed_words), 3)}});
  const auto fault = [&](const std::vector<int16_t>& numbers) {
    return fault_of({{"vector", fixed_list(array_of<arrow::Int16Builder>(numbers), 3)}});
  };
  constexpr const char* kHint =
      " (16-bit integers are read as the bits of bfloat16; store other numbers as float32)";
  EXPECT_EQ(fault({3, -2, 0, 7, 1, 0}),
            std::string("row 0: column vector: expected finite numbers, found -nan at 1") + kHint);
  EXPECT_THAT(fault({3, 2, 0, 0x1FFF, 1, 0}),
              testing::AllOf(HasSubstr("from row 0 on the largest number is 1"), HasSubstr(kHint)));
  EXPECT_THAT(fault({3, 2, 0, 0x5F00, 1, 0}), HasSubstr("the largest number is 9.2"));
  EXPECT_EQ(fault({3, 2, 0, 0x2000, 0x5EFF, 0}), "");
  EXPECT_EQ(fault({0, 0, 0, 0, 0, 0}), "");
}

TEST_F(HeadRows, RefusesColumnsThatAreMissingOrOfAnotherType) {
  EXPECT_EQ(fault_of({{"position", nullptr}}),
            "column position is missing (there are: bucket, vector, example_id, sliding_window)");
  EXPECT_EQ(fault_of({{"vector", nullptr}}),
            "column vector is missing (there are: bucket, position, example_id, sliding_window)");
  EXPECT_EQ(fault_of({{"bucket", array_of<arrow::BooleanBuilder>(std::vector<bool>{true, false})}}),
            "column bucket: expected integers or whole floats, found bool");
  EXPECT_THAT(fault_of({{"vector", fixed_list(integers({1, 2, 3, 4, 5, 6}), 3)}}),
              HasSubstr("column vector: expected lists of float32, float16, bfloat16 (its bits as "
                        "uint16, int16 or 2-byte binary) or float64, found list<element: int64>"));
  EXPECT_EQ(fault_of({{"example_id",
                       array_of<arrow::StringBuilder>(std::vector<std::string>{"a", "b"})}}),
            "column example_id: expected integers or whole floats, a number for each document, "
            "found string");
}

TEST_F(HeadRows, RefusesVectorsThatDoNotFit) {
  const ArrayPtr offsets = array_of<arrow::Int32Builder>(std::vector<int32_t>{0, 3, 5});
  EXPECT_EQ(fault_of({{"vector", arrow::ListArray::FromArrays(*offsets, *floats()).ValueOrDie()}}),
            "row 1: column vector: expected 3 numbers as in the rows before, found 2");
  for (const float bad : {std::nanf(""), std::numeric_limits<float>::infinity()}) {
    std::vector<float> numbers = kNumbers;
    numbers[4] = bad;
    const ArrayPtr vector = fixed_list(array_of<arrow::FloatBuilder>(numbers), 3);
    EXPECT_EQ(fault_of({{"vector", vector}}),
              fmt::format("row 1: column vector: expected finite numbers, found {} at 1", bad));
  }
  for (const auto& [word, text] : {std::pair<uint16_t, const char*>{0x7C00, "inf"},
                                   {0xFC00, "-inf"},
                                   {0x7E00, "nan"},
                                   {0x7C01, "nan"}}) {
    arrow::HalfFloatBuilder halves;
    ASSERT_TRUE(halves.AppendValues(std::vector<uint16_t>{0, 0, 0, 0, 0, word}).ok());
    EXPECT_EQ(fault_of({{"vector", fixed_list(halves.Finish().ValueOrDie(), 3)}}),
              fmt::format("row 1: column vector: expected finite numbers, found {} at 2", text));
  }
  arrow::FloatBuilder holes;
  ASSERT_TRUE(holes.AppendValues(kNumbers.data(), 5).ok());
  ASSERT_TRUE(holes.AppendNull().ok());
  EXPECT_EQ(fault_of({{"vector", fixed_list(holes.Finish().ValueOrDie(), 3)}}),
            "row 1: column vector: expected numbers, found null at 2");
  const ArrayPtr nothing = array_of<arrow::Int32Builder>(std::vector<int32_t>{0, 0, 0});
  EXPECT_EQ(fault_of({{"vector", arrow::ListArray::FromArrays(*nothing, *floats()).ValueOrDie()}}),
            "row 0: column vector: the vector has no numbers");
}

TEST_F(HeadRows, RefusesNullsAndNumbersOutOfRange) {
  arrow::Int64Builder builder;
  ASSERT_TRUE(builder.Append(1).ok());
  ASSERT_TRUE(builder.AppendNull().ok());
  EXPECT_EQ(fault_of({{"bucket", builder.Finish().ValueOrDie()}}),
            "row 1: column bucket: expected an integer, found null");
  const auto large = array_of<arrow::UInt64Builder>(std::vector<uint64_t>{1, ~uint64_t{0}});
  for (const char* name : {"bucket", "position", "sliding_window"}) {
    EXPECT_EQ(fault_of({{name, large}}),
              fmt::format("row 1: column {}: expected at most 2^63 - 1, found 18446744073709551615",
                          name));
  }
}

TEST_F(HeadRows, SeveralFilesFollowEachOther) {
  const fs::path first = write(columns(), "a.parquet");
  const fs::path second = write(columns({{"position", integers({8, 9})}}), "b.parquet");
  HeadRowReader reader({first, second});
  EXPECT_EQ(reader.num_rows(), 4);
  EXPECT_EQ(reader.footer_dim(), 3);
  HeadRowBatch batch;
  ASSERT_TRUE(reader.next(batch));
  EXPECT_EQ(batch.positions, (std::vector<int64_t>{3, 70}));
  ASSERT_TRUE(reader.next(batch));
  EXPECT_EQ(batch.positions, (std::vector<int64_t>{8, 9}));
  EXPECT_FALSE(reader.next(batch));
  const fs::path other = write(columns({{"example_id", nullptr}}), "c.parquet");
  EXPECT_THAT(
      [&] { HeadRowReader({first, other}); },
      testing::ThrowsMessage<Error>(HasSubstr("has no column example_id, unlike a.parquet")));
}

TEST_F(HeadRows, SaysWhatIsWrongWithAFile) {
  const fs::path whole = write(columns());
  const std::string bytes = read_file(whole);
  for (const size_t size : {size_t{0}, size_t{7}, bytes.size() / 2, bytes.size() - 1}) {
    write_file(whole, bytes.substr(0, size));
    EXPECT_THROW(HeadRowReader({whole}), Error) << size;
  }
  EXPECT_THROW(HeadRowReader({folder_ / "absent.parquet"}), Error);
}

}  // namespace head_rows_test
}  // namespace qk
