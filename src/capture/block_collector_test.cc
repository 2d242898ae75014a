// The original's own capture classes, replayed: tests/data/capture/capture_cases.json.
#include "capture/block_collector.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <numeric>
#include <set>

#include "dataset/schema.h"

namespace qk {
namespace {

using nlohmann::json;

json load_cases() {
  std::ifstream file(std::filesystem::path(QK_TEST_DATA) / "capture" / "capture_cases.json");
  return json::parse(file).at("cases");
}

// A model with the layers that the case calls; others have no self-attention.
ModelConfig model_of(const json& test) {
  ModelConfig model;
  model.num_attention_heads = test["Hq"];
  model.num_key_value_heads = test["Hk"];
  model.head_dim = test["dim"];
  for (const json& layer : test["batches"][0]["layers"]) {
    const auto index = layer[0].get<size_t>();
    while (model.layers.size() <= index) model.layers.push_back({.runs = false});
    model.layers[index].runs = true;
    model.layers[index].recorded_window = !layer[1].is_null();
    if (!layer[1].is_null()) model.layers[index].sliding_window = layer[1];
  }
  model.num_hidden_layers = std::ssize(model.layers);
  return model;
}

SniffConfig config_of(const json& test) {
  SniffConfig config;
  config.compat_reference = true;  // `heads` for queries and keys alike
  CaptureSection& capture = config.capture;
  const std::map<std::string, SamplerType> types = {{"log_uniform", SamplerType::kLogUniform},
                                                    {"uniform", SamplerType::kUniform},
                                                    {"all", SamplerType::kAll}};
  capture.sampler = types.at(test["sampler"]);
  capture.base_rate = test["base_rate"];
  capture.min_bucket_size = test["min_bucket_size"];
  const json& options = test["config"];
  capture.layers = options.value("layers", std::vector<int64_t>{});
  capture.heads = options.value("heads", std::vector<int64_t>{});
  capture.full_attention_only = options.value("full_attention_only", false);
  capture.capture_keys = options.value("capture_keys", true);
  capture.capture_token_strings = options.value("capture_token_strings", false);
  if (options.contains("max_rows_per_batch")) {
    capture.max_rows_per_batch = options["max_rows_per_batch"].get<int64_t>();
  }
  return config;
}

// Heads that the case gives directly stand in for head sampling.
void set_sampled_heads(const json& options, CapturePlan& plan) {
  if (!options.contains("sampled_query_heads")) return;
  for (size_t layer = 0; layer < plan.layers.size(); ++layer) {
    const std::string key = std::to_string(layer);
    const std::vector<int32_t> none;
    plan.layers[layer].query_heads = options["sampled_query_heads"].value(key, none);
    plan.layers[layer].key_heads = options["sampled_key_heads"].value(key, none);
  }
}

std::vector<TokenizedDocument> documents_of(const json& batch, int64_t first) {
  std::vector<TokenizedDocument> out;
  for (size_t b = 0; b < batch["batch"].get<size_t>(); ++b) {
    TokenizedDocument document;
    document.index = first + static_cast<int64_t>(b);
    document.example_id = static_cast<int64_t>(b);
    const json ids = batch.value("example_ids", json());
    if (!ids.is_null()) document.example_id = std::stoll(ids[b].get<std::string>());
    const json lengths = batch.value("lengths", json());
    const int length = lengths.is_null() ? batch["len"].get<int>() : lengths[b].get<int>();
    for (int t = 0; t < length; ++t) document.ids.push_back(static_cast<int>(b) * 1000 + t);
    out.push_back(document);
  }
  return out;
}

// Plays the forward pass with the synthetic states of the cases.
class FakeForward {
 public:
  FakeForward(const Sequences& sequences, const TapRequest& request, int head_dim)
      : sequences_(sequences), request_(request), head_dim_(head_dim) {}

  void run(BlockCollector& collector) {
    for (size_t layer = 0; layer < request_.layers.size(); ++layer) {
      const LayerRequest& wanted = request_.layers[layer];
      tap(static_cast<int>(layer), Site::kQueryPostRope, wanted.query_rows, wanted.query_heads,
          collector);
      tap(static_cast<int>(layer), Site::kKeyPostRope, wanted.key_rows, wanted.key_heads,
          collector);
    }
  }

 private:
  void tap(int layer, Site site, const std::vector<int32_t>& rows,
           const std::vector<int32_t>& heads, BlockCollector& collector) {
    if (rows.empty()) return;
    EXPECT_TRUE(std::is_sorted(rows.begin(), rows.end()));
    const float sign = site == Site::kQueryPostRope ? 1.0F : -1.0F;
    std::vector<float> values;
    for (const int32_t row : rows) {
      const int32_t id = sequences_.ids.at(static_cast<size_t>(row));  // b * 1000 + t
      for (const int32_t head : heads) {
        for (int d = 0; d < head_dim_; ++d) {
          const int whole = id / 1000 * 16384 + head * 1024 + id % 1000;
          values.push_back(sign * static_cast<float>(whole) + static_cast<float>(d) / 8);
        }
      }
    }
    const TensorView<const float, 3> view(
        values.data(), {std::ssize(rows), std::ssize(heads), int64_t{head_dim_}});
    collector.take(layer, site, view);
  }

