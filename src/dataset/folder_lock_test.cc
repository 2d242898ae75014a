#include "dataset/folder_lock.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "base/stopped.h"
#include "dataset/overwrite.h"
#include "dataset/test_owners.h"
#include "journal/test_blocks.h"

namespace qk {
namespace folder_lock_test {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

// Nobody is awaited.
std::string start_alone(const fs::path& folder) {
  return error_of([&] { const FolderLock lock(folder, Sharing::kAlone, {.seconds = 0}); });
}

std::string start_shard(const fs::path& folder) {
  return error_of([&] { const FolderLock lock(folder, Sharing::kShared, {.seconds = 0}); });
}

TEST(FolderLock, ShardsShareItAndExcludeAllOthers) {
  const TestFolder folder;
  const std::string refused = folder.path().string() + ": another run is writing into this folder";
  {
    const FolderLock first(folder.path(), Sharing::kShared);
    {
      const FolderLock second(folder.path(), Sharing::kShared);
      EXPECT_NE(first.token(), second.token());
      EXPECT_EQ(start_alone(folder.path()), refused);
    }
    EXPECT_EQ(start_alone(folder.path()), refused) << "the first one holds it still";
  }
  EXPECT_TRUE(fs::is_empty(folder.path()));
  {
    const FolderLock alone(folder.path());
    EXPECT_EQ(start_shard(folder.path()), refused);
    EXPECT_TRUE(fs::exists(folder / ".qkscope" / ("owner." + alone.token())));
  }
  EXPECT_TRUE(fs::is_empty(folder.path()));
}

TEST(FolderLock, ShardsThatComeAndGoDoNotDisturbEachOther) {
  const TestFolder folder;
  std::vector<std::string> errors(4);
  std::vector<std::thread> threads;
  for (std::string& error : errors) {
    threads.emplace_back([&] {
      for (int i = 0; i < 25 && error.empty(); ++i) error = start_shard(folder.path());
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const std::string& error : errors) EXPECT_EQ(error, "");
  EXPECT_EQ(start_alone(folder.path()), "");
}

// As another node sees it, to which flock says nothing.
TEST(FolderLock, OwnerOnAnotherHostIsRefusedWhileItGivesSignsOfLife) {
  const TestFolder folder;
  const fs::path owner = write_owner(folder.path(), {.host = "node17", .pid = 4711, .job = "812"});
  age_file(owner, 50);
  EXPECT_THAT(start_alone(folder.path()),
              HasSubstr(": another run is writing into this folder: process 4711 on node17, "
                        "job 812"));
  EXPECT_NE(start_shard(folder.path()), "");
  EXPECT_TRUE(fs::exists(owner));
  EXPECT_FALSE(fs::exists(folder / ".qkscope/lock"));
  age_file(owner, 61);
  EXPECT_EQ(start_alone(folder.path()), "");
  EXPECT_FALSE(fs::exists(owner)) << "of a dead run";
}

// Killed: it lies there as if it lived, until it has been silent for a minute.
TEST(FolderLock, SilentOwnerOnAnotherHostIsAwaited) {
  for (const Sharing sharing : {Sharing::kAlone, Sharing::kShared}) {
    const TestFolder folder;
    const fs::path owner = write_owner(folder.path(), {.host = "node17", .job = "812"});
    age_file(owner, 56);
    std::vector<std::string> warnings;
    const FolderLock lock(folder.path(), sharing,
                          {.look_seconds = 0.02, .warn = [&](const std::string& sentence) {
                             warnings.push_back(sentence);
                           }});
    EXPECT_EQ(warnings, std::vector{fmt::format(
                            "{}: process {} on node17, job 812 was writing into this folder and "
                            "may have ended: waiting for a sign of life, 60 s at most",
                            folder.path().string(), ::getpid())});
  }
}

TEST(FolderLock, OwnerWhoseClockIsAheadIsAwaitedNoLonger) {
  const TestFolder folder;
  const fs::path owner = write_owner(folder.path(), {.host = "node17"});
  age_file(owner, -1000);
  EXPECT_EQ(error_of([&] {
              const FolderLock lock(folder.path(), Sharing::kAlone,
                                    {.seconds = 0.1, .look_seconds = 0.02});
            }),
            "");
}

TEST(FolderLock, OwnerOnAnotherHostThatGivesASignOfLifeIsRefused) {
  const TestFolder folder;
  const fs::path owner = write_owner(folder.path(), {.host = "node17"});
  age_file(owner, 50);
  int num_looks = 0;
  const auto touch = [&] {
    if (++num_looks == 3) age_file(owner, 0);
  };
  EXPECT_THAT(error_of([&] {
                const FolderLock lock(folder.path(), Sharing::kAlone,
                                      {.seconds = 5, .look_seconds = 0.02, .check = touch});
              }),
              HasSubstr("another run is writing into this folder: process "));
  EXPECT_EQ(num_looks, 3);
  EXPECT_TRUE(fs::exists(owner)) << "of another run";
}

// It finds the file of this start, and refuses itself.
TEST(FolderLock, OwnerThatCameLaterIsNotAwaited) {
  const TestFolder folder;
  const fs::path owner = write_owner(folder.path(), {.host = "node17"});
  int num_looks = 0;
  EXPECT_EQ(error_of([&] {
              const FolderLock lock(folder.path(), Sharing::kAlone,
                                    {.seconds = 5, .look_seconds = 0.02, .check = [&] {
                                       if (++num_looks == 2)
                                         write_owner(folder.path(),
                                                     {.token = "x", .host = "node18"});
                                       if (num_looks == 4) fs::remove(owner);
                                     }});
            }),
            "");
  EXPECT_EQ(num_looks, 4);
}

TEST(FolderLock, AWaitCanBeStopped) {
  const TestFolder folder;
  const fs::path owner = write_owner(folder.path(), {.host = "node17"});
  std::atomic<bool> stop = true;
  const OwnerWait wait{.check = [&] { refuse_stopped(&stop); }};
  EXPECT_THROW(FolderLock(folder.path(), Sharing::kAlone, wait), Stopped);
  EXPECT_FALSE(fs::exists(folder / ".qkscope/lock"));
  EXPECT_TRUE(fs::exists(owner));
}

TEST(FolderLock, ShardOnAnotherHostExcludesOnlyThoseWhoWantToBeAlone) {
  const TestFolder folder;
  write_owner(folder.path(), {.host = "node17", .is_alone = false});
  EXPECT_EQ(start_shard(folder.path()), "");
  EXPECT_THAT(start_alone(folder.path()), HasSubstr("node17"));
}

TEST(FolderLock, DeadProcessOfThisHostIsTakenOverAtOnce) {
  const TestFolder folder;
  const fs::path owner = write_owner(folder.path(), {.pid = dead_pid()});
  EXPECT_EQ(start_alone(folder.path()), "");
  EXPECT_FALSE(fs::exists(owner));
  write_owner(folder.path(), {.pid = ::getpid()});
  EXPECT_THAT(start_alone(folder.path()), HasSubstr("another run")) << "it lives";
  // Another process has got its number.
  write_owner(folder.path(), {.start_ticks = this_owner(true).start_ticks + 1});
  EXPECT_EQ(start_alone(folder.path()), "");
}

// A number says nothing about a process of another container, or before the last boot of a host
// whose name others may have too.
TEST(FolderLock, NumbersOfOtherPlacesMeanNothing) {
  const TestFolder folder;
  for (const OtherOwner& owner : {OtherOwner{.boot_id = "another", .pid = dead_pid()},
                                  OtherOwner{.pid_space = "pid:[1]", .pid = dead_pid()},
                                  OtherOwner{.host = "node17", .pid = dead_pid()}}) {
    const fs::path path = write_owner(folder.path(), owner);
    EXPECT_THAT(start_alone(folder.path()), HasSubstr("another run"));
    fs::remove(path);
  }
}

TEST(FolderLock, LaterStartOfTheSameJobTakesOverAtOnce) {
  const TestFolder folder;
  const auto left_by = [&](const char* job, int restart) {
    write_owner(folder.path(), {.host = "node17", .job = job, .restart = restart});
  };
  const JobEnvironment job("812", "2");
  left_by("812", 1);
  EXPECT_EQ(start_alone(folder.path()), "");
  left_by("812", 2);
  EXPECT_NE(start_alone(folder.path()), "") << "the same start";
  left_by("813", 1);
  EXPECT_NE(start_alone(folder.path()), "") << "another job";
}

TEST(FolderLock, OwnerFileThatIsNotWholeYetCounts) {
  const TestFolder folder;
  fs::create_directories(folder / ".qkscope");
  put_file(folder / ".qkscope/owner.new", "{\"host\":");
  put_file(folder / ".qkscope/shard.new", "");
  EXPECT_THAT(start_shard(folder.path()), HasSubstr("has not said yet which it is"));
  age_file(folder / ".qkscope/owner.new", 61);
  EXPECT_EQ(start_shard(folder.path()), "");
}

// Its token says which process it was, and what it did not come to write.
TEST(FolderLock, OwnerThatWasKilledBeforeItWroteItsFileIsTakenOverAtOnce) {
  const TestFolder folder;
  const std::string host = this_owner(true).host;
  const auto start_beside = [&](const std::string& token) {
    fs::create_directories(folder / ".qkscope");
    const fs::path path = folder / ".qkscope" / ("owner." + token);
    put_file(path, "");
    const std::string error = start_alone(folder.path());
    fs::remove(path);
    return error;
  };
  const std::string dead = fmt::format("-{}-19aabbcc", dead_pid());
  EXPECT_EQ(start_beside(host + dead), "");
  EXPECT_EQ(start_beside("812.0." + host + dead), "");
  EXPECT_NE(start_beside(fmt::format("{}-{}-19aabbcc", host, ::getpid())), "") << "it lives";
  EXPECT_NE(start_beside("x" + host + dead), "") << "another host";
  EXPECT_NE(start_beside("812.0.node17" + dead), "") << "another host";
}

TEST(OwnerFile, IsTouchedAndGoes) {
  const TestFolder folder;
  fs::create_directories(folder / ".qkscope");
  const fs::path path = folder / ".qkscope/owner.me";
  {
    const OwnerFile owner(folder.path(), "me", true, 0.01);
    age_file(path, 1000);
    const auto before = fs::last_write_time(path);
    for (int i = 0; i < 1000 && fs::last_write_time(path) == before; ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    EXPECT_GT(fs::last_write_time(path), before);
    EXPECT_THAT(error_of([&] { OwnerFile(folder.path(), "me", true); }), HasSubstr("File exists"));
  }
  EXPECT_FALSE(fs::exists(path));
}

TEST(StartToken, IsOneOfManyAndSaysWhose) {
  const std::string token = start_token();
  EXPECT_TRUE(is_start_token(token)) << token;
  EXPECT_NE(token, start_token());
  EXPECT_THAT(token, HasSubstr("-" + std::to_string(::getpid()) + "-"));
  const JobEnvironment job("81[2]/x", "3");
  EXPECT_TRUE(start_token().starts_with("81_2__x.3.")) << start_token();
  EXPECT_FALSE(is_start_token(""));
  EXPECT_FALSE(is_start_token("a/b"));
  EXPECT_TRUE(has_token("a.1", "a"));
  EXPECT_TRUE(has_token("a", "a"));
  EXPECT_FALSE(has_token("ab", "a"));
}

}  // namespace folder_lock_test
}  // namespace qk
