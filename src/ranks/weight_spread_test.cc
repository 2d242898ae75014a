// Six nodes, one of them with two ranks, each rank with files of its own.
#include "ranks/weight_spread.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <functional>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/thread_pool.h"
#include "capture/memory_plan.h"
#include "cluster/message.h"
#include "ranks/test_ranks.h"

namespace qk {
namespace weight_spread_test {

using testing::HasSubstr;
using testing::StartsWith;

class WeightSpreadTest : public testing::Test {
 protected:
  WeightSpreadTest() {
    ranks_.times.lost = 1;
    ranks_.warnings = &warnings_;
    ranks_.change = [](int rank, PreparedRun& run, RanksOptions& options) {
      options.host = "node" + std::to_string(std::min(rank, 5));
      options.node = "boot id " + std::to_string(std::min(rank, 5));
      options.run.stage.mode = StageMode::kRam;
      options.spread = true;
      options.spread_piece = 1000;
      if (rank > 0) spoil_weights(run.model);
    };
  }

  // call(number of the piece that rank 3 is to get, the network, the message)
  void watch_pieces(std::function<void(int, LocalNetwork&, std::string&)> call) {
    ranks_.watch = [this, call = std::move(call)](LocalNetwork& network) {
      network.set_hook([this, call, &network](int from, int to, std::string& bytes) {
        if (from != 0 || bytes.size() < 500) return true;
        if (decode(bytes, 0).type != MessageType::kTask) return true;
        if (to == 3) call(++num_pieces_, network, bytes);
        return true;
      });
    };
  }

  const TestFolder folder_;
  std::vector<std::string> warnings_;
  std::atomic<int> num_pieces_ = 0;
  TestRanks ranks_{.count = 7, .texts = some_texts(6), .out = folder_ / "data"};
};

TEST_F(WeightSpreadTest, OnlyRank0ReadsTheWeights) {
  watch_pieces([](int, LocalNetwork&, std::string&) {});
  const std::vector<RankEnd> ends = ranks_.run();
  for (const RankEnd& rank : ends) EXPECT_EQ(rank.error, "");
  const RunReport& report = ends[0].end.report;
  EXPECT_EQ(report.staged_on_others, 5);
  EXPECT_EQ(report.stage.mode, StageMode::kRam);
  EXPECT_EQ(num_pieces_, (report.staged_bytes + 999) / 1000) << "each piece is sent once";
  EXPECT_GT(num_pieces_, 20);
  EXPECT_EQ(files_in(ranks_.out), dataset_alone(ranks_.texts));
}

TEST_F(WeightSpreadTest, AByteThatChangesOnTheWayIsRefused) {
  watch_pieces([](int piece, LocalNetwork&, std::string& bytes) {
    if (piece == 7) bytes[300] = static_cast<char>(bytes[300] ^ 1);
  });
  const std::string error = ranks_.run()[0].error;
  EXPECT_THAT(error, StartsWith("node3 (rank 3): its copy of the weights"));
  EXPECT_THAT(error, HasSubstr("is not that of node0 (rank 0)"));
}

TEST_F(WeightSpreadTest, ANodeThatIsLostIsLeftOut) {
  watch_pieces([](int piece, LocalNetwork& network, std::string&) {
    if (piece == 7) network.drop(3);
  });
  const std::vector<RankEnd> ends = ranks_.run();
  EXPECT_EQ(ends[0].error, "");
  EXPECT_EQ(ends[0].end.report.staged_on_others, 4);
  EXPECT_EQ(files_in(ranks_.out), dataset_alone(ranks_.texts));
}

// One rank is slow: rank 0 does not read on without end.
TEST_F(WeightSpreadTest, AtMost16PiecesAreHeld) {
  std::atomic<int> num_sent = 0, num_done = 0, most = 0;
  ranks_.watch = [&](LocalNetwork& network) {
    network.delay(3, 0.02);
    network.set_hook([&](int from, int to, std::string& bytes) {
      if (from == 3 && decode(bytes, 3).type == MessageType::kResult) ++num_done;
      if (from != 0 || to != 1 || bytes.size() < 500) return true;
      if (decode(bytes, 0).type != MessageType::kTask) return true;
      most = std::max(most.load(), ++num_sent - num_done);
      return true;
    });
  };
  EXPECT_EQ(ranks_.run()[0].error, "");
  EXPECT_GT(num_sent, 40);
  EXPECT_GT(most, 2);
  EXPECT_LE(most, 16);
}

FileSystemKind nfs(const std::filesystem::path& /*path*/) {
  return {.name = "NFS", .is_network = true, .is_one_server = true};
}

FileSystemKind lustre(const std::filesystem::path& /*path*/) {
  return {.name = "Lustre", .is_network = true};
}

// More than four nodes, one server, and weights that are staged.
TEST(ChooseSpread, WhenWeightsAreSent) {
  const TestFolder model;
  const PreparedRun run = test_run(some_texts(3), model.path());
  RunOptions options;
  options.stage.mode = StageMode::kRam;
  const MemoryPlan memory = plan_memory(run, options);
  ThreadPool pool(1);
  const RunContext context{
      .run = run, .options = options, .memory = memory, .pool = pool, .journal = {}};
  const std::vector<std::string> four = {"a", "b", "b", "c", "d", "a"},
                                 five = {"a", "b", "c", "d", "e"};
  EXPECT_TRUE(choose_spread(context, five, {}, nfs).has_value());
  EXPECT_FALSE(choose_spread(context, four, {}, nfs).has_value()) << "each node reads for itself";
  EXPECT_FALSE(choose_spread(context, five, {}, lustre).has_value()) << "many servers";
  EXPECT_FALSE(choose_spread(context, five, {}).has_value()) << "a local disk";
  options.stage.mode = StageMode::kOff;
  EXPECT_FALSE(choose_spread(context, five, {}, nfs).has_value());
}

TEST_F(WeightSpreadTest, PiecesMayBeLargerThanTheFiles) {
  const auto before = ranks_.change;
  ranks_.change = [&](int rank, PreparedRun& run, RanksOptions& options) {
    before(rank, run, options);
    options.spread_piece = 0;
  };
  EXPECT_EQ(ranks_.run()[0].error, "");  // pieces larger than the files
  const SpreadStage stage{.num_local_ranks = {2, 0, 1}, .file_bytes = {1, int64_t{1} << 40}};
  const SpreadStage same = decode_spread_stage(encode(stage));
  EXPECT_EQ(same.num_local_ranks, stage.num_local_ranks);
  EXPECT_EQ(same.file_bytes, stage.file_bytes);
  EXPECT_THROW(decode_spread_stage("short"), Error);
}

}  // namespace weight_spread_test
}  // namespace qk