  const Sequences& sequences_;
  const TapRequest& request_;
  int head_dim_;
};

// The files that the blocks make, as the cases list them.
struct Files {
  std::map<std::string, json> by_name;
  std::map<std::string, int64_t> bucket_counts;

  void add(const CaptureBlock& block) {
    const size_t rows = block.positions.size();
    const auto dim = static_cast<size_t>(block.head_dim);
    ASSERT_EQ(block.vectors.size(), block.heads.size() * rows * dim);
    for (size_t h = 0; h < block.heads.size(); ++h) {
      json& file = by_name[config_name(block.layer, block.heads[h], block.kind)];
      file["sliding_window"] = block.sliding_window ? json(*block.sliding_window) : json();
      for (size_t r = 0; r < rows; ++r) {
        file["bucket"].push_back(block.buckets[r]);
        file["example_id"].push_back(static_cast<int32_t>(block.example_id));
        file["position"].push_back(block.positions[r]);
        const float* vector = block.vectors.data() + (h * rows + r) * dim;
        file["vector0"].push_back(static_cast<double>(vector[0]));
        EXPECT_EQ(vector[dim - 1], vector[0] + static_cast<float>(dim - 1) / 8);
        if (!block.tokens.empty()) file["token_str"].push_back(block.tokens[r]);
        ++bucket_counts[std::to_string(block.buckets[r])];
      }
    }
  }
};

class CaptureCases : public testing::TestWithParam<json> {};

TEST_P(CaptureCases, GiveTheOriginalsFiles) {
  const json& test = GetParam();
  const ModelConfig model = model_of(test);
  CapturePlan plan = make_plan(config_of(test), model, Architecture{});
  set_sampled_heads(test["config"], plan);
  Files files;
  std::vector<DocumentEnd> ends;
  int64_t num_blocks = 0;
  std::vector<CaptureBlock> blocks;  // of a batch
  const BlockCollector::Sink sink = [&](const CaptureBlock& block) { blocks.push_back(block); };
  const TokenText token_text = [](int32_t id) {
    return "t" + std::to_string(id / 1000) + "_" + std::to_string(id % 1000);
  };
  for (const json& batch : test["batches"]) {
    const std::vector<TokenizedDocument> documents = documents_of(batch, std::ssize(ends));
    const BatchRequest request = make_batch_request(plan, lengths_of(documents));
    const Sequences sequences = pack_sequences(request, documents);
    BlockCollector collector(plan, documents, request, token_text, sink);
    FakeForward(sequences, request.tap, static_cast<int>(model.head_dim)).run(collector);
    const std::vector<DocumentEnd> more = collector.ends();
    ends.insert(ends.end(), more.begin(), more.end());
    std::ranges::stable_sort(blocks, {}, &CaptureBlock::document);
    for (const CaptureBlock& block : blocks) files.add(block);
    num_blocks += std::ssize(blocks);
    blocks.clear();
  }
  ASSERT_EQ(files.by_name.size(), test["files"].size());
  for (const auto& [name, expected] : test["files"].items()) {
    json columns = files.by_name[name];
    columns["columns"] = expected["columns"];
    EXPECT_EQ(columns, expected) << name;
  }
  EXPECT_EQ(json(files.bucket_counts), test["bucket_counts"]);
  for (const auto& [key, value] : test["metadata"].items()) {
    const MetadataValue& ours = plan.metadata.at(key);
    EXPECT_EQ(std::visit([](const auto& v) { return json(v); }, ours), value) << key;
  }
  int64_t num_records = 0;
  for (const DocumentEnd& end : ends) num_records += end.num_records;
  EXPECT_EQ(num_records, num_blocks);
}

// Positions that begin at 256 do not occur in a run: sampling_test.cc covers that case.
std::vector<json> cases_from_position_0() {
  std::vector<json> out;
  for (const json& test : load_cases()) {
    if (test["name"] != "all-cache") out.push_back(test);
  }
  return out;
}

INSTANTIATE_TEST_SUITE_P(All, CaptureCases, testing::ValuesIn(cases_from_position_0()),
                         [](const auto& test) {
                           std::string name = test.param["name"];
                           std::erase(name, '-');
                           return name;
                         });

// One layer with one query and one key head, every position.
CapturePlan small_plan(CaptureRope rope) {
  CapturePlan plan;
  plan.capture.sampler = SamplerType::kAll;
  plan.capture.rope = rope;
  plan.head_dim = 1;
  plan.num_query_heads = plan.num_key_heads = 1;
  plan.layers.resize(1);
  plan.layers[0].query_heads = {0};
  plan.layers[0].key_heads = {0};
  return plan;
}

TEST(BlockCollector, BothColumnsAndEmptyDocuments) {
  const CapturePlan plan = small_plan(CaptureRope::kBoth);
  std::vector<TokenizedDocument> documents(2);
  documents[1].index = 1;
  documents[1].ids = {7, 8, 9};
  const BatchRequest request = make_batch_request(plan, lengths_of(documents));
  EXPECT_TRUE(request.tap.pre_rope);
  EXPECT_TRUE(request.tap.post_rope);
  EXPECT_THAT(request.lengths, testing::ElementsAre(0, 3));
  EXPECT_THAT(request.sequence_documents, testing::ElementsAre(1));
  EXPECT_THAT(pack_sequences(request, documents).offsets, testing::ElementsAre(0, 3));
  std::vector<CaptureBlock> blocks;
  BlockCollector collector(plan, documents, request, nullptr,
                           [&](const CaptureBlock& block) { blocks.push_back(block); });
  float value = 0;
  for (const Site site :
       {Site::kQueryPreRope, Site::kQueryPostRope, Site::kKeyPreRope, Site::kKeyPostRope}) {
    const std::vector<float> rows = {value + 1, value + 2, value + 3};
    value += 10;
    collector.take(0, site, {rows.data(), {3, 1, 1}});
  }
  const std::vector<DocumentEnd> ends = collector.ends();
  ASSERT_EQ(blocks.size(), 2U);
  EXPECT_THAT(blocks[0].vectors_pre_rope, testing::ElementsAre(1, 2, 3));
  EXPECT_THAT(blocks[0].vectors, testing::ElementsAre(11, 12, 13));
  EXPECT_THAT(blocks[1].vectors_pre_rope, testing::ElementsAre(21, 22, 23));
  EXPECT_THAT(blocks[1].vectors, testing::ElementsAre(31, 32, 33));
  ASSERT_EQ(ends.size(), 2U);
  EXPECT_EQ(ends[0].num_records, 0);
  EXPECT_EQ(ends[0].num_tokens, 0);
  EXPECT_EQ(ends[1].num_records, 2);
  EXPECT_EQ(ends[1].num_tokens, 3);
  EXPECT_EQ(ends[0].canary.layer, -1);
  const Canary& canary = ends[1].canary;
  EXPECT_EQ(canary.layer, 0);
  EXPECT_EQ(canary.dot,
            static_cast<double>(blocks[0].vectors[static_cast<size_t>(canary.query_row)]) *
                static_cast<double>(blocks[1].vectors[static_cast<size_t>(canary.key_row)]));
}

// A row cap keeps rows in an order of its own: the canary's rows are those of the file all the
// same.
TEST(BlockCollector, CanariesNameTheRowsOfTheFile) {
  CapturePlan plan = small_plan(CaptureRope::kPost);
  plan.capture.max_rows_per_batch = 7;
  plan.layers[0].query_heads = {1, 2, 3};
  plan.layers[0].key_heads = {0, 1};
  plan.query_heads_per_key_head = 2;
  std::vector<TokenizedDocument> documents(40);
  for (size_t d = 0; d < documents.size(); ++d) {
    documents[d].index = static_cast<int64_t>(d);
    documents[d].ids.assign(20 + d, 1);
  }
  const BatchRequest request = make_batch_request(plan, lengths_of(documents));
  std::map<std::pair<int64_t, Kind>, CaptureBlock> blocks;
  BlockCollector collector(plan, documents, request, nullptr, [&](const CaptureBlock& block) {
    blocks[{block.document, block.kind}] = block;
  });
  const auto tap = [&](Site site, size_t rows, int64_t heads, float first) {
    std::vector<float> values(rows * static_cast<size_t>(heads));
    std::iota(values.begin(), values.end(), first);
    collector.take(0, site, {values.data(), {static_cast<int64_t>(rows), heads, 1}});
  };
  tap(Site::kQueryPostRope, request.tap.layers[0].query_rows.size(), 3, 1);
  tap(Site::kKeyPostRope, request.tap.layers[0].key_rows.size(), 2, 5000);
  std::set<int32_t> query_rows;
  for (const DocumentEnd& end : collector.ends()) {
    const CaptureBlock& queries = blocks.at({end.document, Kind::kQuery});
    const CaptureBlock& keys = blocks.at({end.document, Kind::kKey});
    EXPECT_FALSE(std::ranges::is_sorted(queries.positions));
    const Canary& canary = end.canary;
    EXPECT_EQ(canary.key_head, canary.query_head / 2);
    const auto query_at = static_cast<size_t>((canary.query_head - 1) * 7 + canary.query_row);
    const auto key_at = static_cast<size_t>(canary.key_head * 7 + canary.key_row);
    EXPECT_EQ(canary.dot, static_cast<double>(queries.vectors.at(query_at)) *
                              static_cast<double>(keys.vectors.at(key_at)));
    query_rows.insert(canary.query_row);
  }
  EXPECT_GT(query_rows.size(), 3U);
}

}  // namespace
}  // namespace qk
