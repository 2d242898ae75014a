// Atomic writes and mapped reads.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>

#include "base/atomic_file.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/mapped_file.h"
#include "base/test_write_log.h"

namespace qk {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;
using testing::ThrowsMessage;

// An empty folder that goes away with the test.
class Files : public testing::Test {
 protected:
  Files() : folder_(fs::path(testing::TempDir()) / fmt::format("qk_files_{}", ::getpid())) {
    fs::remove_all(folder_);
    fs::create_directories(folder_);
  }
  ~Files() override {
    std::error_code ignored;
    fs::remove_all(folder_, ignored);
  }
  // Names of the files in the folder.
  std::vector<std::string> names() const {
    std::vector<std::string> out;
    for (const auto& entry : fs::directory_iterator(folder_))
      out.push_back(entry.path().filename());
    return out;
  }
  fs::path folder_;
};

TEST_F(Files, AFinishedFileIsWholeAndAlone) {
  AtomicFile file(folder_ / "a.txt");
  file.append("one ");
  file.append(std::as_bytes(std::span<const char>("two", 3)));
  EXPECT_THAT(names(), testing::ElementsAre("a.txt.tmp"));
  file.finish();
  EXPECT_THAT(names(), testing::ElementsAre("a.txt"));
  EXPECT_EQ(read_file(folder_ / "a.txt"), "one two");
}

TEST_F(Files, WhatIsNoFileIsNotReplaced) {
  fs::create_directories(folder_ / "folder");
  ASSERT_EQ(::mkfifo((folder_ / "pipe").c_str(), 0600), 0);
  for (const char* name : {"folder", "pipe"}) {
    EXPECT_THAT([&] { AtomicFile file(folder_ / name); },
                ThrowsMessage<Error>(AllOf(HasSubstr(name), HasSubstr("expected a file"))));
    const fs::path other = folder_ / "other.tmp";
    write_file(other, "text");
    EXPECT_THAT([&] { publish_file(other, folder_ / name); },
                ThrowsMessage<Error>(HasSubstr("expected a file")));
    fs::remove(other);
  }
  EXPECT_THAT(names(), testing::UnorderedElementsAre("folder", "pipe"));
}

TEST_F(Files, AnUnfinishedFileLeavesNothing) {
  {
    AtomicFile file(folder_ / "a.txt");
    file.append("half");
  }
  EXPECT_TRUE(names().empty());
}

TEST_F(Files, AnUnfinishedFileLeavesTheOldOne) {
  write_file(folder_ / "a.txt", "old");
  const auto interrupted = [&] {
    AtomicFile file(folder_ / "a.txt");
    file.append("new");
    throw Error("interrupted");
  };
  EXPECT_THROW(interrupted(), Error);
  EXPECT_THAT(names(), testing::ElementsAre("a.txt"));
  EXPECT_EQ(read_file(folder_ / "a.txt"), "old");
}

TEST_F(Files, AFinishedFileReplacesTheOldOneAndItsRest) {
  write_file(folder_ / "a.txt", "a long old text");
  write_file(folder_ / "a.txt.tmp", "rest of a run that was killed");
  write_file(folder_ / "a.txt", "new");
  EXPECT_EQ(read_file(folder_ / "a.txt"), "new");
  EXPECT_THAT(names(), testing::ElementsAre("a.txt"));
}

TEST_F(Files, TwoWritersOfOneFile) {
  write_file(folder_ / "a.txt", "old");
  const auto second = [&] { AtomicFile file(folder_ / "a.txt"); };
  {
    AtomicFile first(folder_ / "a.txt");
    first.append("new");
    EXPECT_THAT(second, ThrowsMessage<Error>((folder_ / "a.txt").string() +
                                             ": another process is writing this file"));
    remove_leftover(folder_ / "a.txt");  // not what is being written
    first.finish();
  }
  EXPECT_EQ(read_file(folder_ / "a.txt"), "new");
  EXPECT_NO_THROW(second());
  {
    WriteLog log;
    log.fail_flock(ENOLCK);  // a file system without it
    EXPECT_NO_THROW(second());
  }
  EXPECT_THAT(names(), testing::ElementsAre("a.txt"));
}

TEST_F(Files, RestsOfKilledRunsAreRemoved) {
  write_file(folder_ / "a.txt", "whole");
  write_file(folder_ / "a.txt.tmp", "rest");
  remove_leftover(folder_ / "a.txt");
  remove_leftover(folder_ / "a.txt");
  EXPECT_THAT(names(), testing::ElementsAre("a.txt"));
  remove_file(folder_ / "a.txt");
  remove_file(folder_ / "a.txt");
  EXPECT_TRUE(names().empty());
}

TEST_F(Files, AMissingFolderIsAnError) {
  const fs::path path = folder_ / "none" / "a.txt";
  EXPECT_THAT([&] { AtomicFile file(path); },
              ThrowsMessage<Error>(AllOf(HasSubstr(path.string()), HasSubstr("cannot be created"),
                                         HasSubstr("No such file or directory"))));
}

// Root may write everywhere, so that this runs as another user where it can.
class AsNobody {
 public:
  AsNobody() : was_root_(::geteuid() == 0) {
    if (was_root_) is_nobody_ = ::seteuid(65534) == 0;
  }
  ~AsNobody() {
    if (is_nobody_ && ::seteuid(0) != 0) std::abort();
  }
  AsNobody(const AsNobody&) = delete;
  AsNobody& operator=(const AsNobody&) = delete;
  bool holds() const { return !was_root_ || is_nobody_; }

