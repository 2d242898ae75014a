#include "ranks/run_over_ranks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <mutex>
#include <set>

#include "base/atomic_file.h"
#include "cluster/message.h"
#include "ranks/rank_stages.h"
#include "ranks/test_ranks.h"

namespace qk {
namespace run_over_ranks_test {

using testing::HasSubstr;

class RunOverRanks : public testing::Test {
 protected:
  const TestFolder folder_;
  const std::filesystem::path out_ = folder_ / "data";
};

TEST_F(RunOverRanks, GivesTheBytesOfOneProcess) {
  const std::vector<std::string> texts = some_texts(12);
  const auto alone = dataset_alone(texts);
  ASSERT_GT(alone.size(), 3U);
  for (const int count : {1, 2, 4}) {
    const std::filesystem::path out = folder_ / std::to_string(count);
    const std::vector<RankEnd> ends = TestRanks{.count = count, .texts = texts, .out = out}.run();
    for (const RankEnd& rank : ends) {
      EXPECT_EQ(rank.error, "");
      EXPECT_EQ(rank.end.exit_code, 0);
      EXPECT_TRUE(rank.end.all_left);
    }
    EXPECT_EQ(files_in(out), alone) << count << " ranks";
    EXPECT_EQ(ends[0].end.report.counts.num_documents, 12);
  }
}

// The other ranks of the node could not read theirs.
TEST_F(RunOverRanks, WeightsAreReadOnceANode) {
  const TestFolder disk;
  const auto alone = dataset_alone(some_texts(6));
  for (const StageMode mode : {StageMode::kRam, StageMode::kFolder}) {
    TestRanks ranks{.count = 3, .texts = some_texts(6), .out = out_ / std::to_string(int(mode))};
    ranks.change = [&](int rank, PreparedRun& run, RanksOptions& options) {
      options.run.stage = {.mode = mode, .folder = disk.path()};
      if (rank > 0) spoil_weights(run.model);
    };
    const std::vector<RankEnd> ends = ranks.run();
    EXPECT_EQ(ends[0].error, "");
    EXPECT_EQ(ends[0].end.report.stage.mode, mode);
    EXPECT_GT(ends[0].end.report.staged_bytes, 0);
    EXPECT_EQ(files_in(ranks.out), alone);
    EXPECT_TRUE(std::filesystem::is_empty(disk.path()));
  }
}

TEST_F(RunOverRanks, Rank0ShowsAllPhasesAndConcludesWhileTheOthersWait) {
  TestRanks ranks{.count = 2, .texts = some_texts(40), .out = out_};
  std::set<Phase> phases;
  std::atomic<bool> has_concluded = false;
  std::atomic<int> left_before = 0;
  ranks.change = [&](int rank, PreparedRun& /*run*/, RanksOptions& options) {
    options.left = [&](bool all_left) {
      EXPECT_TRUE(all_left);
      if (!has_concluded) ++left_before;
    };
    if (rank != 0) {
      options.progress = [rank](const RanksProgress&) { ADD_FAILURE() << "shown by " << rank; };
      return;
    }
    options.progress = [&](const RanksProgress& progress) {
      phases.insert(progress.run.phase);
      EXPECT_EQ(progress.num_ranks, 2);
    };
    options.conclude = [&](const RunReport& report) {
      EXPECT_EQ(report.counts.num_documents, 40);
      EXPECT_TRUE(std::filesystem::exists(out_ / "README.md"));
      has_concluded = true;
      return 7;
    };
  };
  const std::vector<RankEnd> ends = ranks.run();
  EXPECT_EQ(ends[0].end.exit_code, 7);
  EXPECT_TRUE(has_concluded);
  EXPECT_EQ(left_before, 0);
  EXPECT_TRUE(phases.contains(Phase::kCapture));
}

TEST_F(RunOverRanks, OverwriteReplacesADataset) {
  TestRanks ranks{.count = 2, .texts = some_texts(5), .out = out_};
  ranks.run();
  EXPECT_THAT(ranks.run()[0].error, HasSubstr("--overwrite"));
  ranks.texts = some_texts(9);
  ranks.change = [](int /*rank*/, PreparedRun& /*run*/, RanksOptions& options) {
    options.run.overwrite = true;
  };
  EXPECT_EQ(ranks.run()[0].error, "");
  EXPECT_EQ(files_in(out_), dataset_alone(ranks.texts));
}

void put(const std::filesystem::path& path) {
  std::filesystem::create_directories(path.parent_path());
  write_file(path, "some");
}

// A dataset with a head that the new one has not, and a table of documents, of which it has none.
void put_older_dataset(const std::filesystem::path& folder) {
  TestRanks{.texts = some_texts(5), .out = folder}.run();
  put(folder / "l77h00q/data.parquet");
}

void overwrite_in_reference_format(int rank, PreparedRun& run, RanksOptions& options) {
  if (rank != 0) options.run.time_limit = nullptr;
  run.config.compat_reference = true;
  options.run.overwrite = !options.run.resume;
}

TEST_F(RunOverRanks, OverwriteThatStopsBeforeTheFirstDocumentIsResumed) {
  TestRanks ranks{.texts = some_texts(9), .out = folder_ / "at once"};
  ranks.change = overwrite_in_reference_format;
  put_older_dataset(ranks.out);
  ASSERT_EQ(ranks.run()[0].error, "");
  const auto expected = files_in(ranks.out);
  EXPECT_FALSE(expected.contains("l77h00q/data.parquet"));
  EXPECT_FALSE(expected.contains("documents.parquet"));

  ranks.out = out_;
  put_older_dataset(out_);
  for (const bool resumes : {false, true}) {  // stopped twice
    double now = 0;
    TimeLimit limit(1000, [&] { return now; });
    now = 999.5;
    ranks.limit = &limit;
    ranks.resume = resumes;
    const std::vector<RankEnd> ends = ranks.run();
    EXPECT_EQ(ends[0].error, "");
    ASSERT_TRUE(ends[0].end.report.stopped);
    ASSERT_EQ(ends[0].end.report.counts.num_documents, 0);
    EXPECT_FALSE(ends[0].end.report.must_overwrite);  // a journal says it
  }
  ranks.limit = nullptr;
  const std::vector<RankEnd> ends = ranks.run();
  EXPECT_EQ(ends[0].error, "");
  EXPECT_FALSE(ends[0].end.report.was_whole);
  EXPECT_EQ(files_in(out_), expected);
}

TEST_F(RunOverRanks, OverwriteThatStopsBeforeItsJournalLeavesAllAsItWas) {
  put_older_dataset(out_);
  put(out_ / ".qkscope/journal");
  const auto before = files_in(out_);
  std::atomic<bool> stop = false;
  TestRanks ranks{.texts = some_texts(9), .out = out_, .stop = &stop};
  ranks.change = overwrite_in_reference_format;
  ranks.watch = [&](LocalNetwork& network) {
    network.set_hook([&](int from, int to, const std::string& bytes) {
      const Message message = decode(bytes, from);
      if (to == 1 && message.type == MessageType::kStage) stop = true;  // the first one
      return true;
    });
  };
  const std::vector<RankEnd> ends = ranks.run();
  EXPECT_EQ(ends[0].end.exit_code, 75) << ends[0].error;
  EXPECT_EQ(files_in(out_), before);
  EXPECT_TRUE(ends[0].end.report.must_overwrite);
}

TEST_F(RunOverRanks, WhatAKilledRank0HasLeftGoes) {
  const TestRanks ranks{.texts = some_texts(5), .out = out_};
  put(out_ / ".qkscope/ranks.dead");
  EXPECT_EQ(ranks.run()[0].error, "");
  EXPECT_EQ(files_in(out_), dataset_alone(ranks.texts));
}

// Of many nodes only some write, and hear of what there is to write.
TEST_F(RunOverRanks, SixteenNodesWriteTheFiles) {
  TestRanks ranks{.count = 17, .texts = some_texts(5), .out = out_};
  ranks.times.lost = 60;
  ranks.change = [](int rank, PreparedRun& /*run*/, RanksOptions& options) {
    options.host = fmt::format("node{}", rank);
  };
  std::mutex mutex;
  std::map<StageKind, std::set<int>> hear;
  ranks.watch = [&](LocalNetwork& network) {
    network.set_hook([&](int from, int to, const std::string& bytes) {
      const Message message = decode(bytes, from);
      if (message.type != MessageType::kStage) return true;
      std::string_view body;
      const std::lock_guard lock(mutex);
      hear[stage_kind(message.text, body)].insert(to);
      return true;
    });
  };
  const std::vector<RankEnd> ends = ranks.run();
  EXPECT_EQ(ends[0].error, "");
  EXPECT_EQ(hear[StageKind::kOwn].size(), 16U);  // all but rank 0, which hears it otherwise
  EXPECT_EQ(hear[StageKind::kWrite].size(), 15U);
  EXPECT_FALSE(hear[StageKind::kWrite].contains(16));
  EXPECT_EQ(files_in(out_), dataset_alone(ranks.texts));
}

// More ranks than documents.
TEST_F(RunOverRanks, SomeRanksMayHaveNothingToDo) {
  const TestRanks ranks{.count = 4, .texts = {"w1 w2", "w3"}, .out = out_};
  EXPECT_EQ(ranks.run()[0].error, "");
  EXPECT_EQ(files_in(out_), dataset_alone(ranks.texts));
}

TEST_F(RunOverRanks, AnEmptyCorpusIsRefusedAsByOneProcess) {
  const TestRanks ranks{.count = 2, .texts = {}, .out = out_};
  EXPECT_THAT(ranks.run()[0].error, HasSubstr("holds no document"));
}

}  // namespace run_over_ranks_test
}  // namespace qk
