#include "ranks/probe.h"

#include <gtest/gtest.h>

#include "capture/test_devices.h"
#include "capture/test_run.h"

namespace qk {
namespace probe_test {

TEST(Probe, IsTheSameOnEveryRunOfAModel) {
  ThreadPool one(1), two(2);
  const std::string first = probe(test_run({"w1"}), RunOptions{}, one);
  EXPECT_EQ(first.size(), 16U);
  EXPECT_EQ(probe(test_run({"w2 w3"}), RunOptions{}, two), first);
}

TEST(Probe, EveryDeviceIsAsked) {
  ThreadPool pool(1);
  const PreparedRun run = test_run({"w1"});
  const std::string alone = probe(run, RunOptions{}, pool);
  const TestDevices devices("cuda:0,1", {kCpuBackend, kCpuBackend});
  RunOptions options;
  options.devices = &devices;
  EXPECT_EQ(probe(run, options, pool), alone + "/" + alone);
}

// A core that multiplies wrongly.
TEST(Probe, OtherValuesAreSeen) {
  ThreadPool pool(1);
  const PreparedRun run = test_run({"w1"});
  static Backend faulty = kCpuBackend;
  faulty.rms_norm = [](Context& context, ConstMatrix x, BoundVector weight, float eps,
                       NormKind kind, Matrix out) {
    kCpuBackend.rms_norm(context, x, weight, eps, kind, out);
    out.numbers()[63].data()[0] += 1e-3F;
  };
  const TestDevices devices("cuda:0", {faulty});
  RunOptions options;
  options.devices = &devices;
  EXPECT_NE(probe(run, options, pool), probe(run, RunOptions{}, pool));
}

}  // namespace probe_test
}  // namespace qk
