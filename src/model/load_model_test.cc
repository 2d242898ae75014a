// A model whose files come when they are asked for.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "base/list_files.h"
#include "base/test_error.h"
#include "base/test_folder.h"
#include "model/binding.h"
#include "model/model.h"
#include "model/source_files.h"
#include "model/test_checkpoint.h"
#include "model/weight_pages.h"

namespace qk {
namespace load_model_test {

using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
namespace fs = std::filesystem;

constexpr std::string_view kTypes[] = {"llama"};
constexpr Architecture kPlain = {.name = "plain", .title = "Plain", .model_types = kTypes};
constexpr const Architecture* kRegistry[] = {&kPlain};

// Copies files of one folder into another as they are asked for, and notes them.
class Provided {
 public:
  explicit Provided(const fs::path& from) : from_(from) {
    provider.names = list_files(from);
    provider.bring = [this](const std::vector<std::string>& names) {
      for (const std::string& name : names) {
        brought.push_back(name);
        fs::copy_file(from_ / name, folder_ / name, fs::copy_options::overwrite_existing);
      }
    };
    provider.missing_bytes = [this](const std::vector<std::string>& names) {
      int64_t bytes = 0;
      for (const std::string& name : names) {
        if (!fs::exists(folder_ / name)) bytes += static_cast<int64_t>(fs::file_size(from_ / name));
      }
      return bytes;
    };
  }

  Model load(int last_layer) const {
    return load_model(
        folder_.path(), "", kRegistry,
        [last_layer](const ModelConfig&, const Architecture&) { return last_layer; }, &provider);
  }
  fs::path path() const { return folder_.path(); }

  FileProvider provider;
  std::vector<std::string> brought;

 private:
  fs::path from_;
  TestFolder folder_;
};

// The checkpoint with a shard of its own for each layer ("layer-2.safetensors"), for the embedding,
// for the output head and for a vision tower.
class ShardedRepository {
 public:
  ShardedRepository() {
    FixtureCase item = fixture_case("llama-plain");
    item.tensors["vision_tower.patch.weight"] = {2, 2};
    write_checkpoint(folder_.path(), item);
    fs::remove(folder_ / "model.safetensors");
    std::map<std::string, std::map<std::string, std::vector<float>>> shards;
    json map;
    for (const auto& [name, shape] : item.tensors) {
      size_t count = 1;
      for (const int64_t n : shape) count *= static_cast<size_t>(n);
      const std::string shard = shard_of(name);
      shards[shard][name] = test_weights(name, count, false);
      map[name] = shard;
    }
    for (const auto& [shard, values] : shards) {
      folder_.write(shard, safetensors_bytes(values, item.tensors, DType::kBF16));
    }
    folder_.write("model.safetensors.index.json", json{{"weight_map", map}}.dump());
    for (const char* other : {"pytorch_model.bin", "a.gguf", "original/x.pth", "onnx/m.onnx"}) {
      folder_.write(other, "x");
    }
  }
  const fs::path& path() const { return folder_.path(); }

 private:
  static std::string shard_of(const std::string& name) {
    const std::string layers = "model.layers.";
    if (name.starts_with(layers)) return "layer-" + name.substr(layers.size(), 1) + ".safetensors";
    if (name.find("embed_tokens") != std::string::npos) return "embedding.safetensors";
    return name.find("vision") != std::string::npos ? "vision.safetensors" : "head.safetensors";
  }
  TestFolder folder_;
};

TEST(LoadModel, AsksForTheShardsOfTheLayersThatRunAndNothingElse) {
  const ShardedRepository repository;
  Provided provided(repository.path());
  const Model model = provided.load(1);
  EXPECT_THAT(provided.brought,
              ElementsAre("config.json", "model.safetensors.index.json", "embedding.safetensors",
                          "layer-0.safetensors", "layer-1.safetensors"));
  EXPECT_NE(model.layers.at(1).q_proj.data, nullptr);
  EXPECT_EQ(model.layers.at(2).q_proj.data, nullptr);
  EXPECT_THAT(model.unbrought, IsEmpty());
}

// What a run records of its model does not depend on which shards were there.
TEST(LoadModel, IsTheSameAsFromAWholeFolder) {
  const ShardedRepository repository;
  Provided provided(repository.path());
  const Model part = provided.load(1);
  const Model whole = load_model(repository.path(), "", kRegistry,
                                 [](const ModelConfig&, const Architecture&) { return 1; });
  const auto names = [](const Model& model) {
    std::vector<std::string> out;
    for (const fs::path& path : source_files(model)) out.push_back(path.filename());
    return out;
  };
  EXPECT_EQ(names(part), names(whole));
  EXPECT_EQ(part.ignored_tensors, whole.ignored_tensors);
  EXPECT_EQ(part.weight_bytes, whole.weight_bytes);
  EXPECT_EQ(part.warnings, whole.warnings);
}

TEST(LoadModel, ASingleFileIsOneFile) {
  const TestFolder folder;
  write_checkpoint(folder.path(), fixture_case("llama-plain"));
  folder.write("model-00001-of-00002.safetensors", "x");
  folder.write("model.safetensors.index.json", R"({"weight_map":{"a":"b"}})");
  Provided provided(folder.path());
  EXPECT_NE(provided.load(0).embedding.data, nullptr);
  EXPECT_THAT(provided.brought,
              ElementsAre("config.json", "model.safetensors.index.json", "model.safetensors"));
}

TEST(LoadModel, APlanBringsNoWeightsAndHasTheirSizes) {
  const ShardedRepository repository;
  Provided provided(repository.path());
  provided.provider.plan_only = true;
  const Model plan = provided.load(1);
  EXPECT_THAT(provided.brought, ElementsAre("config.json", "model.safetensors.index.json"));
  EXPECT_THAT(plan.unbrought,
              ElementsAre("embedding.safetensors", "layer-0.safetensors", "layer-1.safetensors"));
  int64_t bytes = 0;
  for (const std::string& name : plan.unbrought) {
    bytes += static_cast<int64_t>(fs::file_size(repository.path() / name));
  }
  EXPECT_EQ(plan.unbrought_bytes, bytes);
  const Model whole = load_model(repository.path(), "", kRegistry,
                                 [](const ModelConfig&, const Architecture&) { return 1; });
  EXPECT_EQ(plan.weight_bytes, whole.weight_bytes);
  for (int layer = 0; layer < 4; ++layer) {
    EXPECT_EQ(layer_weight_bytes(plan, layer), layer_weight_bytes(whole, layer));
  }
  EXPECT_EQ(embedding_piece_bytes(plan), embedding_piece_bytes(whole));
}

TEST(LoadModel, APlanOfWeightsThatAreThereChecksThem) {
  const ShardedRepository repository;
  Provided provided(repository.path());
  provided.load(1);
  provided.provider.plan_only = true;
  provided.brought.clear();
  const Model plan = provided.load(1);
  EXPECT_THAT(plan.unbrought, IsEmpty());
  EXPECT_EQ(plan.files.size(), 3U);
}

TEST(LoadModel, AShardThatHoldsWhatWouldBeRefusedIsNeeded) {
  const ShardedRepository repository;
  json index = json::parse(read_file(repository.path() / "model.safetensors.index.json"));
  index["weight_map"]["model.layers.0.self_attn.q_proj.lora_A.weight"] = "head.safetensors";
  write_file(repository.path() / "model.safetensors.index.json", index.dump());
  Provided provided(repository.path());
  EXPECT_THAT(error_of([&] { provided.load(0); }), HasSubstr("lora_A.weight"));
}

}  // namespace load_model_test
}  // namespace qk
