#include "device/torch_backend.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "base/mapped_file.h"
#include "base/test_error.h"
#include "device/devices.h"
#include "device/test_fake_torch.h"
#include "device/torch_devices.h"

namespace qk {
namespace torch_backend_test {

constexpr QkOpen kOpen = {.kind = "cuda",
                          .index = 0,
                          .type = QK_F32,
                          .num_threads = 0,
                          .dispatched_attention = 0,
                          .torch_version = "2.9.1"};

class TorchBackend : public testing::Test {
 protected:
  TorchBackend() {
    fake::state().settings = {};
    fake::state().allocs = fake::state().calls = 0;
  }
  ~TorchBackend() override {
    fake::state().settings = {};
    EXPECT_EQ(fake::state().live, 0);
  }

  // Fails at the k-th call from here on.
  static void fail_at(int64_t k, int32_t status) {
    fake::state().calls = 0;
    fake::state().settings.faults = {.alloc = -1, .call = k, .call_status = status};
  }

  ThreadPool pool_{1};
};

TEST_F(TorchBackend, IsWhole) {
  OpenedDevice device(fake::api(), kOpen, "cuda:0");
  const Backend backend = torch_backend(device);
  check_complete(backend);
  EXPECT_EQ(backend.traits.dtype, DType::kF32);
  EXPECT_TRUE(backend.traits.rows_depend_on_shape);
  EXPECT_TRUE(backend.traits.asynchronous);
}

// Ranks of one node: each takes the GPU of its number, and counts again where there are fewer.
TEST_F(TorchBackend, ProcessesOfOneMachineShareItsDevices) {
  fake::state().settings.num_devices = 3;
  const TorchPlugin plugin{.api = &fake::api(), .torch_version = "2.9.1"};
  const auto opened = [&](const char* asked, std::optional<int> local_rank) {
    DeviceRequest request = parse_device("--device", asked);
    request.local_rank = local_rank;
    const auto devices = open_torch_devices(plugin, "--device", request, {});
    return devices->name() + ", " + devices->reason();
  };
  EXPECT_EQ(opened("auto", {}), "cuda:0, auto: the first GPU");
  EXPECT_EQ(opened("auto", 0), "cuda:0, auto: GPU 0 of 3");
  EXPECT_EQ(opened("auto", 2), "cuda:2, auto: GPU 2 of 3");
  EXPECT_EQ(opened("auto", 4), "cuda:1, auto: GPU 1 of 3");
  EXPECT_EQ(opened("cuda", 5), "cuda:2, as --device says");
  EXPECT_EQ(opened("cuda:1", 2), "cuda:1, as --device says");
  EXPECT_EQ(opened("torch:cpu", 2), "torch:cpu, as --device says");
}

TEST_F(TorchBackend, MemoryThatDoesNotSufficeNamesTheDeviceAndWhatHelps) {
  fake::state().settings.memory = 1000;
  OpenedDevice device(fake::api(), kOpen, "cuda:3");
  const Backend backend = torch_backend(device);
  const auto context = backend.make_context(backend, pool_);
  void* data = backend.alloc(*context, Memory::kDevice, 600);
  const std::string said = error_of([&] { backend.alloc(*context, Memory::kDevice, 600); });
  EXPECT_EQ(said.find("cuda:3: out of memory: the fake device's memory is full"), 0) << said;
  for (const char* option : {"--vram", "--chunk-tokens", "--attention-tokens"}) {
    EXPECT_NE(said.find(option), std::string::npos) << said;
  }
  backend.free(*context, data);
  backend.free(*context, backend.alloc(*context, Memory::kDevice, 600));
}

TEST_F(TorchBackend, AFailureSaysWhereAndWhat) {
  OpenedDevice device(fake::api(), kOpen, "cuda:0");
  const Backend backend = torch_backend(device);
  const auto context = backend.make_context(backend, pool_);
  fail_at(0, QK_FAILED);
  EXPECT_EQ(error_of([&] { backend.alloc(*context, Memory::kDevice, 64); }),
            "cuda:0: torch failed: the fake device failed as told");
  // One call failed, the device goes on.
  backend.free(*context, backend.alloc(*context, Memory::kDevice, 64));
}

TEST_F(TorchBackend, ALostDeviceSaysTheSameAtEveryCallAndGivesBackWhatItHeld) {
  OpenedDevice device(fake::api(), kOpen, "cuda:0");
  const Backend backend = torch_backend(device);
  const auto context = backend.make_context(backend, pool_);
  void* on_device = backend.alloc(*context, Memory::kDevice, 64);
  void* on_host = backend.alloc(*context, Memory::kHost, 64);
  fail_at(0, QK_DEVICE_LOST);
  const auto use = [&] { backend.mark(*context); };
  const std::string first = error_of(use);
  EXPECT_EQ(first, "cuda:0: the device was lost: the fake device failed as told");
  EXPECT_EQ(error_of(use), first);
  EXPECT_EQ(error_of([&] { backend.alloc(*context, Memory::kDevice, 64); }), first);
  backend.free(*context, on_device);
  backend.free(*context, on_host);
}

TEST_F(TorchBackend, NothingIsAskedForAndNothingGivenBackForNoBytes) {
  OpenedDevice device(fake::api(), kOpen, "cuda:0");
  const Backend backend = torch_backend(device);
  const auto context = backend.make_context(backend, pool_);
  EXPECT_EQ(backend.alloc(*context, Memory::kDevice, 0), nullptr);
  backend.free(*context, nullptr);
  EXPECT_EQ(fake::state().calls, 0);
}

TEST_F(TorchBackend, ADeviceThatDoesNotOpenIsAnErrorOfItsName) {
  QkOpen half = kOpen;
  half.type = QK_BF16;
  EXPECT_EQ(error_of([&] { const OpenedDevice device(fake::api(), half, "cuda:1"); }),
            "cuda:1: cannot be opened: the fake device computes in float32 only");
}

// A model that is let go leaves nothing on a device that others go on using.
TEST_F(TorchBackend, AContextUnbindsItsWeightsAlsoOfALostDevice) {
  OpenedDevice device(fake::api(), kOpen, "cuda:0");
  const Backend backend = torch_backend(device);
  const std::vector<float> numbers = {1, 2, 3};
  for (const bool lost : {false, true}) {
    const auto context = backend.make_context(backend, pool_);
    backend.bind_vector(*context, numbers);
    backend.bind_vector(*context, numbers);
    EXPECT_EQ(fake::state().live_weights, 2);
    fail_at(lost ? 0 : -1, QK_DEVICE_LOST);
    if (lost) {
      EXPECT_THROW(backend.mark(*context), Error);
    }
  }
  EXPECT_EQ(fake::state().live_weights, 0);
}

TEST_F(TorchBackend, MarksThatNobodyUsedAreForgotten) {
  OpenedDevice device(fake::api(), kOpen, "cuda:0");
  const Backend backend = torch_backend(device);
  const auto context = backend.make_context(backend, pool_);
  const int64_t begin = backend.mark(*context);
  backend.mark(*context);
  backend.seconds_between(*context, begin, backend.mark(*context));
  EXPECT_EQ(fake::state().live_marks, 1);
  backend.forget_marks(*context);
  EXPECT_EQ(fake::state().live_marks, 0);
}

TEST_F(TorchBackend, OnlyAGpuPinsMemory) {
  OpenedDevice gpu(fake::api(), kOpen, "cuda:0");
  EXPECT_TRUE(torch_backend(gpu).traits.pins_memory);
  EXPECT_EQ(torch_backend(gpu).traits.own_host_bytes, int64_t{64} << 20);
  QkOpen options = kOpen;
  options.kind = "cpu";
  OpenedDevice host(fake::api(), options, "torch:cpu");
  EXPECT_FALSE(torch_backend(host).traits.pins_memory);
  EXPECT_EQ(torch_backend(host).traits.own_host_bytes, 0);
  fake::state().settings.memory = 0;
  const auto context = torch_backend(host).make_context(torch_backend(host), pool_);
  const std::string said =
      error_of([&] { torch_backend(host).alloc(*context, Memory::kDevice, 64); });
  EXPECT_EQ(said.find("torch:cpu: out of memory"), 0) << said;
  EXPECT_EQ(said.find("--vram"), std::string::npos) << said;
}

// A weight is brought when it is used, given back when it is dropped, and brought again.
TEST_F(TorchBackend, DroppedWeightsGiveTheirMemoryBackAndCanBeUsedAgain) {
  OpenedDevice device(fake::api(), kOpen, "cuda:0");
  const Backend backend = torch_backend(device);
  const auto context = backend.make_context(backend, pool_);
  const auto used = [&] {
    int64_t free_bytes = 0, total = 0;
    device.check(device.api().memory(device.handle(), &free_bytes, &total));
    return total - free_bytes;
  };
  const TestFolder folder;
  const std::vector<float> stored = {1, 2, 3, 4, 5, 6};
  const MappedFile file(
      folder.write("weights", std::string(reinterpret_cast<const char*>(stored.data()), 24)));
  const WeightMatrix matrix = {
      .data = file.bytes().data(), .dtype = DType::kF32, .rows = 2, .cols = 3, .stride_bytes = 12};
  const BoundMatrix bound = backend.bind_weight(*context, matrix);
  EXPECT_EQ(bound.rows, 2);
  EXPECT_EQ(bound.cols, 3);
  EXPECT_EQ(used(), 0);
  // An absent matrix, as of a model without biases, is none to bring.
  const std::vector<BoundMatrix> all = {bound, {}};
  for (int round = 0; round < 2; ++round) {
    backend.prefetch_weights(*context, all);
    EXPECT_EQ(used(), 24);
    backend.drop_weights(*context, all);
    EXPECT_EQ(used(), 0);
  }
}

}  // namespace torch_backend_test
}  // namespace qk
