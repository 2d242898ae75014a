#include "base/readable_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <string>

#include "base/error.h"
#include "base/path_text.h"
#include "base/test_error.h"
#include "base/test_folder.h"

namespace qk {
namespace readable_file_test {

TEST(ReadableFile, WhatIsNoFileIsSaid) {
  const TestFolder folder;
  const std::string file = folder.write("file", "text");
  EXPECT_EQ(why_unreadable(file), "");
  EXPECT_EQ(why_unreadable(folder.write("empty", "")), "");
  EXPECT_EQ(why_unreadable(folder.path()), "is a folder, expected a file");
  EXPECT_EQ(why_unreadable(folder / "absent"), "cannot be opened: No such file or directory");
  EXPECT_EQ(why_unreadable(folder / "file/x"), "cannot be opened: Not a directory");
  EXPECT_EQ(why_unreadable(std::string(10'000, 'x')), "cannot be opened: File name too long");
  std::filesystem::create_symlink("loop", folder / "loop");
  EXPECT_EQ(why_unreadable(folder / "loop"), "cannot be opened: Too many levels of symbolic links");
  ASSERT_EQ(::mkfifo((folder / "pipe").c_str(), 0600), 0);
  EXPECT_EQ(why_unreadable(folder / "pipe"), "is not a regular file");
  EXPECT_EQ(why_unreadable("/dev/zero"), "is not a regular file");
}

TEST(ReadableFile, ALinkToNothingIsNamed) {
  const TestFolder folder;
  folder.write("file", "");
  std::filesystem::create_symlink("../blobs/x", folder / "link");
  std::filesystem::create_symlink("loop", folder / "loop");
  EXPECT_TRUE(is_present(folder / "file"));
  EXPECT_TRUE(is_present(folder.path()));
  EXPECT_FALSE(is_present(folder / "absent"));
  EXPECT_FALSE(is_present(folder / "file/x"));
  const std::string sentence =
      "is a link to ../blobs/x, which is not there (an incomplete download?)";
  EXPECT_EQ(error_of([&] { is_present(folder / "link"); }),
            (folder / "link").string() + ": " + sentence);
  EXPECT_EQ(why_unreadable(folder / "link"), "cannot be opened: " + sentence);
  EXPECT_THAT(error_of([&] { is_present(folder / "loop"); }),
              testing::EndsWith("loop: Too many levels of symbolic links"));
}

TEST(ReadableFile, PointersAreSeenThroughLinks) {
  const TestFolder folder;
  folder.write("blob", "version https://git-lfs.github.com/spec/v1\r\noid sha256:12\r\nsize 3\r\n");
  std::filesystem::create_symlink("blob", folder / "link.parquet");
  EXPECT_THAT(why_unreadable(folder / "link.parquet"),
              testing::StartsWith("is a Git LFS pointer (the repository was cloned without"));
  EXPECT_THAT(error_of([&] { require_readable(folder / "link.parquet"); }),
              testing::HasSubstr("link.parquet: is a Git LFS pointer"));
}

TEST(PathText, LongAndOddPathsAreMadePrintable) {
  EXPECT_EQ(path_text("/a/b c"), "/a/b c");
  EXPECT_EQ(path_text("a\nb\xFF"), "a?b?");
  EXPECT_EQ(path_text(std::string(10'000, 'x')), std::string(300, 'x') + "...");
}

TEST(ErrorSentence, IsOneLine) {
  EXPECT_EQ(error_of([] { fail("{}: no", "a\nb\x1B"); }), "a?b?: no");
}

}  // namespace readable_file_test
}  // namespace qk
