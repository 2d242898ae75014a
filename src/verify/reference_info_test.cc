#include "verify/reference_info.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/test_error.h"

namespace qk {
namespace {

using testing::ElementsAre;
using testing::StartsWith;

Reference reference() {
  Reference out;
  out.file = "r";
  out.vectors[{0, Site::kQueryPreRope}] = {};
  out.vectors[{1, Site::kKeyPostRope}] = {};
  out.metadata = {{"format", "qkscope.reference.1"},
                  {"dtype", "float32"},
                  {"model", "m"},
                  {"files", R"([{"name":"a","bytes":5,"sha256":"ff"}])"},
                  {"transformers", "5.1.0"},
                  {"torch", "2.9.1"},
                  {"windows", R"([null, 4096, "skipped"])"}};
  return out;
}

std::string refusal(const std::string& key, const std::string& value) {
  Reference changed = reference();
  changed.metadata[key] = value;
  return error_of([&] { read_reference_info(changed); });
}

TEST(ReferenceInfo, WhatTheMetadataSays) {
  Reference whole = reference();
  ReferenceInfo info = read_reference_info(whole);
  EXPECT_EQ(info.model, "m");
  ASSERT_EQ(info.files.size(), 1U);
  EXPECT_EQ(info.files[0].name, "a");
  EXPECT_EQ(info.files[0].bytes, 5);
  EXPECT_EQ(info.files[0].sha256, "ff");
  EXPECT_THAT(info.windows, ElementsAre(0, 4096, std::nullopt));
  EXPECT_TRUE(info.float64.empty());
  EXPECT_FALSE(info.text);
  whole.metadata["float64"] = R"({"L0.q_pre":1e-7,"L1.k_post":0,"L9.q_pre":5})";
  whole.metadata["text"] = "a text";
  whole.metadata["max_length"] = "24";
  info = read_reference_info(whole);
  EXPECT_EQ(info.float64.size(), 2U);
  EXPECT_EQ((info.float64.at({0, Site::kQueryPreRope})), 1e-7);
  EXPECT_EQ(info.text, "a text");
  EXPECT_EQ(info.max_length, 24);
}

TEST(ReferenceInfo, EveryKeyIsNeeded) {
  for (const auto& [key, value] : reference().metadata) {
    Reference without = reference();
    without.metadata.erase(key);
    EXPECT_EQ(error_of([&] { read_reference_info(without); }),
              "r: metadata: " + key +
                  ": expected a value, as tools/make_reference.py writes it, found nothing");
  }
}

TEST(ReferenceInfo, OtherFormsAreRefused) {
  EXPECT_EQ(refusal("format", "qkscope.reference.2"),
            "r: metadata: format: expected qkscope.reference.1, found qkscope.reference.2");
  EXPECT_EQ(refusal("dtype", "int8"),
            "r: metadata: dtype: expected float32, float16 or bfloat16, found int8");
  for (const char* files :
       {"{}", "[]", "[1]", R"([{"name":"a","bytes":5}])", R"([{"name":1,"bytes":5,"sha256":"f"}])",
        R"([{"name":"a","bytes":-5,"sha256":"f"}])", R"([{"name":"a","bytes":5,"sha256":0}])"}) {
    EXPECT_THAT(refusal("files", files),
                StartsWith("r: metadata: files: expected a list of {name, bytes, sha256}, found"))
        << files;
  }
  for (const char* windows : {"{}", "[0]", "[-1]", "[1.5]", "[2147483649]", "[\"skip\"]"}) {
    EXPECT_THAT(refusal("windows", windows),
                StartsWith("r: metadata: windows: expected a list of null, tokens or \"skipped\""))
        << windows;
  }
  for (const char* distances : {"[]", "{}", R"({"L0.q_pre":0})", R"({"L0.q_pre":0,"L1.k_post":-1})",
                                R"({"L0.q_pre":0,"L1.k_post":"0"})"}) {
    EXPECT_THAT(refusal("float64", distances),
                StartsWith("r: metadata: float64: expected a number of at least 0 for L"))
        << distances;
  }
  EXPECT_NE(refusal("windows", "[1,"), "");
}

TEST(ReferenceInfo, ATextNeedsItsLength) {
  Reference with_text = reference();
  with_text.metadata["text"] = "a";
  EXPECT_THAT(error_of([&] { read_reference_info(with_text); }),
              StartsWith("r: metadata: max_length: expected a value"));
  for (const char* length : {"0", "-1", "1.5", "\"24\"", "4294967296"}) {
    with_text.metadata["max_length"] = length;
    EXPECT_THAT(error_of([&] { read_reference_info(with_text); }),
                StartsWith("r: metadata: max_length: expected a number of tokens, found"))
        << length;
  }
}

TEST(ReferenceInfo, TypeAndDevice) {
  Reference half = reference();
  EXPECT_EQ(read_reference_info(half).dtype, DType::kF32);
  EXPECT_EQ(read_reference_info(half).device.kind, "");
  for (const auto& [name, dtype] :
       {std::pair("bfloat16", DType::kBF16), {"float16", DType::kF16}}) {
    half.metadata["dtype"] = name;
    EXPECT_EQ(read_reference_info(half).dtype, dtype);
  }
  half.metadata["device"] = "cuda";
  half.metadata["device_name"] = "NVIDIA H200";
  half.metadata["device_capability"] = "9.0";
  const NamedDevice device = read_reference_info(half).device;
  EXPECT_EQ(device.kind, "cuda");
  EXPECT_EQ(device.name, "NVIDIA H200");
  EXPECT_EQ(device.capability, "9.0");
  EXPECT_EQ(device.torch, "2.9.1");
}

TEST(ReferenceInfo, DistancesFromFloat32) {
  Reference half = reference();
  half.metadata["float32"] = R"({"L0.q_pre":[1e-3,4e-3],"L1.k_post":[0,0]})";
  const auto distances = read_reference_info(half).float32;
  ASSERT_EQ(distances.size(), 2U);
  EXPECT_EQ((distances.at({0, Site::kQueryPreRope}).rms), 1e-3);
  EXPECT_EQ((distances.at({0, Site::kQueryPreRope}).tail), 4e-3);
  for (const char* value : {"[]", "5", R"({"L0.q_pre":[1]})", R"({"L0.q_pre":[1,-1]})",
                            R"({"L0.q_pre":[1,"a"],"L1.k_post":[0,0]})"}) {
    EXPECT_THAT(refusal("float32", value),
                StartsWith("r: metadata: float32: expected two numbers of at least 0 for L0.q_pre"))
        << value;
  }
}

}  // namespace
}  // namespace qk