 private:
  bool was_root_;
  bool is_nobody_ = false;
};

TEST_F(Files, AnUnwritableFolderIsAnError) {
  fs::permissions(folder_, fs::perms::owner_read | fs::perms::owner_exec);
  {
    const AsNobody nobody;
    if (!nobody.holds()) GTEST_SKIP() << "unwritable folder: root, and no other user to become";
    EXPECT_THAT([&] { write_file(folder_ / "a.txt", "x"); },
                ThrowsMessage<Error>(AllOf(HasSubstr("a.txt.tmp: cannot be created"),
                                           HasSubstr("Permission denied"))));
  }
  fs::permissions(folder_, fs::perms::owner_all);
}

// Nobody at all can make files in /proc.
TEST_F(Files, AFolderThatTakesNoFilesIsAnError) {
  EXPECT_THAT([&] { write_file("/proc/qk_a.txt", "x"); },
              ThrowsMessage<Error>(HasSubstr("/proc/qk_a.txt.tmp: cannot be created")));
}

TEST_F(Files, AFolderInPlaceOfTheFileIsAnError) {
  fs::create_directories(folder_ / "a.txt" / "inside");
  EXPECT_THAT([&] { write_file(folder_ / "a.txt", "x"); },
              ThrowsMessage<Error>(HasSubstr("expected a file, found a folder")));
  EXPECT_THAT(names(), testing::ElementsAre("a.txt"));
}

TEST_F(Files, AFullDeviceIsAnError) {
  fs::create_symlink("/dev/full", folder_ / "a.txt.tmp");
  EXPECT_THAT([&] { write_file(folder_ / "a.txt", "x"); },
              ThrowsMessage<Error>(AllOf(HasSubstr("a.txt.tmp: cannot be written"),
                                         HasSubstr("No space left on device"))));
}

TEST_F(Files, AFullDiskIsAnErrorAndLeavesNothing) {
  if (::mount("tmpfs", folder_.c_str(), "tmpfs", 0, "size=64k") != 0) {
    GTEST_SKIP() << "full disk: no small tmpfs can be mounted here";
  }
  const std::string text(1 << 20, 'x');
  EXPECT_THAT([&] { write_file(folder_ / "a.txt", text); },
              ThrowsMessage<Error>(AllOf(HasSubstr("a.txt.tmp: cannot be written"),
                                         HasSubstr("No space left on device"))));
  EXPECT_TRUE(names().empty());
  ::umount2(folder_.c_str(), MNT_DETACH);
}

TEST_F(Files, PublishRenamesAFileThatOthersWrote) {
  write_file(folder_ / "a.part", "text");
  publish_file(folder_ / "a.part", folder_ / "a.txt");
  EXPECT_THAT(names(), testing::ElementsAre("a.txt"));
  EXPECT_EQ(read_file(folder_ / "a.txt"), "text");
  EXPECT_THROW(publish_file(folder_ / "a.part", folder_ / "b.txt"), Error);
}

// A rename is safe when the folder is synced, and the contents must be before it.
TEST_F(Files, SyncsTheFileThenRenamesThenSyncsTheFolder) {
  const std::string folder = folder_.filename().string();
  WriteLog log;
  write_file(folder_ / "a.txt", "text");
  EXPECT_THAT(log.take(), testing::ElementsAre("flock a.txt.tmp", "fsync a.txt.tmp", "rename a.txt",
                                               "fsync " + folder));
  publish_file(folder_ / "a.txt", folder_ / "b.txt");
  EXPECT_THAT(log.take(), testing::ElementsAre("fsync a.txt", "rename b.txt", "fsync " + folder));
}

TEST_F(Files, ReadFileHasALimit) {
  write_file(folder_ / "a.txt", "12345");
  EXPECT_EQ(read_file(folder_ / "a.txt", 5), "12345");
  EXPECT_THAT([&] { read_file(folder_ / "a.txt", 4); },
              ThrowsMessage<Error>(HasSubstr("has 5 bytes, at most 4 are allowed")));
  EXPECT_THROW(read_file(folder_ / "none"), Error);
}

TEST_F(Files, MappingShowsTheBytes) {
  std::string text(10000, '\0');
  for (size_t i = 0; i < text.size(); ++i) text[i] = static_cast<char>(i * 7);
  write_file(folder_ / "a", text);
  const MappedFile file(folder_ / "a");
  EXPECT_EQ(file.path(), folder_ / "a");
  const auto expected = std::as_bytes(std::span<const char>(text.data(), text.size()));
  EXPECT_TRUE(std::ranges::equal(file.bytes(), expected));
  file.drop(0, text.size());
  file.drop(100, 200);
  file.drop(0, text.size() * 100);
  EXPECT_TRUE(std::ranges::equal(file.bytes(), expected));
}

TEST_F(Files, MappingsCanBeMoved) {
  write_file(folder_ / "a", "aaa");
  write_file(folder_ / "b", "bb");
  MappedFile a(folder_ / "a");
  MappedFile moved(std::move(a));
  EXPECT_TRUE(a.bytes().empty());  // NOLINT(bugprone-use-after-move): a moved-from file is empty
  MappedFile b(folder_ / "b");
  b = std::move(moved);
  EXPECT_EQ(b.bytes().size(), 3U);
  EXPECT_EQ(b.path(), folder_ / "a");
  MappedFile& same = b;
  b = std::move(same);
  EXPECT_EQ(b.bytes().size(), 3U);
  EXPECT_TRUE(MappedFile().bytes().empty());
}

TEST_F(Files, PagesOfACopy) {
  const std::string text(100'000, 'q');
  write_file(folder_ / "a", text);
  write_file(folder_ / "copy", text);
  MappedFile file(folder_ / "a");
  const auto bytes = file.bytes();
  const int fd = ::open((folder_ / "copy").c_str(), O_RDONLY | O_CLOEXEC);
  ASSERT_GE(fd, 0);
  file.take_pages_of(fd);
  ::close(fd);
  fs::resize_file(folder_ / "a", 0);  // its pages would be a bus error
  EXPECT_EQ(std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()), text);
  EXPECT_EQ(file.bytes().data(), bytes.data());
  EXPECT_EQ(std::string(path_of_mapping(bytes.data() + 5000)), (folder_ / "a").string());
  EXPECT_EQ(MappedFile(std::move(file)).path(), folder_ / "a");
  EXPECT_THAT(
      [&] { MappedFile(folder_ / "copy").take_pages_of(-1); },
      ThrowsMessage<Error>(HasSubstr("copy: the 100000 bytes of its copy cannot be mapped")));
}

TEST_F(Files, Stamps) {
  write_file(folder_ / "a", "one");
  const FileStamp stamp = MappedFile(folder_ / "a").stamp();
  EXPECT_EQ(stamp, MappedFile(folder_ / "a").stamp());
  EXPECT_EQ(stamp.bytes, 3);
  fs::last_write_time(folder_ / "a", fs::last_write_time(folder_ / "a") + std::chrono::seconds(1));
  EXPECT_NE(stamp, MappedFile(folder_ / "a").stamp());
  const FileStamp later = MappedFile(folder_ / "a").stamp();
  write_file(folder_ / "a", "two");  // another file in its place
  EXPECT_NE(later.inode, MappedFile(folder_ / "a").stamp().inode);
}

TEST_F(Files, AnEmptyFileMapsToNoBytes) {
  write_file(folder_ / "a", "");
  const MappedFile file(folder_ / "a");
  EXPECT_TRUE(file.bytes().empty());
  file.drop(0, 0);
  EXPECT_EQ(read_file(folder_ / "a"), "");
}

TEST_F(Files, WhatIsNoFileCannotBeMapped) {
  EXPECT_THAT([&] { MappedFile file(folder_ / "none"); },
              ThrowsMessage<Error>(HasSubstr("cannot be opened: No such file or directory")));
  EXPECT_THAT([&] { MappedFile file(folder_); },
              ThrowsMessage<Error>(HasSubstr("is not a regular file")));
  EXPECT_THAT([&] { MappedFile file("/dev/null"); },
              ThrowsMessage<Error>(HasSubstr("is not a regular file")));
  ASSERT_EQ(::mkfifo((folder_ / "pipe").c_str(), 0600), 0);
  EXPECT_THAT([&] { MappedFile file(folder_ / "pipe"); },
              ThrowsMessage<Error>(HasSubstr("is not a regular file")));
  EXPECT_THAT([&] { sha256_file(folder_ / "pipe"); },
              ThrowsMessage<Error>(HasSubstr("is not a regular file")));
}

}  // namespace
}  // namespace qk
