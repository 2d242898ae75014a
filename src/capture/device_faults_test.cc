// A pass on a fake device: the cpu's bits while everything is late, and one sentence, with everything
// given back, whatever call or allocation fails.
#include <gtest/gtest.h>

#include <limits>
#include <map>
#include <numeric>
#include <utility>

#include "device/test_fake_torch.h"
#include "device/torch_backend.h"
#include "model/forward.h"
#include "model/test_checkpoint.h"

namespace qk {
namespace device_faults_test {

constexpr std::string_view kTypes[] = {"llama"};
constexpr Architecture kPlain = {.name = "plain", .model_types = kTypes};
constexpr const Architecture* kRegistry[] = {&kPlain};
constexpr int64_t kLengths[] = {23, 1, 40};
constexpr int32_t kTokens = 64;

Model load() {
  const TestFolder folder;
  write_checkpoint(folder.path(), fixture_case("llama-plain"));
  return load_model(folder.path(), "", kRegistry);
}

std::vector<int32_t> range(int32_t begin, int32_t end, int32_t step = 1) {
  std::vector<int32_t> out;
  for (int32_t i = begin; i < end; i += step) out.push_back(i);
  return out;
}

Sequences three_documents() {
  Sequences out;
  out.offsets = {0};
  for (const int64_t length : kLengths) {
    for (int64_t i = 0; i < length; ++i) out.ids.push_back(static_cast<int32_t>((i * 37 + 3) % 97));
    out.offsets.push_back(std::ssize(out.ids));
    out.full_lengths.push_back(length);
  }
  return out;
}

// Different rows and heads in every layer, none in one of them.
TapRequest some_rows(size_t last_layer) {
  TapRequest request;
  request.pre_rope = true;
  request.layers.resize(5);
  for (size_t layer = 0; layer <= last_layer; ++layer) {
    if (layer == 1) continue;
    request.layers[layer] = {range(static_cast<int32_t>(layer), kTokens, 3),
                             range(0, kTokens, 5),
                             {0, 3},
                             {static_cast<int32_t>(layer % 2)}};
  }
  return request;
}

using Taken = std::map<std::pair<int, Site>, std::vector<float>>;

Taken take(const Model& model, const Backend& backend, const TapRequest& request,
           const ForwardOptions& options, ForwardTimes* times = nullptr) {
  ThreadPool pool(1);
  Taken out;
  int newest = 0;
  forward(
      {model, backend, pool}, three_documents(), request, options,
      [&](int layer, Site site, TensorView<const float, 3> rows) {
        EXPECT_GE(layer, newest);
        newest = layer;
        const auto flat = rows.flat();
        out[{layer, site}] = {flat.begin(), flat.end()};
      },
      times);
  return out;
}

int64_t num_marks = 0;
int64_t (*mark_of_torch)(Context& context) = nullptr;

int64_t counted_mark(Context& context) {
  ++num_marks;
  return mark_of_torch(context);
}

void expect_nothing_left() {
  EXPECT_EQ(fake::state().live, 0);
  EXPECT_EQ(fake::state().live_marks, 0);
  EXPECT_EQ(fake::state().live_tickets, 0);
  EXPECT_EQ(fake::state().live_weights, 0);
}

// On a device of its own. Everything is given back afterwards, whether it succeeds or not.
Taken take_on_fake(const Model& model, const TapRequest& request, const ForwardOptions& options,
                   bool times_wanted = true) {
  fake::State& state = fake::state();
  state.allocs = state.calls = 0;
  num_marks = 0;
  ForwardTimes times;
  const auto run = [&] {
    OpenedDevice device(fake::api(),
                        {.kind = "cuda",
                         .index = 0,
                         .type = QK_F32,
                         .num_threads = 0,
                         .dispatched_attention = 0,
                         .torch_version = "2.9.1"},
                        "cuda:0");
    Backend backend = torch_backend(device);
    mark_of_torch = std::exchange(backend.mark, counted_mark);
    return take(model, backend, request, options, times_wanted ? &times : nullptr);
  };
  try {
    Taken out = run();
    expect_nothing_left();
    return out;
  } catch (const Error&) {
    expect_nothing_left();
    throw;
  }
}

class DeviceFaultsTest : public testing::Test {
 protected:
  ~DeviceFaultsTest() override { fake::state().settings = {}; }
  const Model model_ = load();
};

TEST_F(DeviceFaultsTest, LateCopiesGiveTheBitsOfTheCpu) {
  for (const size_t last_layer : {0U, 2U, 4U}) {
    const TapRequest request = some_rows(last_layer);
    const Taken expected = take(model_, kCpuBackend, request, {});
    for (const int64_t chunk : {4, 1000}) {
      for (const int64_t attention : {int64_t{0}, int64_t{12}, kWholeDocuments}) {
        for (const bool streams : {false, true}) {
          const ForwardOptions options = {
              .chunk_tokens = chunk, .attention_tokens = attention, .stream_weights = streams};
          EXPECT_EQ(take_on_fake(model_, request, options), expected)
              << last_layer << " " << chunk << " " << attention << " " << streams;
        }
      }
    }
  }
}

TEST_F(DeviceFaultsTest, MarksAreMadeForTimesOnly) {
  const TapRequest request = some_rows(4);
  const Taken expected = take(model_, kCpuBackend, request, {});
  EXPECT_EQ(take_on_fake(model_, request, {}, /*times_wanted=*/false), expected);
  EXPECT_EQ(num_marks, 0);
  EXPECT_EQ(take_on_fake(model_, request, {}, /*times_wanted=*/true), expected);
  EXPECT_GT(num_marks, 100);
}

TEST_F(DeviceFaultsTest, AVectorThatIsNotFiniteLeavesNothingBehind) {
  Model model = load();
  const TapRequest request = some_rows(4);
  model.layers[2].input_norm[0] = std::numeric_limits<float>::quiet_NaN();
  for (const bool streams : {false, true}) {
    const ForwardOptions options = {.chunk_tokens = 16, .stream_weights = streams};
    EXPECT_THROW(take_on_fake(model, request, options), NotFinite);
  }
}

// The number of faults that were there to make.
int64_t expect_one_sentence(const Model& model, int64_t fake::Faults::* counted, int32_t status,
                            const std::string& sentence) {
  const TapRequest request = some_rows(2);
  const ForwardOptions options = {.chunk_tokens = 16, .stream_weights = true};
  const Taken expected = take(model, kCpuBackend, request, {});
  constexpr int64_t kMostFaults = 100'000;
  for (int64_t k = 0; k < kMostFaults; ++k) {
    fake::state().settings.faults = {.alloc = -1, .call = -1, .call_status = status};
    fake::state().settings.faults.*counted = k;
    try {
      EXPECT_EQ(take_on_fake(model, request, options), expected);
      return k;
    } catch (const Error& error) {
      EXPECT_EQ(std::string(error.what()).substr(0, sentence.size()), sentence) << k;
      EXPECT_EQ(std::string(error.what()).find('\n'), std::string::npos);
    }
    if (testing::Test::HasFailure()) return k;
  }
  return kMostFaults;
}

TEST_F(DeviceFaultsTest, EveryAllocationMayFail) {
  EXPECT_GT(expect_one_sentence(model_, &fake::Faults::alloc, QK_FAILED,
                                "cuda:0: out of memory: the fake device has no memory, as told"),
            20);
}

TEST_F(DeviceFaultsTest, EveryCallMayFail) {
  EXPECT_GT(expect_one_sentence(model_, &fake::Faults::call, QK_FAILED,
                                "cuda:0: torch failed: the fake device failed as told"),
            200);
}

TEST_F(DeviceFaultsTest, TheDeviceMayBeLostAtEveryCall) {
  EXPECT_GT(expect_one_sentence(model_, &fake::Faults::call, QK_DEVICE_LOST,
                                "cuda:0: the device was lost: the fake device failed as told"),
            200);
}

}  // namespace device_faults_test
}  // namespace qk
