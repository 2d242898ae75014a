#include "formats/safetensors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "base/atomic_file.h"
#include "base/error.h"

namespace qk {
namespace safetensors_test {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// The bytes of a file: the header's length, the header, and as many zeros as the buffer has bytes.
std::string file_of(std::string_view header, size_t buffer_bytes, uint64_t header_bytes) {
  std::string file(8, '\0');
  std::memcpy(file.data(), &header_bytes, 8);
  return file.append(header).append(buffer_bytes, '\0');
}

std::string file_of(std::string_view header, size_t buffer_bytes) {
  return file_of(header, buffer_bytes, header.size());
}

// Parses a copy that ends where the allocation ends, so that a sanitizer sees a read beyond it.
std::string error_of(std::string_view file) {
  const auto copy = std::make_unique<std::byte[]>(file.size());
  std::memcpy(copy.get(), file.data(), file.size());
  try {
    parse_safetensors({copy.get(), file.size()}, "dir/m.safetensors");
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

// A header with the one tensor x.
std::string header_x(std::string_view dtype, std::string_view shape, std::string_view offsets) {
  return fmt::format(R"({{"x":{{"dtype":"{}","shape":{},"data_offsets":{}}}}})", dtype, shape,
                     offsets);
}

TEST(Safetensors, ReadsTheFileOfTheLibrary) {
  const MappedFile file(QK_TEST_DATA "/safetensors/small.safetensors");
  const auto tensors = parse_safetensors(file);
  std::vector<std::string> lines;
  for (const StoredTensor& tensor : tensors) {
    EXPECT_EQ(tensor.file, "small.safetensors");
    lines.push_back(fmt::format("{} {} {} {} {}", tensor.name, tensor.dtype_name,
                                tensor.dtype ? info(*tensor.dtype).name : "none",
                                shape_text(tensor.shape), tensor.bytes.size()));
  }
  EXPECT_THAT(lines,
              ElementsAre("bf16 BF16 BF16 [3, 4] 24", "f16 F16 F16 [3, 4] 24",
                          "f32 F32 F32 [3, 4] 48", "ids I32 none [5] 20", "none F32 F32 [0, 7] 0",
                          "scalar F32 F32 [] 4", "\xC3\xA9 BOOL none [2] 2"));
  float values[12];
  std::memcpy(values, tensors[2].bytes.data(), sizeof values);
  for (int i = 0; i < 12; ++i) EXPECT_EQ(values[i], static_cast<float>(i) / 8);
}

TEST(Safetensors, ReadsBytesByHand) {
  const std::string header =
      R"({"__metadata__":{"format":"pt"},"b":{"shape":[2],"dtype":"BF16","data_offsets":[8,12],"more":{}},"a":{"dtype":"F32","shape":[1,2],"data_offsets":[0,8]},"":{"dtype":"U8","shape":[0],"data_offsets":[12,12]}}   )";
  std::string file = file_of(header, 12);
  file.replace(8 + header.size(), 12, "abcdefghijkl");
  const auto bytes = std::as_bytes(std::span(file));
  const auto tensors = parse_safetensors(bytes, "some/file.safetensors");
  ASSERT_EQ(tensors.size(), 3);
  EXPECT_EQ(tensors[0].name, "");
  EXPECT_THAT(tensors[0].bytes, IsEmpty());
  EXPECT_EQ(tensors[1].name, "a");
  EXPECT_THAT(tensors[1].shape, ElementsAre(1, 2));
  EXPECT_EQ(std::memcmp(tensors[1].bytes.data(), "abcdefgh", 8), 0);
  EXPECT_EQ(tensors[2].name, "b");
  EXPECT_EQ(tensors[2].dtype, DType::kBF16);
  EXPECT_EQ(tensors[2].bytes.size(), 4);
  EXPECT_EQ(std::memcmp(tensors[2].bytes.data(), "ijkl", 4), 0);
}

TEST(Safetensors, AnEmptyFileOfTensorsIsAFile) {
  EXPECT_EQ(error_of(file_of("{}", 0)), "no error");
}

TEST(Safetensors, MetadataMayBeNull) {
  EXPECT_EQ(error_of(file_of(R"({"__metadata__":null})", 0)), "no error");
}

TEST(Safetensors, GivesItsMetadata) {
  const auto path = std::filesystem::temp_directory_path() /
                    fmt::format("qk-metadata-{}.safetensors", static_cast<int>(getpid()));
  const auto metadata_of = [&](std::string_view header) {
    write_file(path, file_of(header, 0));
    const auto out = safetensors_metadata(MappedFile(path));
    std::filesystem::remove(path);
    return out;
  };
  EXPECT_THAT(metadata_of("{}"), IsEmpty());
  EXPECT_THAT(metadata_of(R"({"__metadata__":null})"), IsEmpty());
  EXPECT_THAT(metadata_of(R"({"__metadata__":{"b":"2","a":""}})"),
              ElementsAre(testing::Pair("a", ""), testing::Pair("b", "2")));
  EXPECT_THROW(metadata_of(R"({"__metadata__":{"a":1}})"), Error);
}

// Types that we do not compute with keep their name; sizes count bits.
TEST(Safetensors, KnowsTheSizesOfAllTypes) {
  const std::pair<std::string_view, int> table[] = {
      {"BOOL", 8},        {"F4", 4},         {"F6_E2M3", 6}, {"F6_E3M2", 6}, {"U8", 8},
      {"I8", 8},          {"F8_E5M2", 8},    {"F8_E4M3", 8}, {"F8_E8M0", 8}, {"I16", 16},
      {"U16", 16},        {"F16", 16},       {"BF16", 16},   {"I32", 32},    {"U32", 32},
      {"F32", 32},        {"C64", 64},       {"F64", 64},    {"I64", 64},    {"U64", 64},
      {"F8_E4M3FNUZ", 8}, {"F8_E5M2FNUZ", 8}};
  for (const auto& [name, bits] : table) {
    const std::string file =
        file_of(header_x(name, "[4,2]", fmt::format("[0,{}]", bits)), static_cast<size_t>(bits));
    const auto tensors = parse_safetensors(std::as_bytes(std::span(file)), "f");
    ASSERT_EQ(tensors.size(), 1);
    EXPECT_EQ(tensors[0].dtype_name, name);
    EXPECT_EQ(tensors[0].dtype.has_value(), name == "F32" || name == "F16" || name == "BF16");
  }
  EXPECT_THAT(error_of(file_of(header_x("F4", "[3]", "[0,2]"), 2)), HasSubstr("does not fill"));
}

TEST(Safetensors, EveryCutFileIsAnError) {
  const MappedFile file(QK_TEST_DATA "/safetensors/small.safetensors");
  const std::string whole(reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size());
  ASSERT_EQ(error_of(whole), "no error");
  for (size_t size = 0; size < whole.size(); ++size) {
    EXPECT_THAT(error_of(whole.substr(0, size)), HasSubstr("dir/m.safetensors: ")) << size;
  }
  EXPECT_THAT(error_of(whole + "\1"), HasSubstr("1 bytes follow the last tensor"));
}

TEST(Safetensors, EveryChangedByteIsReadOrRefused) {
  const MappedFile file(QK_TEST_DATA "/safetensors/small.safetensors");
  const std::string whole(reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size());
  for (size_t i = 0; i < whole.size(); ++i) {
    for (const char value : std::string_view("\0\1\"09{]\x80\xFF", 9)) {
      std::string changed = whole;
      changed[i] = value;
      error_of(changed);  // throws what is not an Error
    }
  }
}

struct BadFile {
  std::string file;
  std::string sentence;
};

TEST(Safetensors, SaysWhatIsWrong) {
  const std::string two =
      R"({{"a":{{"dtype":"F32","shape":[1],"data_offsets":{}}},"b":{{"dtype":"F32","shape":[2],"data_offsets":{}}}}})";
  const auto pair = [&](std::string_view a, std::string_view b) {
    return fmt::format(fmt::runtime(two), a, b);
  };
  const BadFile table[] = {
      {"", "is not a safetensors file: 0 bytes"},
      {file_of("{}", 0, 100'000'001), "length is 100000001, expected at most 100000000"},
      {file_of("{}", 0, UINT64_MAX), "length is 18446744073709551615, expected at most"},
      {file_of("{}", 0, UINT64_MAX - 7), "expected at most 100000000"},
      {file_of("{}", 0, uint64_t{1} << 32 | 2), "expected at most 100000000"},
      {file_of("{}", 0, 3), "is cut short: a header of 3 bytes, but only 2 bytes follow"},
      {file_of("", 0), "does not begin with '{'"},
      {file_of(" {}", 0), "does not begin with '{'"},
      {file_of("[]", 0), "does not begin with '{'"},
      {file_of("{\"a\"", 0), "is not JSON"},
      {file_of("{}x", 0), "is not JSON"},
      {file_of(std::string("{}\0\0", 4), 0), "a NUL byte"},
      {file_of("{\"\xFF\":1}", 0), "ill-formed UTF-8"},
      {file_of(R"({"__metadata__":{"a":1}})", 0), "__metadata__: expected a map of strings"},
      {file_of(R"({"__metadata__":[]})", 0), "__metadata__: expected a map of strings"},
      {file_of(R"({"x":[]})", 0), "x: expected an object, found array"},
      {file_of(R"({"x":{"shape":[],"data_offsets":[0,4]}})", 4), "x: dtype: expected a string"},
      {file_of(R"({"x":{"dtype":7,"shape":[],"data_offsets":[0,4]}})", 4), "x: dtype: expected"},
      {file_of(header_x("F33", "[]", "[0,4]"), 4), "x: dtype: unknown type 'F33'"},
      {file_of(header_x("f32", "[]", "[0,4]"), 4), "x: dtype: unknown type 'f32'"},
      {file_of(header_x("F32", "1", "[0,4]"), 4), "x: shape: expected a list of non-negative"},
      {file_of(header_x("F32", "[1.0]", "[0,4]"), 4), "x: shape: expected a list of non-negative"},
      {file_of(header_x("F32", "[-1]", "[0,4]"), 4), "x: shape: expected a list of non-negative"},
      {file_of(header_x("F32", "[true]", "[0,4]"), 4), "x: shape: expected a list"},
      {file_of(header_x("F32", "[\"1\"]", "[0,4]"), 4), "x: shape: expected a list"},
      {file_of(header_x("F32", "[9223372036854775808]", "[0,4]"), 4), "is too large"},
      {file_of(header_x("F32", "[99999999999999999999]", "[0,4]"), 4), "expected a list"},
      {file_of(header_x("F32", "[4611686018427387905]", "[0,4]"), 4), "does not fill the 4 bytes"},
      {file_of(header_x("F32", "[4294967296,4294967296]", "[0,0]"), 0), "does not fill the 0"},
      {file_of(header_x("F32", "[2]", "[0,4]"), 4), "x: F32 [2] does not fill the 4 bytes"},
      {file_of(header_x("F32", "[0]", "[0,4]"), 4), "x: F32 [0] does not fill the 4 bytes"},
      {file_of(header_x("F32", "[1]", "[0,5]"), 4), "expected [begin, end] within the 4 bytes"},
      {file_of(header_x("F32", "[1]", "[4,0]"), 4), "expected [begin, end]"},
      {file_of(header_x("F32", "[1]", "[0]"), 4), "expected [begin, end]"},
      {file_of(header_x("F32", "[1]", "[0,4,8]"), 8), "expected [begin, end]"},
      {file_of(header_x("F32", "[1]", "[-4,0]"), 4), "x: data_offsets: expected a list"},
      {file_of(header_x("F32", "[1]", "[0,18446744073709551615]"), 4), "expected [begin, end]"},
      {file_of(header_x("F32", "[1]", "[0,4]"), 5), "1 bytes follow the last tensor"},
      {file_of(header_x("F32", "[1]", "[4,8]"), 8),
       "begins at byte 4, expected 0 (there is a hole"},
      {file_of(pair("[0,4]", "[2,10]"), 12),
       "b: data_offsets: begins at byte 2, expected 4 (it ov"},
      {file_of(pair("[0,4]", "[6,14]"), 14),
       "b: data_offsets: begins at byte 6, expected 4 (there"},
      {file_of(pair("[0,4]", "[0,8]"), 8), "b: data_offsets: begins at byte 0, expected 4 (it ov"},
      {file_of(R"({"x":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},)"
               R"("x":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}})",
               1),
       "key 'x' occurs twice"},
      {file_of(R"({"a\u0000b":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}})", 1),
       "tensor 'a?b': the name holds a control character"},
      {file_of(R"({"\u001b[31m":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}})", 1),
       "the name holds a control character"},
  };
  for (const BadFile& row : table) {
    const std::string error = error_of(row.file);
    EXPECT_THAT(error, HasSubstr("dir/m.safetensors: "));
    EXPECT_THAT(error, HasSubstr(row.sentence));
  }
}

TEST(Safetensors, ShortensLongNamesAndShapes) {
  std::string ones = "[1";
  for (int i = 0; i < 1000; ++i) ones += ",1";
  const std::string header =
      fmt::format(R"({{"{}":{{"dtype":"F32","shape":{}],"data_offsets":[0,8]}}}})",
                  std::string(100'000, 'n'), ones);
  EXPECT_LT(error_of(file_of(header, 8)).size(), 400);
}

TEST(Safetensors, NestingIsNoBomb) {
  EXPECT_THAT(error_of(file_of(R"({"x":)" + std::string(5'000'000, '['), 0)),
              HasSubstr("nested more than 100 deep"));
}

}  // namespace safetensors_test
}  // namespace qk
