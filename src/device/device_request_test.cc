#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/test_error.h"
#include "device/devices.h"

namespace qk {
namespace device_request_test {

using Kind = DeviceRequest::Kind;

TEST(DeviceRequest, EverySpelling) {
  struct Case {
    std::string text;
    Kind kind;
    std::vector<int> indexes = {};
    bool all = false;
  };
  const Case cases[] = {
      {"auto", Kind::kAuto},
      {"cpu", Kind::kCpu},
      {"torch:cpu", Kind::kTorchCpu},
      {"cuda", Kind::kCuda},
      {"cuda:0", Kind::kCuda, {0}},
      {"cuda:13", Kind::kCuda, {13}},
      {"cuda:0,1", Kind::kCuda, {0, 1}},
      {"cuda:3,0,2", Kind::kCuda, {3, 0, 2}},  // in the order in which they were named
      {"cuda:all", Kind::kCuda, {}, true},
  };
  for (const Case& expected : cases) {
    const DeviceRequest found = parse_device("--device", expected.text);
    EXPECT_EQ(found.kind, expected.kind) << expected.text;
    EXPECT_EQ(found.indexes, expected.indexes) << expected.text;
    EXPECT_EQ(found.all, expected.all) << expected.text;
  }
}

TEST(DeviceRequest, WhatIsNoneIsRefusedByNameAndPlace) {
  for (const std::string text : {"",
                                 " ",
                                 "gpu",
                                 "CUDA",
                                 "Auto",
                                 "cpu ",
                                 " cpu",
                                 "cpu:0",
                                 "torch",
                                 "torch:",
                                 "torch:cuda",
                                 "torch:cpu:0",
                                 "cuda:",
                                 "cuda:x",
                                 "cuda:-1",
                                 "cuda:+1",
                                 "cuda:1.0",
                                 "cuda:0x1",
                                 "cuda: 0",
                                 "cuda:0 ",
                                 "cuda:,",
                                 "cuda:,0",
                                 "cuda:0,",
                                 "cuda:0,,1",
                                 "cuda:0, 1",
                                 "cuda:0;1",
                                 "cuda:1-3",
                                 "cuda:all,1",
                                 "cuda:0,all",
                                 "cuda:ALL",
                                 "mps",
                                 "cuda:2147483648",
                                 "cuda:99999999999999999999",
                                 "auto,cpu",
                                 "cuda0"}) {
    const std::string said = error_of([&] { parse_device("model.device_map", text); });
    EXPECT_EQ(said,
              "model.device_map: expected auto, cpu, torch:cpu, cuda, cuda:N, cuda:N,M,... or "
              "cuda:all, found " +
                  text);
  }
}

TEST(DeviceRequest, ADeviceIsNamedOnce) {
  EXPECT_EQ(error_of([] { parse_device("--device", "cuda:1,0,1"); }),
            "--device: expected each device once, found cuda:1 twice in cuda:1,0,1");
  // The same number, spelled differently.
  EXPECT_EQ(error_of([] { parse_device("--device", "cuda:2,02"); }),
            "--device: expected each device once, found cuda:2 twice in cuda:2,02");
}

}  // namespace device_request_test
}  // namespace qk
