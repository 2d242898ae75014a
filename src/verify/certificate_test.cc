#include "verify/certificate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/build_info.h"
#include "base/test_error.h"
#include "base/test_folder.h"

namespace qk {
namespace {

using testing::HasSubstr;

Verification passed() {
  Verification out;
  out.reference.transformers = "5.1.0";
  out.reference.torch = "2.9.1";
  out.reference_sha256 = std::string(64, 'e');
  out.model_files = {{"config.json", 12, "ab"}, {"model.safetensors", 3456, "cd"}};
  out.ids_compared = true;
  out.num_tokens = 24;
  out.num_rows = 3;
  out.sites.push_back(
      {{.site = Site::kQueryPreRope, .max_difference = 1, .max_reference = 1e6}, 1e-5, 0.1});
  out.sites.push_back({{.layer = 3,
                        .site = Site::kKeyPostRope,
                        .max_difference = 1.23456,
                        .rms_difference = 0.123456,
                        .max_reference = 1e6,
                        .tail_difference = 0.5,
                        .num_numbers = 9,
                        .num_unequal = 3},
                       2.34567e-5,
                       0.2});
  return out;
}

TEST(Certificate, SaysWhatWasCompared) {
  const auto json = nlohmann::json::parse(certificate_json(passed()));
  EXPECT_EQ(json["format"], "qkscope.certificate.1");
  EXPECT_EQ(json["verdict"], "passed");
  EXPECT_EQ(json["program"]["version"], version());
  EXPECT_EQ(json["model"]["files"][1],
            (nlohmann::json{{"name", "model.safetensors"}, {"bytes", 3456}, {"sha256", "cd"}}));
  EXPECT_EQ(json["reference"], (nlohmann::json{{"sha256", std::string(64, 'e')},
                                               {"transformers", "5.1.0"},
                                               {"torch", "2.9.1"},
                                               {"dtype", "float32"},
                                               {"tokens", 24},
                                               {"compared_tokens", 3},
                                               {"ids_from_text", true}}));
  EXPECT_EQ(json["arrays"], 2);
  EXPECT_EQ(
      json["worst"],
      (nlohmann::json{{"array", "L3.k_post"}, {"difference", 1.23e-6}, {"allowed", 2.35e-5}}));
}

TEST(Certificate, IsReadBack) {
  const TestFolder folder;
  const std::string text = certificate_json(passed());
  const Certificate found = read_certificate(folder.write("proof.json", text + "\n"));
  EXPECT_EQ(nlohmann::json::parse(found.json), nlohmann::json::parse(text));
  EXPECT_THAT(found.json, testing::Not(HasSubstr("\n")));
  EXPECT_EQ(found.summary,
            "Queries and keys of this model were compared with transformers 5.1.0 in float32 (24 "
            "tokens): the largest difference is 1.2e-06 of the largest value of its layer "
            "(L3.k_post), where 2.3e-05 is allowed. Reference SHA-256 " +
                std::string(64, 'e') + ".");
  check_certificate(found, passed().model_files);
}

TEST(Certificate, IsForExactlyItsFiles) {
  const TestFolder folder;
  const Certificate found =
      read_certificate(folder.write("proof.json", certificate_json(passed())));
  const auto refusal = [&](const std::vector<IdentifiedFile>& files) {
    return error_of([&] { check_certificate(found, files); });
  };
  std::vector<IdentifiedFile> files = passed().model_files;
  files[1].sha256 = "ce";
  EXPECT_EQ(refusal(files), found.file +
                                ": model.files: expected model.safetensors ce, which the model is "
                                "read from, found model.safetensors cd: the certificate is for "
                                "another model");
  files = passed().model_files;
  files.push_back({"more.safetensors", 1, "01"});
  EXPECT_THAT(refusal(files), HasSubstr("expected more.safetensors 01, which the model is read "
                                        "from, found nothing"));
  files.resize(1);
  EXPECT_THAT(refusal(files), HasSubstr("expected nothing, which the model is read from, found "
                                        "model.safetensors cd"));
}

constexpr const char* kGpu =
    R"({"device":"cuda","name":"NVIDIA H200","torch":"2.9.1+cu128","capability":"9.0"})";

Verification half(VerdictKind kind) {
  Verification out = passed();
  out.kind = kind;
  out.run = {DType::kBF16, kGpu};
  out.reference.dtype = DType::kBF16;
  out.reference.device = {"cuda", "NVIDIA H200", "9.0", "2.9.1+cu128"};
  return out;
}

std::string summary(const Verification& verification) {
  const TestFolder folder;
  return read_certificate(folder.write("proof.json", certificate_json(verification))).summary;
}

TEST(Certificate, OfEqualBits) {
  const auto json = nlohmann::json::parse(certificate_json(half(VerdictKind::kEqualBits)));
  EXPECT_EQ(json["kind"], "equal bits");
  EXPECT_EQ(json["computed_in"],
            (nlohmann::json{{"dtype", "bfloat16"}, {"device", nlohmann::json::parse(kGpu)}}));
  EXPECT_EQ(json["reference"]["dtype"], "bfloat16");
  EXPECT_EQ(json["reference"]["device"], "cuda");
  EXPECT_EQ(json["reference"]["device_name"], "NVIDIA H200");
  EXPECT_EQ(summary(half(VerdictKind::kEqualBits)),
            "Queries and keys of this model, computed in bfloat16 on NVIDIA H200, torch "
            "2.9.1+cu128, were compared with transformers 5.1.0 in bfloat16 (24 tokens): all bits "
            "are equal. Reference SHA-256 " +
                std::string(64, 'e') + ".");
}

TEST(Certificate, WithinRms) {
  const auto json = nlohmann::json::parse(certificate_json(half(VerdictKind::kWithinRms)));
  EXPECT_EQ(json["kind"], "within rms");
  EXPECT_EQ(json["worst"], (nlohmann::json{{"array", "L3.k_post"},
                                           {"difference", 1.23e-7},
                                           {"allowed", 2.35e-5},
                                           {"difference_99_percent", 5e-7},
                                           {"allowed_99_percent", 1.17e-4}}));
  EXPECT_THAT(
      summary(half(VerdictKind::kWithinRms)),
      HasSubstr("the root mean square of the differences is at most 1.2e-07 of the largest "
                "value of its layer (L3.k_post), where 2.3e-05 is allowed, and 99 % of them "
                "are at most 5e-07, where 0.00012 is allowed. Reference"));
}

TEST(Certificate, IsForOneTypeAndDevice) {
  const TestFolder folder;
  const auto read = [&](const Verification& verification) {
    return read_certificate(folder.write("proof.json", certificate_json(verification)));
  };
  const Certificate gpu = read(half(VerdictKind::kEqualBits));
  const auto refusal = [](const Certificate& certificate, const ComputedIn& run) {
    return error_of([&] { check_certificate(certificate, passed().model_files, run); });
  };
  check_certificate(gpu, passed().model_files, {DType::kBF16, kGpu});
  EXPECT_EQ(refusal(gpu, {}),
            gpu.file +
                ": computed_in: expected float32 on our own kernels, as this run computes, "
                "found bfloat16 on NVIDIA H200, torch 2.9.1+cu128: run `qkscope verify` with "
                "the run's --device and --dtype");
  EXPECT_THAT(refusal(gpu, {DType::kF16, kGpu}), HasSubstr("expected float16 on NVIDIA H200"));
  std::string other = kGpu;
  other.replace(other.find("H200"), 4, "H100");
  EXPECT_EQ(refusal(gpu, {DType::kBF16, other}),
            gpu.file +
                ": computed_in.device.name: expected \"NVIDIA H100\", as this run has, found "
                "\"NVIDIA H200\": run `qkscope verify` with the run's --device, --chunk-tokens and "
                "--attention-tokens (and --compat, if it has compat)");
  const std::string more = R"({"chunk_tokens":1024,)" + std::string(kGpu).substr(1);
  EXPECT_THAT(
      refusal(gpu, {DType::kBF16, more}),
      HasSubstr("computed_in.device.chunk_tokens: expected 1024, as this run has, found null"));
  Verification chunked = half(VerdictKind::kEqualBits);
  chunked.run.device = more;
  EXPECT_THAT(
      refusal(read(chunked), {DType::kBF16, kGpu}),
      HasSubstr("computed_in.device.chunk_tokens: expected null, as this run has, found 1024"));
  EXPECT_THAT(refusal(read(passed()), {DType::kF32, kGpu}),
              HasSubstr("found float32 on our own kernels"));
}

TEST(Certificate, DamagedKinds) {
  const TestFolder folder;
  const auto refusal = [&](const char* key, const nlohmann::json& value) {
    auto json = nlohmann::json::parse(certificate_json(half(VerdictKind::kWithinRms)));
    json[key] = value;
    const std::string path = folder.write("proof.json", json.dump());
    return error_of([&] { read_certificate(path); });
  };
  EXPECT_THAT(refusal("kind", "good"),
              HasSubstr("kind: expected equal bits, within rms or within tolerance, as"));
  EXPECT_THAT(refusal("computed_in", 5), HasSubstr("computed_in: expected an object"));
  EXPECT_THAT(refusal("computed_in", {{"dtype", "int8"}, {"device", {{"device", "cpu"}}}}),
              HasSubstr("dtype: expected float32, float16 or bfloat16"));
  EXPECT_THAT(refusal("computed_in", {{"dtype", "float32"}}),
              HasSubstr("device: expected an object"));
}

TEST(ComputedIn, WhatIsTheSameDevice) {
  const NamedDevice gpu{"cuda", "NVIDIA H200", "9.0", "2.9.1+cu128"};
  const NamedDevice cpu{"cpu", "Intel(R) Xeon(R)", "AVX512", "2.9.1+cu128"};
  EXPECT_TRUE(same_device(gpu, gpu));
  EXPECT_FALSE(same_device(gpu, cpu));
  const auto with = [](NamedDevice device, std::string NamedDevice::* member, const char* text) {
    device.*member = text;
    return device;
  };
  EXPECT_FALSE(same_device(gpu, with(gpu, &NamedDevice::torch, "2.9.1+cu126")));
  EXPECT_TRUE(same_device(gpu, with(gpu, &NamedDevice::torch, "2.9.1")));
  EXPECT_TRUE(same_device(cpu, with(cpu, &NamedDevice::torch, "2.9.1+cpu")));
  EXPECT_FALSE(same_device(cpu, with(cpu, &NamedDevice::torch, "2.11.0+cpu")));
  EXPECT_FALSE(same_device(cpu, with(cpu, &NamedDevice::capability, "AVX2")));
  EXPECT_FALSE(same_device(cpu, with(cpu, &NamedDevice::name, "AMD EPYC")));
  EXPECT_FALSE(same_device({}, {}));
}

}  // namespace
}  // namespace qk
