// forward_bytes() equals what a pass allocates through the backend.
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <map>
#include <numeric>

#include "model/forward.h"
#include "model/forward_plan.h"
#include "model/test_checkpoint.h"
#include "model/test_sequences.h"

namespace qk {
namespace {

constexpr std::string_view kTypes[] = {"llama"};
constexpr Architecture kPlain = {.name = "plain", .model_types = kTypes};
constexpr const Architecture* kRegistry[] = {&kPlain};
constexpr Architecture kSandwich = {
    .name = "sandwich", .model_types = kTypes, .block = {.sandwich_norms = true}};

// The cpu backend, counting what is allocated.
struct Counts {
  std::map<void*, int64_t> live;
  int64_t now = 0, most = 0;
};
Counts counts;

void* counted_alloc(Context& context, Memory kind, int64_t bytes) {
  void* data = kCpuBackend.alloc(context, kind, bytes);
  if (data == nullptr) return data;
  counts.live[data] = bytes;
  counts.now += bytes;
  counts.most = std::max(counts.most, counts.now);
  return data;
}

void counted_free(Context& context, void* data) {
  const auto found = counts.live.find(data);
  if (found != counts.live.end()) {
    counts.now -= found->second;
    counts.live.erase(found);
  }
  kCpuBackend.free(context, data);
}

// Scratch is the kernels' own (linear_bytes, attention_bytes); here it would hide the rest.
Backend counting_backend() {
  Backend backend = kCpuBackend;
  backend.alloc = counted_alloc;
  backend.free = counted_free;
  backend.scratch_bytes = [](const Backend&, const ScratchShape&, int) { return int64_t{0}; };
  return backend;
}

Model load(const std::string& name) {
  const TestFolder folder;
  write_checkpoint(folder.path(), fixture_case(name));
  return load_model(folder.path(), "", kRegistry);
}

Model sandwich() {
  Model model = load("llama-plain");
  model.architecture = &kSandwich;
  for (LayerWeights& layer : model.layers) {
    layer.post_attention_norm.assign(32, 1.0F);
    layer.post_mlp_norm.assign(32, 1.0F);
  }
  return model;
}

std::vector<int32_t> range(int64_t begin, int64_t end) {
  std::vector<int32_t> out(static_cast<size_t>(end - begin));
  std::iota(out.begin(), out.end(), static_cast<int32_t>(begin));
  return out;
}

void expect_accounted(const Model& model, const std::vector<int64_t>& lengths,
                      const TapRequest& request, int64_t chunk_tokens, const std::string& what) {
  const Backend backend = counting_backend();
  const ForwardOptions options{.chunk_tokens = chunk_tokens};
  ThreadPool pool(1);
  counts = {};
  forward({model, backend, pool}, test_sequences(lengths), request, options, [](auto...) {});
  EXPECT_EQ(counts.now, 0) << what;
  EXPECT_GT(counts.most, 0) << what;
  const int64_t tokens = std::accumulate(lengths.begin(), lengths.end(), int64_t{0});
  const int64_t row_list = tokens * static_cast<int64_t>(sizeof(int32_t));
  const int64_t taken = counts.most + row_list;
  const int64_t promised = forward_bytes(model, backend, lengths, request, options, 1).total();
  EXPECT_GE(promised, taken) << what;
  EXPECT_LE(static_cast<double>(promised), 1.2 * static_cast<double>(taken)) << what;
}

struct NamedRequest {
  std::string name;
  TapRequest request;
};

std::vector<NamedRequest> requests(int64_t tokens) {
  const LayerRequest all = {range(0, tokens), range(0, tokens), range(0, 4), range(0, 2)};
  const LayerRequest queries = {range(0, tokens), {}, range(0, 4), {}};
  const LayerRequest keys = {{}, range(0, tokens), {}, {1}};
  const LayerRequest some = {{1, static_cast<int32_t>(tokens - 1)}, {0}, {0, 3}, {1}};
  const auto of = [](bool pre, bool post, std::vector<LayerRequest> layers) {
    return TapRequest{.pre_rope = pre, .post_rope = post, .layers = std::move(layers)};
  };
  return {
      {"everything", of(true, true, {all, all, all, all, all})},
      {"after rope only", of(false, true, {all, all, all, all, all})},
      {"before rope only", of(true, false, {all, all, all, all, all})},
      {"queries only", of(true, true, {queries, {}, queries, {}, {}})},
      {"keys only", of(false, true, {{}, keys, {}, keys, {}})},
      {"few rows", of(true, true, {some, some, some, some, some})},
      {"unequal layers", of(true, true, {some, all, {}, {}, some})},
      {"first layer", of(true, true, {all, {}, {}, {}, {}})},
      {"few rows of the first layer", of(true, true, {some, {}, {}, {}, {}})},
  };
}

TEST(ForwardBytesTest, AreWhatIsAllocated) {
  const std::map<std::string, Model> models = {{"plain", load("llama-plain")},
                                               {"bias", load("llama-bias")},
                                               {"dynamic", load("llama-dynamic")},
                                               {"sandwich", sandwich()}};
  const std::vector<std::vector<int64_t>> batches = {{61}, {700}, {5, 40, 0, 23}};
  for (const auto& [name, model] : models) {
    for (const std::vector<int64_t>& lengths : batches) {
      const int64_t tokens = std::accumulate(lengths.begin(), lengths.end(), int64_t{0});
      for (const NamedRequest& named : requests(tokens)) {
        for (const int64_t chunk : {1024, 16}) {
          expect_accounted(model, lengths, named.request, chunk,
                           fmt::format("{}, {} tokens in {} documents, {}, chunks of {}", name,
                                       tokens, lengths.size(), named.name, chunk));
        }
      }
    }
  }
}

TEST(ForwardBytesTest, ContainTheScratchOfTheWidestProduct) {
  const Model model = load("llama-plain");
  const std::vector<int64_t> lengths = {61};
  const TapRequest request = requests(61).front().request;
  const auto bytes = [&](const Backend& backend, int threads) {
    return forward_bytes(model, backend, lengths, request, {}, threads).total();
  };
  for (const int threads : {1, 3}) {
    EXPECT_EQ(bytes(kCpuBackend, threads) - bytes(counting_backend(), threads),
              kCpuBackend.scratch_bytes(kCpuBackend,
                                        {.rows = 61,
                                         .width = model.config.intermediate_size,
                                         .head_dim = model.config.head_dim},
                                        threads));
  }
}

// Memory of the host as an allocator of pinned memory gives it: powers of two, which are kept.
struct PinnedCache {
  std::multimap<int64_t, void*> unused;  // by size
  std::map<void*, int64_t> used;
  int64_t bytes = 0;  // in all
};
PinnedCache pinned;

void* pinned_alloc(Context& context, Memory kind, int64_t bytes) {
  if (kind != Memory::kHost || bytes == 0) return kCpuBackend.alloc(context, kind, bytes);
  const auto size = static_cast<int64_t>(std::bit_ceil(static_cast<uint64_t>(bytes)));
  void* data = nullptr;
  if (const auto found = pinned.unused.find(size); found != pinned.unused.end()) {
    data = found->second;
    pinned.unused.erase(found);
  } else {
    data = kCpuBackend.alloc(context, kind, size);
    pinned.bytes += size;
  }
  pinned.used[data] = size;
  return data;
}

void pinned_free(Context& context, void* data) {
  const auto found = pinned.used.find(data);
  if (found == pinned.used.end()) return kCpuBackend.free(context, data);
  pinned.unused.emplace(found->second, data);
  pinned.used.erase(found);
}

TEST(ForwardBytesTest, PinnedMemoryIsKeptInPowersOfTwo) {
  const Model model = load("llama-plain");
  Backend backend = kCpuBackend;
  backend.traits = {.rows_depend_on_shape = true, .asynchronous = true, .pins_memory = true};
  backend.alloc = pinned_alloc;
  backend.free = pinned_free;
  ThreadPool pool(1);
  for (const char* name : {"everything", "after rope only", "unequal layers"}) {
    pinned = {};
    const BoundModel bound(model, backend, pool);
    ForwardBytes promised;
    for (const int64_t tokens : {5, 61, 200, 700}) {
      const std::vector<NamedRequest> all = requests(tokens);
      const TapRequest& request = std::ranges::find(all, name, &NamedRequest::name)->request;
      forward(bound, test_sequences({tokens}), request, {}, [](auto...) {});
      promised = forward_bytes(model, backend, std::vector<int64_t>{tokens}, request, {}, 1);
      EXPECT_GE(promised.host, pinned.bytes) << name << ", " << tokens;
    }
    EXPECT_LE(promised.host, 5 * pinned.bytes) << name;
    EXPECT_TRUE(pinned.used.empty());
    for (const auto& [size, data] : pinned.unused) kCpuBackend.free(bound.context(), data);
  }
}

TEST(ForwardBytesTest, NothingAskedNothingTaken) {
  const Model model = load("llama-plain");
  TapRequest request;
  request.layers.assign(5, {});
  EXPECT_EQ(forward_bytes(model, kCpuBackend, std::vector<int64_t>{61}, request, {}, 1).total(), 0);
  const Backend backend = counting_backend();
  ThreadPool pool(1);
  counts = {};
  forward({model, backend, pool}, test_sequences({61}), request, {}, [](auto...) {});
  EXPECT_EQ(counts.most, 0);
}

}  // namespace
}  // namespace qk
