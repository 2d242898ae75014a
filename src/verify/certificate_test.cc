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
  out.sites.push_back({{0, Site::kQueryPreRope, 1, 1, 1e6, {1e-6}}, 1e-5, 0.1});
  out.sites.push_back({{3, Site::kKeyPostRope, 1.23456, 1, 1e6, {1.23456e-6}}, 2.34567e-5, 0.2});
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

}  // namespace
}  // namespace qk
