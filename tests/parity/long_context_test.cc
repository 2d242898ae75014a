// 131,072 tokens with a tiny model: memory is linear, every row is computed, and the rows at the
// far end equal those of a short run over the same window.
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <string>

#include "arch/registry.h"
#include "model/forward.h"
#include "model/test_checkpoint.h"

namespace qk {
namespace {

constexpr int64_t kTokens = 131072;

FixtureCase tiny_case() {
  FixtureCase item = fixture_case("long");
  const int64_t hidden = 16;
  item.config["hidden_size"] = hidden;
  item.config["intermediate_size"] = 16;
  item.config["num_hidden_layers"] = 3;
  item.config["num_attention_heads"] = 1;
  item.config["num_key_value_heads"] = 1;
  item.config["head_dim"] = hidden;
  item.tensors = {{"model.embed_tokens.weight", {97, hidden}}};
  for (int layer = 0; layer < 3; ++layer) {
    const std::string prefix = fmt::format("model.layers.{}.", layer);
    for (const char* name : {"self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj",
                             "self_attn.o_proj", "mlp.gate_proj", "mlp.up_proj", "mlp.down_proj"}) {
      item.tensors[prefix + name + ".weight"] = {hidden, hidden};
    }
    item.tensors[prefix + "input_layernorm.weight"] = {hidden};
    item.tensors[prefix + "post_attention_layernorm.weight"] = {hidden};
  }
  return item;
}

// A line of /proc/self/status in bytes; 0 if it is missing.
int64_t status_bytes(const std::string& key) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with(key + ":")) return std::stoll(line.substr(key.size() + 1)) * 1024;
  }
  return 0;
}

// Restarts the measurement of peak resident bytes. Returns false if the system does not support it.
bool reset_peak() {
  std::ofstream file("/proc/self/clear_refs");
  file << "5";
  file.flush();
  return file.good();
}

#if defined(QK_SANITIZED)
constexpr bool kMemoryIsOurs = false;  // a sanitizer keeps more memory than is requested
#else
constexpr bool kMemoryIsOurs = true;
#endif

TEST(LongContextTest, EveryTokenOf131072Runs) {
  const TestFolder folder;
  write_checkpoint(folder.path(), tiny_case());
  const Model model = load_model(folder.path(), "", registry());
  Sequences sequences;
  for (int64_t i = 0; i < kTokens; ++i) {
    sequences.ids.push_back(static_cast<int32_t>((i * 37 + i / 5 * 11) % 97));
  }
  sequences.offsets = {0, kTokens};
  sequences.full_lengths = {kTokens};
  TapRequest request;
  request.layers.resize(3);
  request.layers[2] = {{0, 70000, 131071}, {131071}, {0}, {0}};
  ThreadPool pool;
  const std::vector<int64_t> lengths = {kTokens};
  const int64_t expected =
      forward_bytes(model, kCpuBackend, lengths, request, {}, pool.num_threads()).total();
  EXPECT_LE(expected, int64_t{64} << 20);
  int calls = 0;
  const bool peak_is_known = reset_peak();
  const int64_t before = status_bytes("VmRSS");
  forward({model, kCpuBackend, pool}, sequences, request, {},
          [&](int layer, Site /*site*/, TensorView<const float, 3> rows) {
            ++calls;
            EXPECT_EQ(layer, 2);
            for (const float value : rows.flat()) EXPECT_TRUE(std::isfinite(value));
          });
  EXPECT_EQ(calls, 2);
  if (!kMemoryIsOurs || !peak_is_known) return;
  const int64_t used = status_bytes("VmHWM") - before;
  EXPECT_NEAR(static_cast<double>(used), static_cast<double>(expected), 0.1 * expected + (1 << 20));
}

}  // namespace
}  // namespace qk
