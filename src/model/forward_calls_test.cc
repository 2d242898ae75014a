// What the layer loop asks of a backend, call by call: the cpu's operations, recorded.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <set>

#include "model/forward.h"
#include "model/test_checkpoint.h"
#include "model/test_sequences.h"
#include "model/weight_pages.h"

namespace qk {
namespace forward_calls_test {

using testing::Each;
using testing::ElementsAre;
using testing::Le;

constexpr std::string_view kTypes[] = {"llama"};
constexpr Architecture kPlain = {.name = "plain", .model_types = kTypes};
constexpr const Architecture* kRegistry[] = {&kPlain};

struct Calls {
  std::vector<int64_t> embeddings, rope_tables;  // rows of each call
  std::set<const void*> joined;          // results of the last call, if it was of one weight
  int64_t num_joined = 0, num_used = 0;  // such calls, and activations right after them
  std::set<const void*> loaded;          // weights that were used or fetched and not dropped
  std::vector<std::string> weights;      // "prefetch N", "use N", "drop N" of q_proj
  std::map<const void*, int> layer_of;   // of each weight
  size_t most_loaded = 0;                // layers
  int64_t tickets_before_fault = -1;
};
Calls calls;

void load(const void* handle) {
  calls.loaded.insert(handle);
  std::set<int> layers;
  for (const void* each : calls.loaded) layers.insert(calls.layer_of.at(each));
  calls.most_loaded = std::max(calls.most_loaded, layers.size());
}

void note(const std::string& what, std::span<const BoundMatrix> weights) {
  calls.weights.push_back(fmt::format("{} {}", what, calls.layer_of.at(weights[0].handle)));
}

bool continues(const LinearJob& job, const LinearJob& next) {
  return job.weight.handle == next.weight.handle && next.first_row == job.first_row + job.y.cols;
}

void recorded_linear(Context& context, ConstMatrix x, std::span<const LinearJob> jobs) {
  calls.joined.clear();
  for (size_t i = 0; i < jobs.size(); ++i) {
    load(jobs[i].weight.handle);
    if (i > 0 && continues(jobs[i - 1], jobs[i])) {
      calls.joined = {jobs[i - 1].y.data, jobs[i].y.data};
      ++calls.num_joined;
    }
  }
  kCpuBackend.linear(context, x, jobs);
}

void recorded_activation(Context& context, Matrix gate, ConstMatrix up, Activation activation) {
  if (calls.joined == std::set<const void*>{gate.data, up.data}) ++calls.num_used;
  calls.joined.clear();
  kCpuBackend.gated_activation(context, gate, up, activation);
}

// Everything else that computes: what a joined product left is void.
template <auto Operation>
struct Recorded;
template <typename... Args, void (*Backend::*Operation)(Context&, Args...)>
struct Recorded<Operation> {
  static void call(Context& context, Args... args) {
    calls.joined.clear();
    (kCpuBackend.*Operation)(context, args...);
  }
};

Backend recording(const BackendTraits& traits) {
  Backend out = kCpuBackend;
  out.traits = traits;
  out.linear = recorded_linear;
  out.gated_activation = recorded_activation;
  out.embedding = [](Context& context, const WeightMatrix& table, std::span<const int32_t> ids,
                     float scale, Matrix into) {
    calls.embeddings.push_back(into.rows);
    kCpuBackend.embedding(context, table, ids, scale, into);
  };
  out.rms_norm = Recorded<&Backend::rms_norm>::call;
  out.rope_table = [](Context& context, std::span<const float> frequencies, float factor,
                      int64_t first, Matrix cos, Matrix sin) {
    calls.rope_tables.push_back(cos.rows);
    kCpuBackend.rope_table(context, frequencies, factor, first, cos, sin);
  };
  out.rope = Recorded<&Backend::rope>::call;
  out.scale_rows = Recorded<&Backend::scale_rows>::call;
  out.add = Recorded<&Backend::add>::call;
  out.gather_rows = Recorded<&Backend::gather_rows>::call;
  out.kv_store = Recorded<&Backend::kv_store>::call;
  out.attention = Recorded<&Backend::attention>::call;
  out.prefetch_weights = [](Context&, std::span<const BoundMatrix> weights) {
    note("prefetch", weights);
    for (const BoundMatrix& weight : weights) load(weight.handle);
  };
  out.drop_weights = [](Context&, std::span<const BoundMatrix> weights) {
    note("drop", weights);
    for (const BoundMatrix& weight : weights) calls.loaded.erase(weight.handle);
  };
  out.finish_taps = [](Context& context, int64_t ticket) {
    return calls.tickets_before_fault-- == 0 ? 0 : kCpuBackend.finish_taps(context, ticket);
  };
  return out;
}

constexpr BackendTraits kLikeTorch = {.rows_depend_on_shape = true, .asynchronous = true};

Model load_plain() {
  const TestFolder folder;
  write_checkpoint(folder.path(), fixture_case("llama-plain"));
  return load_model(folder.path(), "", kRegistry);
}

TapRequest first_rows() {
  TapRequest request;
  request.layers.assign(5, {{0, 1}, {0, 1}, {0, 1, 2, 3}, {0, 1}});
  return request;
}

class ForwardCallsTest : public testing::Test {
 protected:
  void SetUp() override { calls = {}; }

