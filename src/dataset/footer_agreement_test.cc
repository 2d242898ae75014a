#include "dataset/footer_agreement.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/test_folder.h"

namespace qk {
namespace footer_agreement_test {

using nlohmann::json;

// A footer as a capture writes it, with one value changed.
Footer footer_with(const std::string& key = "", const std::string& path = "",
                   const json& value = nullptr) {
  json geometry = json::parse(R"({"num_hidden_layers": 2, "num_attention_heads": 4,
    "num_key_value_heads": 2, "head_dim": 8, "vector": "post_rope",
    "rope": [{"theta": 10000.0, "inv_freq": [1.0, 0.1]}],
    "layers": [{"window": null, "captured": "captured", "query_heads": "all"}]})");
  json provenance = json::parse(R"({"version": "0.1.0", "commit": "abc", "seed": null,
    "model": {"name": "org/A", "revision": null, "files": [{"name": "a", "sha256": "1"}]},
    "tokenizer": {"name": "A", "sha256": "2"}, "corpus": {"path": "here", "sha256": "3"},
    "config": {"capture": {"sampler": {"type": "uniform", "base_rate": 8.0},
                           "min_bucket_size": 32, "heads": null}}})");
  if (key == "geometry") geometry[json::json_pointer(path)] = value;
  if (key == "provenance") provenance[json::json_pointer(path)] = value;
  return {{"qkscope.format", "1"},
          {"qkscope.geometry", geometry.dump()},
          {"qkscope.provenance", provenance.dump()}};
}

std::string contradiction(const Footer& other) {
  const auto found = footer_difference(footer_with(), other);
  return found ? contradiction_text(*found, "X") : "";
}

TEST(FooterAgreement, WhatDecidesAboutTheVectorsMustBeEqual) {
  EXPECT_EQ(contradiction(footer_with("geometry", "/vector", "pre_rope")),
            "its footer says qkscope.geometry.vector post_rope, that of X says pre_rope");
  EXPECT_EQ(contradiction(footer_with("geometry", "/rope/0/theta", 500000.0)),
            "its footer says qkscope.geometry.rope.0.theta 10000.0, that of X says 500000.0");
  EXPECT_EQ(contradiction(footer_with("geometry", "/layers/0/window", 128)),
            "its footer says qkscope.geometry.layers.0.window null, that of X says 128");
  for (const char* key : {"/num_hidden_layers", "/num_key_value_heads", "/head_dim"}) {
    EXPECT_NE(contradiction(footer_with("geometry", key, 3)), "") << key;
  }
  for (const char* path : {"/tokenizer/sha256", "/corpus/sha256", "/model/files/0/sha256",
                           "/config/capture/sampler/type", "/config/capture/min_bucket_size"}) {
    EXPECT_NE(contradiction(footer_with("provenance", path, "other")), "") << path;
  }
}

TEST(FooterAgreement, WhatSaysNothingAboutTheVectorsMayDiffer) {
  EXPECT_EQ(contradiction(footer_with()), "");
  EXPECT_EQ(contradiction(footer_with("geometry", "/layers/0/query_heads", json::array({1}))), "");
  EXPECT_EQ(contradiction(footer_with("geometry", "/a_later_key", 1)), "");
  for (const char* path : {"/version", "/commit", "/seed", "/corpus/path", "/tokenizer/name",
                           "/config/capture/heads", "/certificate"}) {
    EXPECT_EQ(contradiction(footer_with("provenance", path, "other")), "") << path;
  }
  const Footer half = footer_with("provenance", "/config/model/dtype", "float16");
  EXPECT_FALSE(
      footer_difference(half, footer_with("provenance", "/config/model/dtype", "bfloat16")));
  EXPECT_EQ(contradiction({}), "");
  EXPECT_EQ(contradiction({{"qkscope.geometry", "not JSON"}}), "");
}

TEST(FooterAgreement, AModelIsKnownByItsFiles) {
  const Footer renamed = footer_with("provenance", "/model/name", "org/B");
  EXPECT_EQ(contradiction(renamed), "");
  EXPECT_EQ(model_name_difference(footer_with(), renamed)->second, "org/B");
  EXPECT_FALSE(model_name_difference(footer_with(), footer_with()));
  Footer another = footer_with("provenance", "/model/files/0/sha256", "9");
  EXPECT_EQ(contradiction(another),
            "its footer says qkscope.provenance.model.files.0.sha256 1, that of X says 9");
  const Footer without_files = footer_with("provenance", "/model", {{"name", "org/B"}});
  EXPECT_EQ(contradiction(without_files),
            "its footer says qkscope.provenance.model.name org/A, that of X says org/B");
}

TEST(FooterAgreement, TheFooterOfMostFilesIsTheModel) {
  const Footer none;
  const Footer a = footer_with();
  const Footer b = footer_with("geometry", "/vector", "pre_rope");
  EXPECT_EQ(most_common_footer({nullptr, &none, &a, &b, &b}), 3U);
  EXPECT_EQ(most_common_footer({&a, &b}), 0U);
  EXPECT_FALSE(most_common_footer({nullptr, &none}));
}

TEST(FooterAgreement, AHeadMustFitItsGeometry) {
  const Footer footer = footer_with();
  EXPECT_EQ(geometry_fault(footer, {1, 3, Kind::kQuery}, 8), "");
  EXPECT_EQ(geometry_fault(footer, {1, 3, Kind::kQuery}, 0), "");
  EXPECT_EQ(geometry_fault(footer, {2, 0, Kind::kQuery}, 8),
            "is of layer 2, though its footer has num_hidden_layers 2");
  EXPECT_EQ(geometry_fault(footer, {0, 4, Kind::kQuery}, 8),
            "is query head 4, though its footer has num_attention_heads 4");
  EXPECT_EQ(geometry_fault(footer, {0, 2, Kind::kKey}, 8),
            "is key head 2, though its footer has num_key_value_heads 2");
  EXPECT_EQ(geometry_fault(footer, {0, 1, Kind::kKey}, 16),
            "has vectors of 16 numbers, though its footer has head_dim 8");
  EXPECT_EQ(geometry_fault({}, {9, 9, Kind::kKey}, 16), "");
}

TEST(FooterAgreement, AFileThatCannotBeReadHasNoFooter) {
  const TestFolder folder;
  EXPECT_FALSE(read_footer(folder / "absent"));
}

}  // namespace footer_agreement_test
}  // namespace qk
