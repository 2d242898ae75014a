#include "staging/stage_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "base/hash.h"
#include "base/mapped_file.h"
#include "base/stopped.h"
#include "base/test_error.h"
#include "staging/stage_note.h"

namespace qk::stage_files_test {

namespace fs = std::filesystem;
using testing::HasSubstr;

constexpr size_t kPiece = size_t{16} << 20;

std::string random_text(size_t size) {
  std::string out(size, '\0');
  uint64_t state = 88172645463325252;
  for (char& byte : out) {
    state = state * 6364136223846793005 + 1442695040888963407;
    byte = static_cast<char>(state >> 56);
  }
  return out;
}

// Files of a model, and who stages them.
class StageFiles : public testing::Test {
 protected:
  void add(const std::string& name, const std::string& text, std::string sha256 = "") {
    const MappedFile file(folder_.write(name, text));
    files_.push_back({file.path(), file.stamp(), std::move(sha256)});
    texts_.push_back(text);
  }
  StagedFiles stage(const StagePlace& place, const NodeRanks& node = {}) {
    const auto source = pieces_of_files(files_);
    return stage_files(files_, place, *source, node, pool_, progress_, &stop_);
  }
  // As another process of the node, which hears `told`.
  StagedFiles take(const std::string& told) {
    return stage(ram_, {.local_rank = 1, .num_local_ranks = 2, .hear = [&] { return told; }});
  }
  // What the first process of the node tells the others.
  std::string told_by_first(const StagePlace& place) {
    std::string told;
    const auto tell = [&](const std::string& text) { told = text; };
    try {
      held_ = stage(place, {.local_rank = 0, .num_local_ranks = 2, .tell = tell});
    } catch (const std::exception& error) {
      thrown_ = error.what();
    }
    return told;
  }
  static std::string content(const StagedFile& file) {
    std::string out(static_cast<size_t>(file.bytes) + 1, '\0');  // would show a longer copy
    const ssize_t size = ::pread(file.fd.get(), out.data(), out.size(), 0);
    out.resize(static_cast<size_t>(std::max<ssize_t>(size, 0)));
    return out;
  }
  // Whether the copies are the files.
  void expect_copies(const StagedFiles& staged) const {
    ASSERT_EQ(staged.files.size(), texts_.size());
    for (size_t i = 0; i < texts_.size(); ++i) {
      EXPECT_EQ(staged.files[i].path, files_[i].path);
      EXPECT_TRUE(content(staged.files[i]) == texts_[i]);
    }
  }