  void run(const BackendTraits& traits, const std::vector<int64_t>& lengths,
           const ForwardOptions& options) {
    const Backend backend = recording(traits);
    const BoundModel bound(model_, backend, pool_);
    for (int layer = 0; layer < 5; ++layer) {
      for (const BoundMatrix& weight : bound.layer(layer).matrices()) {
        calls.layer_of[weight.handle] = layer;
      }
    }
    forward(bound, test_sequences(lengths), first_rows(), options, [](auto...) {});
  }

  Model model_ = load_plain();
  ThreadPool pool_{1};
};

// A row of a table may depend on how many rows there are.
TEST_F(ForwardCallsTest, OnTorchEachDocumentHasARopeTableOfItsLength) {
  run(kLikeTorch, {40, 23, 40}, {});
  EXPECT_THAT(calls.rope_tables, ElementsAre(40, 23, 40));
  calls = {};
  run({}, {40, 23, 40}, {});
  EXPECT_THAT(calls.rope_tables, ElementsAre(40));
}

TEST_F(ForwardCallsTest, EmbeddingsGoToADeviceInPieces) {
  const auto tokens = [] {
    return std::accumulate(calls.embeddings.begin(), calls.embeddings.end(), int64_t{0});
  };
  run({}, {3000}, {.chunk_tokens = 100});
  EXPECT_THAT(calls.embeddings, ElementsAre(3000));
  calls = {};
  run(kLikeTorch, {3000}, {.chunk_tokens = 100});
  EXPECT_EQ(tokens(), 3000);
  EXPECT_THAT(calls.embeddings, Each(Le(100)));
  calls = {};
  run(kLikeTorch, {3000}, {.chunk_tokens = 16384});
  EXPECT_THAT(calls.embeddings, ElementsAre(1024, 1024, 952));
  calls = {};
  run(kLikeTorch, {3000}, {.chunk_tokens = 16384, .stream_weights = true});
  EXPECT_EQ(tokens(), 3000);
  EXPECT_THAT(calls.embeddings, Each(Le(kEmbeddingPiece)));
}

// A backend may keep the result of a joined product until the next call: it finds it by the address
// that the activation is called with.
TEST_F(ForwardCallsTest, TheActivationFollowsTheJoinedProductOfGateAndUp) {
  std::vector<std::vector<float>> memory;
  for (LayerWeights& layer : model_.layers) {
    const auto half = static_cast<size_t>(layer.gate_proj.rows * layer.gate_proj.cols);
    auto& both = memory.emplace_back();
    for (const WeightMatrix* part : {&layer.gate_proj, &layer.up_proj}) {
      const auto* numbers = reinterpret_cast<const float*>(part->data);
      both.insert(both.end(), numbers, numbers + half);
    }
    layer.gate_up_proj = layer.gate_proj;
    layer.gate_up_proj.data = reinterpret_cast<const std::byte*>(both.data());
    layer.gate_up_proj.rows *= 2;
  }
  for (const int64_t chunk : {7, 1000}) {
    calls = {};
    run(kLikeTorch, {23, 40}, {.chunk_tokens = chunk});
    EXPECT_GT(calls.num_joined, 0);
    EXPECT_EQ(calls.num_used, calls.num_joined) << chunk;
  }
}

TEST_F(ForwardCallsTest, TwoLayersOfStreamedWeightsAreInMemory) {
  const ForwardOptions streams = {.chunk_tokens = 16, .stream_weights = true};
  run(kLikeTorch, {40}, streams);
  EXPECT_EQ(calls.most_loaded, 2);
  EXPECT_TRUE(calls.loaded.empty());
  EXPECT_THAT(calls.weights, ElementsAre("prefetch 1", "drop 0", "prefetch 2", "drop 1",
                                         "prefetch 3", "drop 2", "prefetch 4", "drop 3", "drop 4"));
}

TEST_F(ForwardCallsTest, APassThatFailsGivesItsWeightsBack) {
  const ForwardOptions streams = {.chunk_tokens = 16, .stream_weights = true};
  for (const BackendTraits& traits : {kLikeTorch, BackendTraits{}}) {
    for (const int64_t ticket : {0, 3, 9}) {
      calls = {};
      calls.tickets_before_fault = ticket;
      EXPECT_THROW(run(traits, {40}, streams), NotFinite);
      EXPECT_TRUE(calls.loaded.empty()) << ticket;
      EXPECT_LE(calls.most_loaded, 2);
    }
  }
}

}  // namespace forward_calls_test
}  // namespace qk
