#include "formats/gguf.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <limits>
#include <memory>
#include <string>
#include <string_view>

#include "base/error.h"

namespace qk {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::Optional;
using testing::Pointee;

template <typename T>
std::string raw(T value) {
  std::string bytes(sizeof value, '\0');
  std::memcpy(bytes.data(), &value, sizeof value);
  return bytes;
}

std::string text(std::string_view value) { return raw(uint64_t{value.size()}).append(value); }

constexpr uint32_t kU32 = 4, kBool = 7, kString = 8, kArray = 9, kU64 = 10;

std::string pair(std::string_view key, uint32_t type, const std::string& value) {
  return text(key) + raw(type) + value;
}

std::string tensor(std::string_view name, const std::vector<uint64_t>& sizes, uint32_t type,
                   uint64_t offset) {
  std::string info = text(name) + raw(static_cast<uint32_t>(sizes.size()));
  for (const uint64_t size : sizes) info += raw(size);
  return info + raw(type) + raw(offset);
}

struct Parts {
  uint32_t version = 3;
  std::vector<std::string> pairs = {};
  std::vector<std::string> tensors = {};
  size_t data_bytes = 0;
  uint64_t alignment = 32;
};

std::string file_of(const Parts& parts) {
  std::string file = "GGUF" + raw(parts.version) + raw(uint64_t{parts.tensors.size()}) +
                     raw(uint64_t{parts.pairs.size()});
  for (const auto& pair : parts.pairs) file += pair;
  for (const auto& tensor : parts.tensors) file += tensor;
  if (parts.tensors.empty()) return file;
  while (file.size() % parts.alignment != 0) file += '\0';
  return file.append(parts.data_bytes, '\0');
}

// Parses a copy that ends where the allocation ends, so that a sanitizer sees a read beyond it.
std::string error_of(std::string_view file) {
  const auto copy = std::make_unique<std::byte[]>(file.size());
  std::memcpy(copy.get(), file.data(), file.size());
  try {
    const GgufFile parsed({copy.get(), file.size()}, "dir/m.gguf");
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

template <typename Call>
std::string error_in(const Call& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

TEST(Gguf, ReadsTheTensorsOfTheLibrary) {
  const GgufFile file(QK_TEST_DATA "/gguf/types.gguf");
  std::vector<std::string> lines;
  for (const StoredTensor& tensor : file.tensors()) {
    EXPECT_EQ(tensor.file, "types.gguf");
    lines.push_back(fmt::format("{} {} {} {} {}", tensor.name, tensor.dtype_name,
                                tensor.dtype ? info(*tensor.dtype).name : "none",
                                shape_text(tensor.shape), tensor.bytes.size()));
  }
  EXPECT_THAT(lines, ElementsAre("F32 F32 F32 [2, 256] 2048", "F16 F16 F16 [2, 256] 1024",
                                 "BF16 BF16 BF16 [2, 256] 1024", "Q8_0 Q8_0 Q8_0 [2, 256] 544",
                                 "Q4_0 Q4_0 Q4_0 [2, 256] 288", "Q4_1 Q4_1 Q4_1 [2, 256] 320",
                                 "Q5_0 Q5_0 Q5_0 [2, 256] 352", "Q5_1 Q5_1 Q5_1 [2, 256] 384",
                                 "Q4_K Q4_K Q4_K [2, 256] 288", "Q5_K Q5_K Q5_K [2, 256] 352",
                                 "Q6_K Q6_K Q6_K [2, 256] 420", "ids I32 none [5] 20"));
  for (const StoredTensor& tensor : file.tensors()) {
    if (!tensor.dtype) continue;
    const MappedFile blocks(QK_TEST_DATA "/gguf/blocks/" + tensor.name + ".bin");
    EXPECT_EQ(std::memcmp(tensor.bytes.data(), blocks.bytes().data(), tensor.bytes.size()), 0)
        << tensor.name;
  }
}

TEST(Gguf, ReadsEveryKindOfValue) {
  const GgufFile file(QK_TEST_DATA "/gguf/types.gguf");
  EXPECT_EQ(file.string("general.architecture"), "fixture");
  EXPECT_EQ(file.integer("value.u8"), 200);
  EXPECT_EQ(file.integer("value.i8"), -100);
  EXPECT_EQ(file.integer("value.u16"), 60000);
  EXPECT_EQ(file.integer("value.i16"), -30000);
  EXPECT_EQ(file.integer("value.u32"), 4000000000);
  EXPECT_EQ(file.integer("value.i32"), -2000000000);
  EXPECT_EQ(file.integer("value.i64"), std::numeric_limits<int64_t>::min());
  EXPECT_EQ(file.number("value.f32"), static_cast<double>(1e-5F));
  EXPECT_EQ(file.number("value.f64"), 0.1);
  EXPECT_EQ(file.number("value.i8"), -100.0);
  EXPECT_EQ(file.number("value.u64"), 0x1p64);
  EXPECT_EQ(file.boolean("value.bool"), true);
  EXPECT_EQ(file.string("value.string"), std::string("na\xC3\xAFve\0text", 11));
  EXPECT_THAT(file.strings("list.strings"), Pointee(ElementsAre("a", "",
                                                                "\xC4\xA0"
                                                                "b")));
  EXPECT_THAT(file.integers("list.integers"), Optional(ElementsAre(3, 1, -2)));
  EXPECT_THAT(file.numbers("list.floats"), Optional(ElementsAre(0.5, -1.5)));
  EXPECT_THAT(file.numbers("list.integers"), Optional(ElementsAre(3.0, 1.0, -2.0)));
  EXPECT_THAT(std::get<std::vector<bool>>(file.metadata().at("list.booleans")),
              ElementsAre(true, false, true));
}

TEST(Gguf, LookupsSayWhatTheyExpected) {
  const std::string path = QK_TEST_DATA "/gguf/types.gguf";
  const GgufFile file(path);
  EXPECT_FALSE(file.integer("absent").has_value());
  EXPECT_FALSE(file.number("absent").has_value());
  EXPECT_FALSE(file.boolean("absent").has_value());
  EXPECT_FALSE(file.string("absent").has_value());
  EXPECT_EQ(file.strings("absent"), nullptr);
  EXPECT_FALSE(file.integers("absent").has_value());
  EXPECT_FALSE(file.numbers("absent").has_value());
  EXPECT_EQ(error_in([&] { file.integer("value.u64"); }),
            path + ": value.u64: expected an integer below 2^63, found 18446744073709551615");
  EXPECT_EQ(error_in([&] { file.integer("value.bool"); }),
            path + ": value.bool: expected an integer, found a boolean");
  EXPECT_EQ(error_in([&] { file.integer("value.f32"); }),
            path + ": value.f32: expected an integer, found a float");
  EXPECT_EQ(error_in([&] { file.number("value.string"); }),
            path + ": value.string: expected a number, found a string");
  EXPECT_EQ(error_in([&] { file.boolean("value.u8"); }),
            path + ": value.u8: expected a boolean, found an unsigned integer");
  EXPECT_EQ(error_in([&] { file.string("value.i8"); }),
            path + ": value.i8: expected a string, found an integer");
  EXPECT_EQ(error_in([&] { file.strings("list.floats"); }),
            path + ": list.floats: expected a list of strings, found a list of floats");
  EXPECT_EQ(error_in([&] { file.integers("list.booleans"); }),
            path + ": list.booleans: expected a list of integers, found a list of booleans");
  EXPECT_EQ(error_in([&] { file.numbers("list.strings"); }),
            path + ": list.strings: expected a list of numbers, found a list of strings");
  EXPECT_EQ(error_in([&] { file.integers("value.u8"); }),
            path + ": value.u8: expected a list of integers, found an unsigned integer");
}

TEST(Gguf, ReadsVersion2AndAnotherAlignment) {
  const GgufFile file(QK_TEST_DATA "/gguf/v2.gguf");
  ASSERT_EQ(file.tensors().size(), 2);
  EXPECT_THAT(file.tensors()[0].shape, ElementsAre(2, 3));
  EXPECT_THAT(file.tensors()[1].shape, ElementsAre(4));
  float values[6];
  std::memcpy(values, file.tensors()[0].bytes.data(), sizeof values);
  EXPECT_THAT(values, ElementsAre(0, 1, 2, 3, 4, 5));
  EXPECT_EQ(file.tensors()[1].bytes.data() - file.tensors()[0].bytes.data(), 64);
}

TEST(Gguf, ReadsBytesByHand) {
  EXPECT_EQ(error_of(file_of({})), "no error");
  EXPECT_EQ(error_of(file_of({.tensors = {tensor("a", {}, 0, 0)}, .data_bytes = 4})), "no error");
  EXPECT_EQ(error_of(file_of({.tensors = {tensor("a", {0, 3}, 0, 0)}})), "no error");
  EXPECT_EQ(error_of(file_of(
                {.tensors = {tensor("a", {7}, 0, 0), tensor("b", {2}, 1, 32)}, .data_bytes = 36})),
            "no error");  // the last padding may be there or not
  EXPECT_EQ(error_of(file_of(
                {.tensors = {tensor("a", {7}, 0, 0), tensor("b", {2}, 1, 32)}, .data_bytes = 64})),
            "no error");
  EXPECT_EQ(error_of(file_of({.tensors = {tensor("a", {7}, 26, 0)}, .data_bytes = 28})),
            "no error");  // I32
  EXPECT_EQ(error_of(file_of({.pairs = {pair("split.count", 2, raw(uint16_t{1}))}})), "no error");
  EXPECT_EQ(error_of(file_of({.pairs = {pair("general.alignment", kU32, raw(8U))},
                              .tensors = {tensor("a", {3}, 0, 0), tensor("b", {1}, 0, 16)},
                              .data_bytes = 20,
                              .alignment = 8})),
            "no error");
}

TEST(Gguf, EveryCutFileIsAnError) {
  for (const char* name : {"/gguf/types.gguf", "/gguf/v2.gguf"}) {
    const MappedFile file(std::string(QK_TEST_DATA) + name);
    const std::string whole(reinterpret_cast<const char*>(file.bytes().data()),
                            file.bytes().size());
    ASSERT_EQ(error_of(whole), "no error");
    const size_t padding = name == std::string("/gguf/v2.gguf") ? 56 : 12;  // of the last tensor
    EXPECT_EQ(error_of(whole.substr(0, whole.size() - padding)), "no error");
    for (size_t size = 0; size < whole.size() - padding; size += size < 1500 ? 1 : 37) {
      ASSERT_THAT(error_of(whole.substr(0, size)), HasSubstr("dir/m.gguf: ")) << size;
    }
    EXPECT_THAT(error_of(whole + "\1"), HasSubstr("1 bytes follow the last tensor"));
  }
}

TEST(Gguf, EveryChangedByteIsReadOrRefused) {
  const MappedFile file(QK_TEST_DATA "/gguf/types.gguf");
  const std::string whole(reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size());
  for (size_t i = 0; i < 1300; ++i) {  // the header
    for (const int value : {0, 9, 0x80, 0xFF}) {
      std::string changed = whole;
      changed[i] = static_cast<char>(value);
      error_of(changed);  // throws what is not an Error
    }
  }
}

struct BadFile {
  std::string file;
  std::string sentence;
};

void expect_sentences(std::span<const BadFile> table) {
  for (const BadFile& row : table) {
    EXPECT_THAT(error_of(row.file), AllOf(HasSubstr("dir/m.gguf: "), HasSubstr(row.sentence)));
  }
}

TEST(Gguf, SaysWhatIsWrongAtTheStart) {
  const std::string start = "GGUF" + raw(3U);
  const BadFile table[] = {
      {"", "is not a GGUF file"},
      {"GGU", "is not a GGUF file"},
      {"ggml" + raw(3U), "is not a GGUF file"},
      {"FUGG" + raw(3U), "is not a GGUF file"},
      {file_of({.version = 0}), "GGUF version: expected 2 or 3, found 0"},
      {file_of({.version = 1}), "GGUF version: expected 2 or 3, found 1"},
      {file_of({.version = 4}), "GGUF version: expected 2 or 3, found 4"},
      {file_of({.version = 3U << 24}), "is a big-endian GGUF file"},
      {start + raw(UINT64_MAX) + raw(uint64_t{0}), "the number of tensors: expected at most"},
      {start + raw(uint64_t{0}) + raw(UINT64_MAX), "the number of keys: expected at most"},
      {start + raw(uint64_t{1000}) + raw(uint64_t{0}), "the number of tensors is 1000, which does"},
      {start + raw(uint64_t{0}) + raw(uint64_t{1000}), "the number of keys is 1000, which does"},
      {file_of({}) + std::string(40, 'x'), "bytes follow the last tensor"},
  };
  expect_sentences(table);
}

TEST(Gguf, SaysWhatIsWrongInTheMetadata) {
  const auto one = [](const std::string& pair) { return file_of({.pairs = {pair}}); };
  const auto array = [&](uint32_t type, uint64_t count, const std::string& elements) {
    return one(pair("k", kArray, raw(type) + raw(count) + elements));
  };
  const std::string pad(64, '\0');
  const BadFile table[] = {
      {one(raw(UINT64_MAX) + pad), "is cut short: a key at byte 32 needs 18446744073709551615 by"},
      {one(raw(uint64_t{1} << 40) + pad), "is cut short: a key"},
      {one(pair("k", 13, pad)), "k: unknown value type 13"},
      {one(pair("k", UINT32_MAX, pad)), "k: unknown value type 4294967295"},
      {one(pair("k", kString, raw(UINT64_MAX) + pad)), "is cut short: a string value"},
      {one(pair("k", kBool, raw(uint8_t{2}))), "k: expected a boolean (0 or 1), found 2"},
      {array(kU32, UINT64_MAX, pad), "k: is cut short: an array of 18446744073709551615 elements"},
      {array(kU32, uint64_t{1} << 62, pad), "k: is cut short: an array of"},
      {array(kU32, 17, pad), "k: is cut short: an array of 17 elements"},
      {array(kString, 9, pad), "k: is cut short: an array of 9 elements"},
      {array(kString, 8, raw(UINT64_MAX) + pad), "is cut short: a string value"},
      {array(kArray, 1, raw(kU32) + raw(uint64_t{0})), "k: arrays of arrays are not supported"},
      {array(13, 1, pad), "k: unknown value type 13"},
      {array(kBool, 1, raw(uint8_t{7})), "k: expected a boolean"},
      {array(0, (1 << 23) + 1, std::string((1 << 23) + 1, 'x')), "is more than a model needs"},
      {one(pair("a\xFF", kBool, "\1")), "the name of a key is not UTF-8"},
      {one(pair(std::string_view("a\0b", 3), kBool, "\1")), "key 'a?b': the name holds a control"},
      {file_of({.pairs = {pair("k", kBool, "\1"), pair("k", kBool, "\1")}}),
       "key 'k' occurs twice"},
      {one(pair("split.count", 2, raw(uint16_t{3}))), "is one of 3 parts of a split file"},
      {one(pair("split.count", kString, text("3"))), "split.count: expected an integer, found a s"},
      {one(pair("general.alignment", kU32, raw(0U))), "expected a power of two, found 0"},
      {one(pair("general.alignment", kU32, raw(33U))), "expected a power of two, found 33"},
      {one(pair("general.alignment", 5, raw(-32))), "expected a power of two, found -32"},
      {one(pair("general.alignment", kU64, raw(uint64_t{1} << 32))), "expected a power of two"},
      {one(pair("general.alignment", 6, raw(32.0F))), "general.alignment: expected an integer, fo"},
  };
  expect_sentences(table);
}

TEST(Gguf, ArraysTogetherAreLimited) {
  const std::string half = raw(0U) + raw(uint64_t{1} << 22) + std::string(1 << 22, 'x');
  Parts parts{.pairs = {pair("a", kArray, half), pair("b", kArray, half)}};
  EXPECT_EQ(error_of(file_of(parts)), "no error");
  parts.pairs.push_back(pair("c", kArray, raw(0U) + raw(uint64_t{1}) + "x"));
  EXPECT_THAT(error_of(file_of(parts)), HasSubstr("c: an array of 1 elements is more than"));
}

TEST(Gguf, SaysWhatIsWrongInTheTensors) {
  const auto one = [](const std::string& tensor, size_t data_bytes) {
    return file_of({.tensors = {tensor}, .data_bytes = data_bytes});
  };
  const auto two = [](const std::string& a, const std::string& b, size_t data_bytes) {
    return file_of({.tensors = {a, b}, .data_bytes = data_bytes});
  };
  const uint64_t big = uint64_t{1} << 62;
  const BadFile table[] = {
      {one(tensor("a\xFF", {8}, 0, 0), 32), "the name of a tensor is not UTF-8"},
      {one(tensor(std::string_view("a\0", 2), {8}, 0, 0), 32), "tensor 'a?': the name holds"},
      {one(tensor("a\x1B[2J", {8}, 0, 0), 32), "tensor 'a?[2J': the name holds a control"},
      {one(tensor("a", {1, 1, 1, 1, 8}, 0, 0), 32), "a: expected at most 4 axes, found 5"},
      {one(tensor("a", {UINT64_MAX}, 0, 0), 32), "a: shape: 18446744073709551615 is too large"},
      {one(tensor("a", {8}, 4, 0), 32), "a: unknown tensor type 4"},
      {one(tensor("a", {8}, 31, 0), 32), "a: unknown tensor type 31"},
      {one(tensor("a", {8}, 1000, 0), 32), "a: unknown tensor type 1000"},
      {one(tensor("a", {31}, 8, 0), 34), "a: Q8_0 [31]: a row must be a multiple of 32 elements"},
      {one(tensor("a", {128, 2}, 12, 0), 144), "a: Q4_K [2, 128]: a row must be a multiple of 256"},
      {one(tensor("a", {}, 8, 0), 34), "a: Q8_0 []: a row must be a multiple of 32 elements"},
      {one(tensor("a", {big}, 0, 0), 32), "a: shape [4611686018427387904] is too large"},
      {one(tensor("a", {1U << 31, 1U << 31, 4}, 0, 0), 32), "is too large"},
      {one(tensor("a", {big, 0}, 0, 0), 0), "is too large"},
      {one(tensor("a", {9}, 0, 0), 32),
       "a F32 [9] needs 36 bytes at byte 0 of the data, which has"},
      {one(tensor("a", {1, 1U << 30}, 0, 0), 32), "is cut short: a F32 [1073741824, 1] needs"},
      {one(tensor("a", {8}, 0, 32), 64), "a: offset: expected 0, where the tensor before it ends"},
      {one(tensor("a", {8}, 0, 1), 64), "a: offset: expected 0"},
      {one(tensor("a", {8}, 1, 0), 64), "32 bytes follow the last tensor"},
      {two(tensor("a", {8}, 0, 0), tensor("b", {8}, 0, 0), 64), "b: offset: expected 32"},
      {two(tensor("a", {8}, 0, 0), tensor("b", {8}, 0, 64), 96), "b: offset: expected 32"},
      {two(tensor("a", {8}, 0, 32), tensor("b", {8}, 0, 0), 64), "a: offset: expected 0"},
      {two(tensor("a", {8}, 0, 0), tensor("b", {8}, 0, UINT64_MAX), 64), "b: offset: expected 32"},
      {two(tensor("a", {8}, 0, 0), tensor("a", {8}, 0, 32), 64), "tensor 'a' occurs twice"},
      // A tensor that lies about its type: the next one is not where it should be.
      {two(tensor("a", {32}, 2, 0), tensor("b", {8}, 0, 64), 96), "b: offset: expected 32"},
      {two(tensor("a", {5}, 0, 0), tensor("b", {0}, 0, 32), 20), "is cut short: b F32 [0] needs 0"},
  };
  expect_sentences(table);
}

TEST(Gguf, ShortensLongNames) {
  const std::string name(100'000, 'n');
  EXPECT_LT(error_of(file_of({.tensors = {tensor(name, {8}, 77, 0)}})).size(), 300);
  EXPECT_THAT(error_of(file_of({.pairs = {pair(name, 99, "")}})), Not(HasSubstr(name)));
}

}  // namespace
}  // namespace qk
