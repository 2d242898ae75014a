#include "model/forward.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <map>
#include <numeric>

#include "model/test_checkpoint.h"

namespace qk {
namespace forward_test {

using testing::HasSubstr;

constexpr std::string_view kTypes[] = {"llama"};
constexpr Architecture kPlain = {.name = "plain", .model_types = kTypes};
constexpr const Architecture* kRegistry[] = {&kPlain};

Model load(const std::string& name, const CheckpointOptions& options = {}) {
  const TestFolder folder;
  write_checkpoint(folder.path(), fixture_case(name), options);
  return load_model(folder.path(), "", kRegistry);
}

Sequences pack(const std::vector<std::vector<int32_t>>& documents) {
  Sequences out;
  out.offsets = {0};
  for (const std::vector<int32_t>& ids : documents) {
    out.ids.insert(out.ids.end(), ids.begin(), ids.end());
    out.offsets.push_back(std::ssize(out.ids));
    out.full_lengths.push_back(std::ssize(ids));
  }
  return out;
}

std::vector<int32_t> document(int64_t length, int32_t seed = 3) {
  std::vector<int32_t> ids;
  for (int64_t i = 0; i < length; ++i) ids.push_back(static_cast<int32_t>((i * 37 + seed) % 97));
  return ids;
}

std::vector<int32_t> range(int32_t begin, int32_t end) {
  std::vector<int32_t> out(static_cast<size_t>(end - begin));
  std::iota(out.begin(), out.end(), begin);
  return out;
}

TapRequest everything(int64_t tokens, size_t num_layers = 5, int32_t key_heads = 2) {
  TapRequest request;
  request.pre_rope = true;
  const auto rows = range(0, static_cast<int32_t>(tokens));
  request.layers.assign(num_layers, {rows, rows, range(0, 4), range(0, key_heads)});
  return request;
}

using Taken = std::map<std::pair<int, Site>, std::vector<float>>;

Taken take(const Model& model, const Sequences& sequences, const TapRequest& request,
           int64_t chunk_tokens = 1024, int threads = 1, const Backend& backend = kCpuBackend) {
  ThreadPool pool(threads);
  Taken out;
  forward({model, backend, pool}, sequences, request, {.chunk_tokens = chunk_tokens},
          [&](int layer, Site site, TensorView<const float, 3> rows) {
            const auto flat = rows.flat();
            const bool fresh =
                out.emplace(std::pair(layer, site), std::vector<float>(flat.begin(), flat.end()))
                    .second;
            EXPECT_TRUE(fresh);
          });
  return out;
}

// [rows, heads, 8] at one row and head.
std::vector<float> vector_at(const std::vector<float>& values, int64_t heads, int64_t row,
                             int64_t head) {
  const auto begin = values.begin() + (row * heads + head) * 8;
  return {begin, begin + 8};
}

TEST(ForwardTest, ChunksAndThreadsDoNotChangeABit) {
  const Model model = load("llama-plain");
  const Sequences sequences = pack({document(61)});
  const Taken expected = take(model, sequences, everything(61));
  EXPECT_EQ(expected.size(), 20U);
  for (const int64_t chunk : {1, 7, 16, 60, 61}) {
    for (const int threads : {1, 2, 3}) {
      EXPECT_EQ(take(model, sequences, everything(61), chunk, threads), expected) << chunk;
    }
  }
}

TEST(ForwardTest, NeighboursInTheBatchDoNotChangeABit) {
  const Model model = load("llama-dynamic");  // its frequencies depend on each document's length
  const std::vector<std::vector<int32_t>> documents = {
      document(5, 1), document(40, 2), {}, document(1, 9), document(23, 4)};
  const Sequences batch = pack(documents);
  const Taken all = take(model, batch, everything(69), /*chunk_tokens=*/16, /*threads=*/2);
  int64_t start = 0;
  for (const std::vector<int32_t>& ids : documents) {
    const auto length = std::ssize(ids);
    const Taken alone = take(model, pack({ids}), everything(length));
    for (const auto& [key, values] : alone) {
      const std::vector<float>& packed = all.at(key);
      const auto width = std::ssize(values) / length;
      const std::vector<float> part(packed.begin() + start * width,
                                    packed.begin() + (start + length) * width);
      EXPECT_EQ(part, values) << "layer " << key.first;
    }
    start += length;
  }
}

TEST(ForwardTest, TheTruncatedDocumentKeepsItsOwnLength) {
  const Model model = load("llama-dynamic");
  Sequences sequences = pack({document(10)});
  const Taken alone = take(model, sequences, everything(10));
  sequences.full_lengths = {40};
  const Taken part = take(model, sequences, everything(10));
  const Taken whole = take(model, pack({document(40)}), everything(40));
  const auto& expected = whole.at({3, Site::kQueryPostRope});
  const auto& found = part.at({3, Site::kQueryPostRope});
  EXPECT_EQ(found, std::vector<float>(expected.begin(), expected.begin() + std::ssize(found)));
  EXPECT_NE(found, alone.at({3, Site::kQueryPostRope}));
}

// Whatever is pruned, the vectors are those of the full run.
TEST(ForwardTest, PrunedRunsGiveTheSameVectors) {
  for (const char* name : {"llama-plain", "llama-bias"}) {
    const Model model = load(name);
    const Sequences sequences = pack({document(20), document(13, 5)});
    TapRequest request = everything(33);
    const Taken all = take(model, sequences, request);
    request.layers.assign(5, {});
    request.layers[0] = {{4, 30}, {}, {1}, {}};
    request.layers[2] = {{0, 8, 32}, {19, 20}, {0, 2, 3}, {1}};
    request.layers[3] = {{2, 3, 21}, {1, 32}, {0, 3}, {0}};
    for (const int64_t chunk : {1024, 6}) {
      const Taken some = take(model, sequences, request, chunk, 2);
      EXPECT_EQ(some.size(), 2U + 4 + 4);
      for (const auto& [key, values] : some) {
        const auto& [layer, site] = key;
        const bool query = site == Site::kQueryPreRope || site == Site::kQueryPostRope;
        const LayerRequest& wanted = request.layers[static_cast<size_t>(layer)];
        const auto& rows = query ? wanted.query_rows : wanted.key_rows;
        const auto& heads = query ? wanted.query_heads : wanted.key_heads;
        const int64_t dim = model.config.head_dim;
        const int64_t num_heads = query ? 4 : 2;
        ASSERT_EQ(std::ssize(values), std::ssize(rows) * std::ssize(heads) * dim);
        auto found = values.begin();
        for (const int32_t row : rows) {
          for (const int32_t head : heads) {
            const auto expected = all.at(key).begin() + (row * num_heads + head) * dim;
            EXPECT_TRUE(std::equal(found, found + dim, expected))
                << name << " layer " << layer << " row " << row << " head " << head;
            found += dim;
          }
        }
      }
    }
  }
}

TEST(ForwardTest, OneLayerNeedsOnlyItsRows) {
  const Model model = load("llama-plain");
  const Sequences sequences = pack({document(20)});
  const Taken all = take(model, sequences, everything(20));
  TapRequest request;
  request.layers.assign(5, {});
  request.layers[0] = {{3, 17}, {17}, {0, 1, 3}, {1}};
  const Taken some = take(model, sequences, request, /*chunk_tokens=*/1);
  const auto& queries = some.at({0, Site::kQueryPostRope});
  const auto& expected = all.at({0, Site::kQueryPostRope});
  EXPECT_EQ(vector_at(queries, 3, 1, 2), vector_at(expected, 4, 17, 3));
  EXPECT_EQ(vector_at(some.at({0, Site::kKeyPostRope}), 1, 0, 0),
            vector_at(all.at({0, Site::kKeyPostRope}), 2, 17, 1));
}

TEST(ForwardTest, LayersAboveTheLastRequestAreNotTouched) {
  Model model = load("llama-plain");
  model.layers[3] = {};  // would crash
  model.layers[4] = {};
  model.layers[2].v_proj = {};
  model.layers[2].o_proj = {};
  TapRequest request = everything(9);
  request.layers[3] = {};
  request.layers[4] = {};
  EXPECT_EQ(take(model, pack({document(9)}), request).size(), 12U);
}

TEST(ForwardTest, NothingAskedNothingDone) {
  Model model = load("llama-plain");
  model.embedding = {};
  TapRequest request;
  request.layers.assign(5, {});
  EXPECT_TRUE(take(model, pack({document(9)}), request).empty());
  EXPECT_TRUE(take(model, pack({}), request).empty());
}

TEST(ForwardTest, SkippedLayersLeaveNoTrace) {
  Model model = load("llama-plain");
  const Taken all = take(model, pack({document(9)}), everything(9));
  model.config.layers[1].runs = false;
  model.layers[1] = {};
  TapRequest request = everything(9);
  request.layers[1] = {};
  const Taken some = take(model, pack({document(9)}), request);
  EXPECT_EQ(some.size(), 16U);
  EXPECT_NE(some.at({2, Site::kQueryPreRope}), all.at({2, Site::kQueryPreRope}));
  EXPECT_EQ(some.at({0, Site::kQueryPreRope}), all.at({0, Site::kQueryPreRope}));
}

TEST(ForwardTest, StoredTypesAndShardsDoNotChangeABit) {
  const Sequences sequences = pack({document(12)});
  const Taken expected = take(load("llama-plain"), sequences, everything(12));
  for (const DType dtype : {DType::kF32, DType::kBF16}) {
    EXPECT_EQ(take(load("llama-plain", {.dtype = dtype}), sequences, everything(12)), expected);
  }
  EXPECT_EQ(take(load("llama-plain", {.num_shards = 3}), sequences, everything(12)), expected);
  EXPECT_EQ(
      take(load("llama-plain", {.prefix = "language_model.model."}), sequences, everything(12)),
      expected);
}

// Each layer is prefetched while the one before it is computed, and dropped after it.
TEST(ForwardTest, StreamedWeightsDoNotChangeABit) {
  static int prefetched = 0;
  static int dropped = 0;
  prefetched = dropped = 0;
  Backend backend = kCpuBackend;
  backend.prefetch_weights = [](Context& context, std::span<const BoundMatrix> weights) {
    prefetched += static_cast<int>(weights.size());
    kCpuBackend.prefetch_weights(context, weights);
  };
  backend.drop_weights = [](Context& context, std::span<const BoundMatrix> weights) {
    dropped += static_cast<int>(weights.size());
    kCpuBackend.drop_weights(context, weights);
  };
  const Model model = load("llama-plain");
  const Sequences sequences = pack({document(300)});
  Taken streamed;
  ThreadPool pool(2);
  forward({model, backend, pool}, sequences, everything(300), {.stream_weights = true},
          [&](int layer, Site site, TensorView<const float, 3> rows) {
            streamed[{layer, site}].assign(rows.flat().begin(), rows.flat().end());
          });
  EXPECT_EQ(streamed, take(model, sequences, everything(300)));
  EXPECT_EQ(prefetched, 4 * 7);
  EXPECT_EQ(dropped, 5 * 7);
}

TEST(ForwardTest, BothSpellingsOfAConfigurationGiveTheSameBytes) {
  FixtureCase item = fixture_case("llama-llama3");
  nlohmann::json rope = item.config.at("rope_parameters");
  const auto run = [&] {
    const TestFolder folder;
    write_checkpoint(folder.path(), item);
    return take(load_model(folder.path(), "", kRegistry), pack({document(24)}), everything(24));
  };
  const Taken v5 = run();
  item.config.erase("rope_parameters");
  item.config["rope_theta"] = rope.at("rope_theta");
  rope.erase("rope_theta");
  item.config["rope_scaling"] = rope;
  EXPECT_EQ(run(), v5);
}

TEST(ForwardTest, FirstPositionIsNotRotatedAndNormsOfPairsStay) {
  const Taken taken = take(load("llama-plain"), pack({document(9)}), everything(9));
  const auto& before = taken.at({2, Site::kKeyPreRope});
  const auto& after = taken.at({2, Site::kKeyPostRope});
  EXPECT_EQ(vector_at(before, 2, 0, 1), vector_at(after, 2, 0, 1));
  const auto x = vector_at(before, 2, 8, 1);
  const auto y = vector_at(after, 2, 8, 1);
  EXPECT_NE(x, y);
  for (size_t i = 0; i < 4; ++i) {
    EXPECT_NEAR(std::hypot(x[i], x[i + 4]), std::hypot(y[i], y[i + 4]), 1e-5);
  }
}

TEST(ForwardTest, BidirectionalAttentionSeesLaterTokens) {
  Model model = load("llama-plain");
  const Taken causal = take(model, pack({document(9)}), everything(9));
  model.config.causal = false;
  const Taken both = take(model, pack({document(9)}), everything(9), /*chunk_tokens=*/4);
  EXPECT_EQ(both, take(model, pack({document(9)}), everything(9)));
  EXPECT_NE(vector_at(both.at({1, Site::kKeyPreRope}), 2, 0, 0),
            vector_at(causal.at({1, Site::kKeyPreRope}), 2, 0, 0));
}

std::string refusal(const Model& model, const Sequences& sequences) {
  try {
    take(model, sequences, everything(std::ssize(sequences.ids)));
  } catch (const Error& error) {
    return error.what();
  }
  return "nothing was refused";
}

TEST(ForwardTest, UnknownTokensAreRefused) {
  const Model model = load("llama-plain");
  EXPECT_THAT(
      refusal(model, pack({{1, 97}})),
      HasSubstr("token 1: expected an id below 97 (rows of the model's embedding), found 97"));
  EXPECT_THAT(refusal(model, pack({{-1}})), HasSubstr("found -1"));
}

TEST(ForwardTest, NumbersThatAreNotFiniteAreRefused) {
  Model model = load("llama-plain");
  model.layers[1].pre_mlp_norm[3] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_THAT(refusal(model, pack({document(3), document(4)})),
              HasSubstr("layer 2: expected finite keys, found NaN or infinity in sequence 0 of "
                        "the batch at token 0"));
}

TEST(ForwardTest, TimesAndOperationsAreCounted) {
  const Model model = load("llama-plain");
  ThreadPool pool(1);
  ForwardTimes times;
  TapRequest request = everything(10);
  request.layers.assign(5, {});
  request.layers[1] = {range(0, 10), {}, range(0, 4), {}};
  forward({model, kCpuBackend, pool}, pack({document(10)}), request, {}, [](auto...) {}, &times);
  // One whole layer: q, k, v, o and three of the MLP; attention over 55 pairs of 4 heads; then q.
  const double linear = 2.0 * 10 * (32 * 32 * 2 + 32 * 16 * 2 + 3 * 32 * 48);
  EXPECT_EQ(times.matmul_flop, linear + 4.0 * 55 * 4 * 8 + 2.0 * 10 * 32 * 32);
  EXPECT_GT(times.linear, 0);
}

}  // namespace forward_test
}  // namespace qk
