#include "capture/provenance.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "capture/test_run.h"

namespace qk {
namespace provenance_test {

using nlohmann::json;

TEST(Provenance, NamesWhatTheDatasetWasMadeFrom) {
  const PreparedRun run = test_run({});
  RunIdentity identity;
  identity.model_files = {{.name = "a.safetensors", .bytes = 12, .sha256 = "ab"}};
  identity.tokenizer_sha256 = "cd";
  identity.corpus_sha256 = "ef";
  identity.num_corpus_files = 3;
  SniffConfig config = run.config;
  const json plain = json::parse(provenance_json(config, identity));
  EXPECT_EQ(plain["model"], json::parse(R"({"name": "tiny", "revision": null, "files":
      [{"name": "a.safetensors", "bytes": 12, "sha256": "ab"}]})"));
  EXPECT_EQ(plain["tokenizer"], json({{"name", "tiny"}, {"sha256", "cd"}}));
  EXPECT_EQ(plain["corpus"], json({{"path", "texts"}, {"files", 3}, {"sha256", "ef"}}));
  EXPECT_TRUE(plain["seed"].is_null());
  EXPECT_FALSE(plain.contains("certificate"));
  config.model.revision = "v2";
  config.tokenizer.name = "other";
  config.capture.head_sampling = {.count = 3, .seed = 9};
  identity.certificate = R"({"passed":true})";
  const json full = json::parse(provenance_json(config, identity));
  EXPECT_EQ(full["model"]["revision"], "v2");
  EXPECT_EQ(full["tokenizer"]["name"], "other");
  EXPECT_EQ(full["seed"], 9);
  EXPECT_EQ(full["certificate"], json({{"passed", true}}));
}

TEST(Provenance, NamesTheDeviceOfTorch) {
  const PreparedRun run = test_run({});
  RunIdentity identity;
  const json own = json::parse(provenance_json(run.config, identity));
  EXPECT_EQ(own["computed_in"], "float32");
  EXPECT_FALSE(own.contains("device"));
  const std::string device = R"({"device":"cuda","name":"H200","chunk_tokens":512})";
  identity.computed_in = {DType::kBF16, device};
  const json torch = json::parse(provenance_json(run.config, identity));
  EXPECT_EQ(torch["computed_in"], "bfloat16");
  EXPECT_EQ(torch["device"], json::parse(device));
}

TEST(Geometry, SaysWhatOfEachLayerIsCaptured) {
  PreparedRun run = test_run({});
  run.plan.layers[1].query_heads = {2, 3};
  run.plan.layers[1].key_heads = {1};
  run.plan.layers[2].skip = Skip::kSlidingWindow;
  run.model.config.layers[2].sliding_window = 7;
  const json found =
      json::parse(geometry_json(run.plan, run.model.config, *run.model.architecture));
  EXPECT_EQ(found["vector"], "post_rope");
  EXPECT_EQ(found["query_heads_per_key_head"], 2);
  EXPECT_EQ(found["rope_layout"], "halves");
  EXPECT_EQ(found["rope"][0]["inv_freq"].size(), 4U);
  EXPECT_EQ(found["rope"][0]["inv_freq"][0], 1);
  EXPECT_EQ(found["rope"][0]["original_max_position_embeddings"],
            run.model.config.max_position_embeddings);
  ASSERT_EQ(found["layers"].size(), 5U);
  EXPECT_EQ(found["layers"][0], json::parse(R"({"attention": true, "window": null, "rope": 0,
      "captured": "captured", "query_heads": "all", "key_heads": [0, 1]})"));
  EXPECT_EQ(found["layers"][1]["query_heads"], json::array({2, 3}));
  EXPECT_EQ(found["layers"][1]["key_heads"], json::array({1}));
  EXPECT_EQ(found["layers"][2], json::parse(R"({"attention": true, "window": 7, "rope": 0,
      "captured": "sliding window"})"));
}

}  // namespace provenance_test
}  // namespace qk
