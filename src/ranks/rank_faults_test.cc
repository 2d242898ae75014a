// A run over ranks that does not go as it should: ranks that die, stops, limits, faults.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <mutex>
#include <set>

#include "base/monotonic_clock.h"
#include "base/stopped.h"
#include "base/test_error.h"
#include "capture/test_devices.h"
#include "cluster/message.h"
#include "dataset/journal_files.h"
#include "dataset/test_owners.h"
#include "journal/journal.h"
#include "ranks/documents_in_time.h"
#include "ranks/rank_stages.h"
#include "ranks/test_rank_faults.h"

namespace qk {
namespace rank_faults_test {

using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

// Whether it is a message from rank 0 that begins a stage of this kind.
bool begins(const std::string& bytes, StageKind kind) {
  const Message message = decode(bytes, 0);
  std::string_view body;
  return message.type == MessageType::kStage && stage_kind(message.text, body) == kind;
}

// Rank 2 dies when it would hear of this stage, or of its first task.
class DiesInStage : public RankFaults, public testing::WithParamInterface<StageKind> {};

TEST_P(DiesInStage, TheOthersFinish) {
  TestRanks ranks = this->ranks(3);
  ranks.times.lost = 1;
  std::vector<std::string> warnings;
  ranks.warnings = &warnings;
  std::atomic<bool> is_dead = false;
  ranks.watch = [&](LocalNetwork& network) {
    network.set_hook([&](int from, int to, const std::string& bytes) {
      if (from == 0 && to == 2 && begins(bytes, GetParam())) {
        is_dead = true;
        network.drop(2);
      }
      return true;
    });
  };
  const std::vector<RankEnd> ends = ranks.run();
  ASSERT_TRUE(is_dead);
  EXPECT_EQ(ends[0].error, "") << ends_text(ends);
  EXPECT_EQ(ends[0].end.exit_code, 0);
  EXPECT_FALSE(ends[0].end.all_left);
  EXPECT_EQ(ends[1].end.exit_code, 0);
  EXPECT_EQ(ends[2].end.exit_code, 75);
  EXPECT_FALSE(warnings.empty());
  auto files = files_in(out_);
  std::erase_if(files, [](const auto& file) { return file.first.starts_with(".qkscope/"); });
  EXPECT_EQ(files, dataset_alone(texts_));
}

INSTANTIATE_TEST_SUITE_P(RankFaults, DiesInStage,
                         testing::Values(StageKind::kAgree, StageKind::kDigest,
                                         StageKind::kDocuments, StageKind::kOwn,
                                         StageKind::kWrite));

// A rank is not heard of while the ranks are compared, and comes back when documents are dealt.
class ComesBackAfter : public RankFaults, public testing::WithParamInterface<StageKind> {};

TEST_P(ComesBackAfter, ItGetsNoDocuments) {
  TestRanks ranks = this->ranks(3);
  ranks.times.lost = 1;
  ranks.texts = some_texts(60);
  std::vector<std::string> warnings;
  ranks.warnings = &warnings;
  std::atomic<bool> is_silent = false;
  std::atomic<int> heard_of = 0;
  ranks.watch = [&](LocalNetwork& network) {
    network.set_hook([&](int from, int to, const std::string& bytes) {
      if (from == 0 && to == 2 && begins(bytes, GetParam())) is_silent = true;
      if (from == 0 && to == 1 && begins(bytes, StageKind::kDocuments)) is_silent = false;
      if (from == 0 && to == 2 && begins(bytes, StageKind::kDocuments)) ++heard_of;
      return from != 2 || !is_silent;
    });
  };
  const std::vector<RankEnd> ends = ranks.run();
  EXPECT_EQ(ends[0].error, "") << ends_text(ends);
  EXPECT_EQ(heard_of, 0);
  EXPECT_EQ(ends[2].end.exit_code, 0) << ends_text(ends);
  EXPECT_THAT(warnings, AllOf(Contains(HasSubstr("(rank 2): takes no part")),
                              Contains(HasSubstr("(rank 2): heard of again"))));
  EXPECT_EQ(files_in(out_), dataset_alone(ranks.texts));
}

INSTANTIATE_TEST_SUITE_P(RankFaults, ComesBackAfter,
                         testing::Values(StageKind::kAgree, StageKind::kProbe));

// A rank that is cut off goes on computing: what it has is also computed by others, and counts once.
TEST_F(RankFaults, EqualDocumentsOfTwoJournalsCountOnce) {
  TestRanks ranks = this->ranks(2);
  ranks.times.lost = 1;
  ranks.texts = some_texts(60);
  std::atomic<bool> has_begun = false;
  std::atomic<int> results = 0;
  ranks.watch = [&](LocalNetwork& network) {
    network.set_hook([&](int from, int /*to*/, const std::string& bytes) {
      if (begins(bytes, StageKind::kDocuments)) has_begun = true;
      if (from != 1 || !has_begun || decode(bytes, 1).type != MessageType::kResult) return true;
      if (++results == 3) network.drop(1);
      return results < 3;
    });
  };
  const std::vector<RankEnd> ends = ranks.run();
  EXPECT_EQ(ends[0].error, "") << ends_text(ends);
  EXPECT_EQ(ends[0].end.report.counts.num_documents, 60);
  auto files = files_in(out_);
  std::erase_if(files, [](const auto& file) { return file.first.starts_with(".qkscope/"); });
  EXPECT_EQ(files, dataset_alone(ranks.texts));
}

// With documents in its journal that no other rank has.
TEST_F(RankFaults, AJournalOfADeadRankIsRead) {
  TestRanks ranks = this->ranks(2);
  ranks.times.lost = 1;
  ranks.watch = [&](LocalNetwork& network) {
    network.set_hook([&](int from, int to, const std::string& bytes) {
      if (from == 0 && to == 1 && begins(bytes, StageKind::kOwn)) network.drop(1);
      return true;
    });
  };
  const std::vector<RankEnd> ends = ranks.run();
  EXPECT_EQ(ends[0].error, "") << ends_text(ends);
  EXPECT_TRUE(has_dataset());
}

// Rank 0 dies: the others end with what they have, and the next start goes on from there.
TEST_F(RankFaults, WithoutRank0TheOthersStop) {
  TestRanks ranks = this->ranks(3);
  ranks.times.lost = 1;
  std::atomic<int> results = 0;
  ranks.watch = [&](LocalNetwork& network) {
    network.set_hook([&](int from, int to, const std::string& bytes) {
      if (from == 1 && to == 0 && decode(bytes, 1).type == MessageType::kResult && ++results == 4) {
        network.drop(0);
      }
      return true;
    });
  };
  const std::vector<RankEnd> ends = ranks.run();
  EXPECT_EQ(ends[1].end.exit_code, 75) << ends_text(ends);
  EXPECT_EQ(ends[2].end.exit_code, 75);
  EXPECT_THAT(ends[1].end.sentence, HasSubstr("rank 0: not heard of"));
}

// Rank 0 dies before a journal says that a dataset is replaced.
TEST_F(RankFaults, WithoutRank0AndWithoutAJournalOnlyOverwriteBegins) {
  TestRanks ranks = this->ranks(2);
  ranks.times.lost = 3;
  ranks.change = [](int /*rank*/, PreparedRun& /*run*/, RanksOptions& options) {
    options.run.overwrite = true;
  };
  for (const StageKind kind : {StageKind::kAgree, StageKind::kOwn}) {
    ranks.watch = [&](LocalNetwork& network) {
      network.set_hook([&](int from, int to, const std::string& bytes) {
        if (from == 0 && to == 1 && begins(bytes, kind)) network.drop(0);
        return true;
      });
    };
    const std::vector<RankEnd> ends = ranks.run();
    EXPECT_EQ(ends[1].end.exit_code, 75) << ends_text(ends);
    EXPECT_EQ(ends[1].end.report.must_overwrite, kind == StageKind::kAgree);
  }
}

TEST_F(RankFaults, AStopOfOneRankStopsAllAndAnyNumberGoesOn) {
  std::atomic<bool> stop = false, has_begun = false;
  TestRanks ranks = this->ranks(4);
  std::atomic<int> results = 0;
  ranks.change = [&](int rank, PreparedRun& /*run*/, RanksOptions& options) {
    if (rank == 2) options.run.stop = &stop;
  };
  ranks.watch = [&](LocalNetwork& network) {
    network.set_hook([&](int /*from*/, int /*to*/, const std::string& bytes) {
      if (begins(bytes, StageKind::kDocuments)) has_begun = true;
      if (has_begun && decode(bytes, 0).type == MessageType::kResult && ++results == 2) stop = true;
      return true;
    });
  };
  const std::vector<RankEnd> ends = ranks.run();
  for (const RankEnd& rank : ends) EXPECT_EQ(rank.end.exit_code, 75) << ends_text(ends);
  EXPECT_TRUE(ends[0].end.report.stopped);
  EXPECT_FALSE(has_dataset());
  EXPECT_FALSE(journal_paths(out_).empty());

  TestRanks again = this->ranks(3);
  EXPECT_THAT(again.run()[0].error, HasSubstr("--resume"));  // refused without it
  again.resume = true;
  const std::vector<RankEnd> resumed = again.run();
  EXPECT_EQ(resumed[0].end.exit_code, 0) << ends_text(resumed);
  EXPECT_EQ(files_in(out_), dataset_alone(texts_));
  const std::vector<RankEnd> whole = again.run();
  EXPECT_TRUE(whole[0].end.report.was_whole) << ends_text(whole);
  EXPECT_EQ(whole[1].end.exit_code, 0);
}

// Stopped, then one process by itself.
TEST_F(RankFaults, ASingleProcessGoesOnFromRanks) {
  std::atomic<bool> stop = false, has_begun = false;
  TestRanks ranks = this->ranks(2);
  ranks.stop = &stop;
  ranks.watch = [&](LocalNetwork& network) {
    network.set_hook([&](int /*from*/, int /*to*/, const std::string& bytes) {
      if (begins(bytes, StageKind::kDocuments)) has_begun = true;
      if (has_begun && decode(bytes, 0).type == MessageType::kResult) stop = true;
      return true;
    });
  };
  const std::vector<RankEnd> ends = ranks.run();
  EXPECT_EQ(ends[0].end.exit_code, 75) << ends_text(ends);
  const int64_t num_stopped = ends[0].end.report.counts.num_documents;
  const TestFolder model;
  PreparedRun run = test_run(texts_, model.path());
  run.config.output.data_root = out_.string();
  RunOptions options;
  options.num_threads = 1;
  options.resume = true;
  const RunReport report = run_capture(run, options);
  EXPECT_TRUE(report.resumed);
  EXPECT_GE(report.counts.num_documents_before, num_stopped);
  EXPECT_EQ(files_in(out_), dataset_alone(texts_));
}

TEST_F(RankFaults, RanksGoOnFromASingleProcess) {
  const TestFolder model;
  PreparedRun run = test_run(texts_, model.path());
  run.config.output.data_root = out_.string();
  std::atomic<bool> stop = false;
  RunOptions options;
  options.num_threads = 1;
  options.stop = &stop;
  options.progress = [&](const RunProgress& progress) {
    if (progress.phase == Phase::kCapture && progress.done > 0) stop = true;
  };
  const RunReport stopped = run_capture(run, options);
  ASSERT_TRUE(stopped.stopped);
  const int64_t num_stopped = stopped.counts.num_documents;
  EXPECT_GT(num_stopped, 0);
  EXPECT_LT(num_stopped, std::ssize(texts_));
  TestRanks ranks = this->ranks(2);
  ranks.resume = true;
  const std::vector<RankEnd> ends = ranks.run();
  EXPECT_EQ(ends[0].end.exit_code, 0) << ends_text(ends);
  EXPECT_EQ(ends[0].end.report.counts.num_documents_before, num_stopped);
  EXPECT_EQ(files_in(out_), dataset_alone(texts_));
}

TEST_F(RankFaults, TheTimeLimitEndsTheRun) {
  double now = 0;
  TimeLimit limit(1000, [&] { return now; });
  TestRanks ranks = this->ranks(2);
  ranks.limit = &limit;
  ranks.change = [&](int rank, PreparedRun& /*run*/, RanksOptions& options) {
    if (rank != 0) options.run.time_limit = nullptr;
  };
  now = 999.5;  // from the beginning
  std::atomic<double> ends_at = 0;
  ranks.watch = [&](LocalNetwork& network) {
    network.set_hook([&](int /*from*/, int to, const std::string& bytes) {
      if (to != 1 || !begins(bytes, StageKind::kDocuments)) return true;
      const std::string text = decode(bytes, 0).text;
      ends_at = decode_documents_stage(std::string_view(text).substr(1)).ends_at;
      return true;
    });
  };
  const std::vector<RankEnd> ends = ranks.run();
  for (const RankEnd& rank : ends) EXPECT_EQ(rank.end.exit_code, 75) << ends_text(ends);
  EXPECT_THAT(ends[0].end.report.out_of_time, HasSubstr("time limit"));
  EXPECT_NEAR(ends_at, system_seconds(), 100);
  // A worker may just have made its journal: the next start removes it.
  for (const std::filesystem::path& path : journal_paths(out_)) {
    EXPECT_THAT(JournalReader(path).documents(), IsEmpty()) << path;
  }
}

// What the tasks of all ranks took is what rank 0 goes by.
TEST_F(RankFaults, TheTimeLimitKnowsWhatTasksTook) {
  TimeLimit limit(1e6);
  TestRanks ranks = this->ranks(2);
  ranks.change = [&](int rank, PreparedRun& /*run*/, RanksOptions& options) {
    if (rank == 0) options.run.time_limit = &limit;
  };
  const std::vector<RankEnd> ends = ranks.run();
  EXPECT_EQ(ends[0].end.exit_code, 0) << ends_text(ends);
  ASSERT_TRUE(limit.expected(10));
  EXPECT_GT(*limit.expected(10), 0);
}

TEST_F(RankFaults, ADocumentThatCannotBeReadIsSaidOnceAndTheRestKept) {
  TestRanks ranks = this->ranks(2);
  ranks.texts = some_texts(40);
  ranks.texts.emplace_back("damaged");
  const std::vector<RankEnd> ends = ranks.run();
  EXPECT_THAT(ends[0].error, StartsWith("text 40: is damaged"));
  EXPECT_EQ(ends[1].error, "");
  EXPECT_EQ(ends[1].end.exit_code, 0);
  EXPECT_FALSE(has_dataset());
}

Backend failing_backend() {
  Backend out = kCpuBackend;
  out.alloc = [](Context& /*context*/, Memory /*kind*/, int64_t /*bytes*/) -> void* {
    fail("the device fell off the bus");
  };
  return out;
}

TEST_F(RankFaults, AnErrorOfARankIsSaidByRank0) {
  TestRanks ranks = this->ranks(3);
  static const Backend kFailing = failing_backend();
  const TestDevices failing("cpu", {kFailing});
  ranks.change = [&](int rank, PreparedRun& /*run*/, RanksOptions& options) {
    if (rank == 2) options.run.devices = &failing;
  };
  const std::vector<RankEnd> ends = ranks.run();
  EXPECT_EQ(ends[0].error, room_here().host + " (rank 2): the device fell off the bus");
  EXPECT_EQ(ends[1].end.exit_code, 0);
  EXPECT_EQ(ends[2].end.exit_code, 0);
  EXPECT_EQ(ends[2].error, "");
}

// Longer than a rank may be silent.
TEST_F(RankFaults, AllWaitForAnOwnerOnAnotherNodeThatMayHaveBeenKilled) {
  TestRanks ranks = this->ranks(3);
  ranks.times.lost = 1;
  std::vector<std::string> warnings;
  ranks.warnings = &warnings;
  age_file(write_owner(out_, {.host = "node17", .job = "812"}), 54);
  const std::vector<RankEnd> ends = ranks.run();
  for (const RankEnd& rank : ends) EXPECT_EQ(rank.end.exit_code, 0) << ends_text(ends);
  EXPECT_THAT(warnings, ElementsAre(HasSubstr(" on node17, job 812 was writing into this folder")));
  EXPECT_EQ(files_in(out_), dataset_alone(texts_));
}

TEST_F(RankFaults, AStopOfAnyRankEndsThatWait) {
  TestRanks ranks = this->ranks(3);
  std::atomic<bool> stop = false;
  write_owner(out_, {.host = "node17"});
  ranks.change = [&](int rank, PreparedRun& /*run*/, RanksOptions& options) {
    if (rank == 0) options.run.warn = [&](const std::string& /*sentence*/) { stop = true; };
    if (rank == 2) options.run.stop = &stop;
  };
  const double begin = monotonic_seconds();
  const std::vector<RankEnd> ends = ranks.run();
  for (const RankEnd& rank : ends) EXPECT_EQ(rank.end.exit_code, 75) << ends_text(ends);
  EXPECT_TRUE(ends[0].end.report.stopped);
  EXPECT_LT(monotonic_seconds() - begin, 30);
}

TEST_F(RankFaults, AStopWhileARankIsPreparedStopsAll) {
  for (const int stopped : {0, 1}) {
    LocalNetwork network(2);
    RanksOptions options;
    options.times = TestRanks().times;
    std::thread prepared([&] {
      const TestFolder model;
      PreparedRun run = test_run(texts_, model.path());
      run.config.output.data_root = out_.string();
      RanksEnd end;
      EXPECT_EQ(
          error_of([&] { end = run_over_ranks(run, options, *network.transport(1 - stopped)); }),
          "");
      EXPECT_EQ(end.exit_code, 75);
      EXPECT_EQ(end.report.stopped, stopped == 1);
    });
    if (stopped == 0) {
      EXPECT_THROW(stop_over_ranks(options, *network.transport(0)), Stopped);
    } else {
      EXPECT_EQ(stop_over_ranks(options, *network.transport(1)).exit_code, 75);
    }
    prepared.join();
    EXPECT_FALSE(std::filesystem::exists(out_));
  }
}

}  // namespace rank_faults_test
}  // namespace qk