  TestFolder folder_, disk_;
  StagePlace ram_{.mode = StageMode::kRam, .folder = {}, .reason = {}, .warning = {}};
  StagePlace on_disk_{
      .mode = StageMode::kFolder, .folder = disk_.path(), .reason = {}, .warning = {}};
  std::vector<WeightFile> files_;
  std::vector<std::string> texts_;
  StagedFiles held_;
  std::string thrown_;
  ThreadPool pool_{2};
  StageProgress progress_;
  std::atomic<bool> stop_ = false;
};

TEST_F(StageFiles, CopiesAndDigests) {
  add("small", "weights");
  add("none", "");
  add("exact", random_text(kPiece));
  add("large", random_text(2 * kPiece + 12345));
  add("known", "known", "a digest");
  std::vector<std::pair<int64_t, int64_t>> shown;
  progress_ = [&](int64_t done, int64_t total) { shown.emplace_back(done, total); };
  for (const StagePlace& place : {ram_, on_disk_}) {
    const StagedFiles staged = stage(place);
    expect_copies(staged);
    EXPECT_TRUE(fs::is_empty(disk_.path()));
    for (size_t i = 0; i < 4; ++i) {
      EXPECT_EQ(staged.files[i].sha256, sha256_file(files_[i].path));
    }
    EXPECT_EQ(staged.digests().at(files_[4].path), "a digest");
  }
  const auto total = static_cast<int64_t>(7 + 3 * kPiece + 12345 + 5);
  ASSERT_EQ(shown.size(), 12U);
  EXPECT_EQ(shown[0], std::pair(int64_t{7}, total));
  EXPECT_EQ(shown[5], std::pair(total, total));
}

TEST_F(StageFiles, ACopyInMemoryCannotBeWrittenTo) {
  add("small", "weights");
  const StagedFiles staged = stage(ram_);
  EXPECT_EQ(::pwrite(staged.files[0].fd.get(), "W", 1, 0), -1);
  EXPECT_EQ(::ftruncate(staged.files[0].fd.get(), 3), -1);
}

TEST_F(StageFiles, AnotherProcessOpensThem) {
  add("a", random_text(5000));
  add("b", "b");
  for (const StagePlace& place : {ram_, on_disk_}) {
    const std::string told = told_by_first(place);
    const pid_t child = ::fork();
    if (child == 0) {
      bool is_same = false;
      try {
        const StagedFiles taken = take(told);
        is_same = taken.warning.empty() && content(taken.files[0]) == texts_[0] &&
                  content(taken.files[1]) == texts_[1] && taken.digests() == held_.digests();
      } catch (...) {  // NOLINT(bugprone-empty-catch): is_same stays false
      }
      ::_exit(is_same ? 0 : 1);
    }
    int status = 1;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
  }
}

TEST_F(StageFiles, CopiesThatAreNotThere) {
  add("a", "text");
  const StageNote note = decode_stage_note(told_by_first(ram_));
  EXPECT_EQ(encode(note), encode(decode_stage_note(encode(note))));
  StageNote other = note;
  other.pid = 1 << 30;
  const StagedFiles taken = take(encode(other));
  EXPECT_EQ(
      taken.warning,
      "the staged weights of process 1073741824 cannot be opened (No such file or directory): "
      "this process reads the originals");
  EXPECT_FALSE(taken.files[0].fd.is_open());
  EXPECT_EQ(taken.files[0].sha256, sha256_file(files_[0].path));
  other = note;
  other.copies[0].stamp.inode += 1;
  EXPECT_THAT(take(encode(other)).warning, HasSubstr("(it is another file)"));
  other.copies[0].stamp.bytes = 5;
  EXPECT_EQ(
      error_of([&] { take(encode(other)); }),
      files_[0].path.string() +
          ": expected a copy of 4 bytes, found 5: do all processes of this node have the same "
          "model?");
  other.copies.clear();
  EXPECT_THAT(error_of([&] { take(encode(other)); }),
              HasSubstr("expected copies of 1 files, found 0"));
  EXPECT_THAT(error_of([&] { take("{}"); }), HasSubstr("says nothing that can be read"));
}

TEST_F(StageFiles, FilesThatChange) {
  add("a", random_text(2 * kPiece));
  const std::string path = files_[0].path.string();
  progress_ = [&](int64_t done, int64_t) {
    if (done == static_cast<int64_t>(kPiece)) {
      fs::last_write_time(path, fs::last_write_time(path) + std::chrono::seconds(1));
    }
  };
  const std::string sentence =
      path + ": changed while it was read: it was written to, or another file took its place";
  EXPECT_EQ(error_of([&] { stage(ram_); }), sentence);
  progress_ = {};
  EXPECT_EQ(
      error_of([&] { stage(ram_); }),
      path + ": changed since it was opened: it was written to, or another file took its place");
  files_[0].stamp = MappedFile(path).stamp();
  progress_ = [&](int64_t done, int64_t) {
    if (done == static_cast<int64_t>(kPiece)) fs::resize_file(path, kPiece + 7);
  };
  EXPECT_EQ(error_of([&] { stage(ram_); }),
            path + ": changed while it was read: expected 33554432 bytes, found 16777223");
  progress_ = {};
  EXPECT_EQ(error_of([&] { stage(ram_); }),
            path + ": changed since it was opened: expected 33554432 bytes, found 16777223");
  fs::remove(path);
  EXPECT_EQ(error_of([&] { stage(ram_); }), path + ": cannot be opened: No such file or directory");
}

TEST_F(StageFiles, AFileThatEndsEarly) {
  add("a", random_text(3 * kPiece));
  const std::string path = files_[0].path.string();
  progress_ = [&](int64_t done, int64_t) {
    if (done == static_cast<int64_t>(kPiece)) fs::resize_file(path, 2 * kPiece + 1);
  };
  EXPECT_EQ(error_of([&] { stage(ram_); }),
            path + ": changed while it was read: it ends after 33554433 of 50331648 bytes");
}

TEST_F(StageFiles, TheOthersHearOfAnError) {
  add("a", "text");
  files_[0].stamp.bytes = 5;
  const std::string told = told_by_first(ram_);
  EXPECT_EQ(error_of([&] { take(told); }), thrown_ + " (said by the first process of this node)");
  EXPECT_THAT(thrown_, HasSubstr("changed since it was opened: expected 5 bytes, found 4"));
}

TEST_F(StageFiles, AStop) {
  add("a", random_text(3 * kPiece));
  int64_t last = 0;
  progress_ = [&](int64_t done, int64_t) {
    last = done;
    stop_ = true;
  };
  const std::string told = told_by_first(on_disk_);
  EXPECT_EQ(last, static_cast<int64_t>(kPiece));
  EXPECT_EQ(thrown_, "stopped");
  EXPECT_THROW(take(told), Stopped);
  EXPECT_TRUE(fs::is_empty(disk_.path()));
}

TEST_F(StageFiles, NoFolder) {
  add("a", "text");
  const fs::path none = disk_ / "none";
  EXPECT_EQ(error_of([&] {
              stage({.mode = StageMode::kFolder, .folder = none, .reason = {}, .warning = {}});
            }),
            "--stage: no file can be made in " + none.string() + ": No such file or directory");
}

}  // namespace qk::stage_files_test
