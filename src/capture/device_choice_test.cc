#include "capture/device_choice.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "capture/test_devices.h"

namespace qk {
namespace device_choice_test {

using ::testing::HasSubstr;
using ::testing::StartsWith;

std::string fault_of(const std::function<void()>& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

SniffConfig config_of(const std::string& dtype, std::optional<std::string> autocast = {},
                      std::optional<std::string> attention = {}, bool is_override = false) {
  SniffConfig config;
  config.model.dtype = dtype;
  config.inference.autocast_dtype = {std::move(autocast),
                                     "F:7: inference.autocast_dtype: ", is_override};
  config.model.attn_implementation = {std::move(attention),
                                      "F:4: model.attn_implementation: ", is_override};
  return config;
}

std::string keys_fault(const SniffConfig& config, const std::string& device) {
  const TestDevices devices(device, {kCpuBackend});
  return fault_of([&] { check_device_keys(config, devices); });
}

TEST(DeviceChoice, TheOptionWinsOverTheFile) {
  SniffConfig config;
  config.model.device_map = {"cuda:0", "F:3: model.device_map: ", false};
  EXPECT_EQ(choose_device(config, std::nullopt).request.kind, DeviceRequest::Kind::kCuda);
  EXPECT_EQ(choose_device(config, std::nullopt).place, "F:3: model.device_map");
  EXPECT_EQ(choose_device(config, "cpu").request.kind, DeviceRequest::Kind::kCpu);
  config.model.device_map_fault = "expected one device, found a mapping";
  EXPECT_EQ(fault_of([&] { choose_device(config, std::nullopt); }),
            "F:3: model.device_map: expected one device, found a mapping");
  EXPECT_EQ(choose_device(config, "cpu").place, "--device");
}

TEST(DeviceChoice, WithoutADeviceItIsAuto) {
  EXPECT_EQ(choose_device(SniffConfig(), std::nullopt).request.kind, DeviceRequest::Kind::kAuto);
}

TEST(DeviceChoice, DtypeIsAnOrder) {
  for (const auto& [name, dtype] : {std::pair{"float16", DType::kF16},
                                    {"FP16", DType::kF16},
                                    {"bfloat16", DType::kBF16},
                                    {"bf16", DType::kBF16},
                                    {"float32", DType::kF32},
                                    {"fp32", DType::kF32}}) {
    EXPECT_EQ(device_options(config_of(name), 2).dtype, dtype) << name;
  }
}

// The original autocasts on CUDA only.
TEST(DeviceChoice, AutocastOnCudaIsTheTypeOfTheWeights) {
  EXPECT_EQ(keys_fault(config_of("bfloat16"), "cuda:0"), "");
  EXPECT_EQ(keys_fault(config_of("bfloat16", "BF16"), "cuda:0"), "");
  EXPECT_THAT(keys_fault(config_of("bfloat16", "float16"), "cuda:0,1"),
              StartsWith("F:7: inference.autocast_dtype: expected that of model.dtype, bfloat16, "
                         "found float16:"));
  SniffConfig reference = config_of("bfloat16");
  reference.compat_reference = true;
  EXPECT_THAT(keys_fault(reference, "cuda"), HasSubstr("takes when it is absent"));
  reference.model.dtype = "float16";
  EXPECT_EQ(keys_fault(reference, "cuda"), "");
  for (const char* device : {"cpu", "torch:cpu"}) {
    EXPECT_EQ(keys_fault(config_of("bfloat16", "float16"), device), "");
    EXPECT_THAT(keys_fault(config_of("bfloat16", "float16", {}, true), device),
                StartsWith("F:7: inference.autocast_dtype: has no effect on "));
  }
}

TEST(DeviceChoice, AttentionThatIsNotBuiltInIsRefused) {
  for (const char* name : {"eager", "flash_attention_3", "flex_attention", "paged|sdpa"}) {
    EXPECT_EQ(keys_fault(config_of("float16", {}, name), "cpu"), "");
    for (const char* device : {"torch:cpu", "cuda:0"}) {
      EXPECT_THAT(keys_fault(config_of("float16", {}, name), device),
                  StartsWith("F:4: model.attn_implementation: expected sdpa"))
          << name;
    }
  }
  EXPECT_EQ(keys_fault(config_of("float32", {}, "sdpa"), "torch:cpu"), "");
  EXPECT_EQ(keys_fault(config_of("bfloat16", {}, "flash_attention_2"), "cuda"), "");
  EXPECT_NE(keys_fault(config_of("float32", {}, "flash_attention_2"), "cuda"), "");
  EXPECT_NE(keys_fault(config_of("bfloat16", {}, "flash_attention_2"), "torch:cpu"), "");
  EXPECT_THAT(keys_fault(config_of("float16", {}, "sdpa", true), "cpu"), HasSubstr("no effect"));
}

TEST(DeviceChoice, ChunksAreFixed) {
  const ForwardOptions own = forward_options(kCpuBackend.traits);
  EXPECT_EQ(own.chunk_tokens, ForwardOptions().chunk_tokens);
  EXPECT_EQ(own.attention_tokens, 0);
  const BackendTraits torch = shaped_backend().traits;
  EXPECT_EQ(forward_options(torch).chunk_tokens, 16384);
  EXPECT_EQ(forward_options(torch).attention_tokens, kWholeDocuments);
  EXPECT_EQ(forward_options(torch, {512, 2048}).attention_tokens, 2048);
  EXPECT_THAT(fault_of([&] { forward_options(torch, {512, 700}); }),
              StartsWith("--attention-tokens: expected a multiple"));
  EXPECT_THAT(fault_of([&] { forward_options(kCpuBackend.traits, {0, 1024}); }),
              StartsWith("--attention-tokens: "));
}

TEST(DeviceChoice, BitsDependOnDeviceTypeAndChunks) {
  const auto found = [](const ForwardOptions& forward) {
    const ComputedIn out = computed_in(TestDevices("cuda:0", {shaped_backend()}), 64, forward);
    return nlohmann::json::parse(out.device);
  };
  const nlohmann::json whole = found(forward_options(shaped_backend().traits));
  EXPECT_EQ(whole, nlohmann::json::parse(R"({"device": "cuda", "name": "Test 1", "torch": "2.9.1",
      "chunk_tokens": 16384, "attention_tokens": null})"));
  EXPECT_EQ(found({.chunk_tokens = 512, .attention_tokens = 2048})["attention_tokens"], 2048);
  EXPECT_EQ(found({.chunk_tokens = 512, .attention_tokens = 0})["attention_tokens"], 512);
  const ComputedIn own = computed_in(TestDevices("cpu", {kCpuBackend}), 64, {});
  EXPECT_FALSE(own.on_torch());
  EXPECT_EQ(own.dtype, DType::kF32);
}

TEST(DeviceChoice, TitleOfADevice) {
  EXPECT_EQ(device_title(""), "cpu");
  EXPECT_EQ(device_title(R"({"device":"cuda","name":"NVIDIA H200"})"), "cuda (NVIDIA H200)");
  EXPECT_EQ(device_title(R"({"device":"cpu","name":"EPYC"})"), "torch:cpu (EPYC)");
}

}  // namespace device_choice_test
}  // namespace qk
