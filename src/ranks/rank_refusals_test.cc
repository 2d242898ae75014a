// What rank 0 refuses before any work: ranks that differ, folders that are not shared.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "base/stopped.h"
#include "base/test_error.h"
#include "capture/test_devices.h"
#include "ranks/test_rank_faults.h"

namespace qk {
namespace rank_refusals_test {

using testing::HasSubstr;
using testing::StartsWith;

class RankRefusals : public RankFaults {};

TEST_F(RankRefusals, AFolderThatIsNotSharedIsRefused) {
  TestRanks ranks = this->ranks(2);
  ranks.see_seconds = 0.3;
  ranks.change = [&](int rank, PreparedRun& run, RanksOptions& /*options*/) {
    if (rank == 1) run.config.output.data_root = (folder_ / "other").string();
  };
  const std::vector<RankEnd> ends = ranks.run();
  const std::string host = room_here().host;
  EXPECT_EQ(
      ends[0].error,
      fmt::format("{0} (rank 1) does not see what {0} (rank 0) wrote: is {1} the same folder on "
                  "both?",
                  host, out_.string()));
  EXPECT_EQ(ends[1].error, "");
}

TEST_F(RankRefusals, AnotherConfigurationIsRefused) {
  TestRanks ranks = this->ranks(2);
  ranks.change = [&](int rank, PreparedRun& run, RanksOptions& /*options*/) {
    if (rank == 1) run.config.capture.min_bucket_size = 8;
  };
  EXPECT_THAT(ranks.run()[0].error, HasSubstr("capture.min_bucket_size is 8 there and 128 here"));
}

// Changes the last byte of the weights of rank 1.
void change_weights(TestRanks& ranks, StageMode mode) {
  ranks.change = [mode](int rank, PreparedRun& run, RanksOptions& options) {
    options.run.stage.mode = mode;
    if (rank != 1) return;
    const std::filesystem::path path = run.model.files[0]->path();
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(-1, std::ios::end);
    file.put('\x3f');
  };
}

// The same size, and what the probe computes does not depend on it.
TEST_F(RankRefusals, OtherWeightsOfTheSameSizeAreRefused) {
  TestRanks ranks = this->ranks(3);
  change_weights(ranks, StageMode::kOff);
  const std::string host = room_here().host;
  EXPECT_THAT(ranks.run()[0].error,
              StartsWith(fmt::format("{0} (rank 1) reads another model.safetensors than {0} "
                                     "(rank 0): its SHA-256 is ",
                                     host)));
  EXPECT_FALSE(has_dataset());
}

// A neighbour computes with what rank 0 has staged, whatever its own file holds.
TEST_F(RankRefusals, OtherWeightsOfANeighbourAreNotRead) {
  TestRanks ranks = this->ranks(3);
  change_weights(ranks, StageMode::kRam);
  EXPECT_EQ(ranks.run()[0].error, "");
  EXPECT_EQ(files_in(out_), dataset_alone(ranks.texts));
}

// A core that adds wrongly.
Backend faulty_backend() {
  Backend out = kCpuBackend;
  out.rms_norm = [](Context& context, ConstMatrix x, BoundVector weight, float eps, NormKind kind,
                    Matrix y) {
    kCpuBackend.rms_norm(context, x, weight, eps, kind, y);
    y.numbers()[0].data()[0] += 1e-3F;
  };
  return out;
}

TEST_F(RankRefusals, ARankThatComputesOtherValuesIsRefused) {
  TestRanks ranks = this->ranks(3);
  static const Backend kFaulty = faulty_backend();
  const TestDevices faulty("cpu", {kFaulty});
  for (const int faulty_rank : {0, 2}) {
    ranks.change = [&](int rank, PreparedRun& /*run*/, RanksOptions& options) {
      if (rank == faulty_rank) options.run.devices = &faulty;
    };
    const std::string host = room_here().host;
    EXPECT_EQ(
        ranks.run()[0].error,
        fmt::format("{0} (rank {1}) computes other values than {0} (rank {2}): broken hardware?",
                    host, faulty_rank, faulty_rank == 0 ? 1 : 0));
  }
}

TEST_F(RankRefusals, ARankWhoseRunCannotBePreparedSaysWhy) {
  LocalNetwork network(2);
  std::string error;
  std::thread rank1([&] {
    RanksOptions options;
    options.times = TestRanks().times;
    EXPECT_EQ(
        refuse_over_ranks("model.name: x is not there", options, *network.transport(1)).exit_code,
        0);
  });
  const TestFolder model;
  PreparedRun run = test_run(texts_, model.path());
  run.config.output.data_root = out_.string();
  RanksOptions options;
  options.times = TestRanks().times;
  error = error_of([&] { run_over_ranks(run, options, *network.transport(0)); });
  rank1.join();
  EXPECT_EQ(error, room_here().host + " (rank 1): model.name: x is not there");
  EXPECT_FALSE(std::filesystem::exists(out_));
}

}  // namespace rank_refusals_test
}  // namespace qk
