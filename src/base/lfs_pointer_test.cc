// What is a Git LFS pointer, and that no reader takes one for the file.
#include "base/lfs_pointer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "base/atomic_file.h"
#include "base/mapped_file.h"
#include "base/test_folder.h"

namespace qk {
namespace lfs_pointer_test {

const std::string kOid = "oid sha256:" + std::string(64, '7') + "\n";
const std::string kPointer = "version https://git-lfs.github.com/spec/v1\n" + kOid + "size 4711\n";

TEST(LfsPointer, ThoseOfTheSpecificationAreRecognised) {
  EXPECT_TRUE(is_lfs_pointer(kPointer));
  EXPECT_TRUE(is_lfs_pointer("version http://git-media.io/v/2\n" + kOid + "size 1\n"));
  EXPECT_TRUE(is_lfs_pointer("version https://hawser.github.com/spec/v1\n" + kOid + "size 1\n"));
  EXPECT_TRUE(is_lfs_pointer("version https://git-lfs.github.com/spec/v1\next-0-foo sha256:12\n" +
                             kOid + "size 12345\n"));
  EXPECT_TRUE(is_lfs_pointer("version https://git-lfs.github.com/spec/v1\r\noid sha256:12\r\n"));
}

TEST(LfsPointer, ThoseThatWereChangedAreRecognised) {
  for (const std::string before : {"\xEF\xBB\xBF", "\n", "  \r\n", "<<<<<<< HEAD\n"}) {
    EXPECT_TRUE(is_lfs_pointer(before + kPointer)) << before;
  }
  EXPECT_TRUE(is_lfs_pointer("version https://git-lfs.github.com/spec/v1\roid sha256:12\rsize 1"));
}

TEST(LfsPointer, OtherTextsAreNot) {
  EXPECT_FALSE(is_lfs_pointer(""));
  EXPECT_FALSE(is_lfs_pointer("version https://git-lfs.github.com/spec/v1\nsize 3\n"));  // no oid
  EXPECT_FALSE(is_lfs_pointer("version 2\n" + kOid));
  for (const char* text : {" ", "\n", "\xEF\xBB\xBF", "<<<<<<< ", "<<<<<<< HEAD"}) {
    EXPECT_FALSE(is_lfs_pointer(text));
  }
  EXPECT_FALSE(is_lfs_pointer("A text about pointers:\n" + kPointer));
  EXPECT_FALSE(is_lfs_pointer(kPointer + std::string(1024, 'x')));  // too long for one
}

TEST(LfsPointer, NoReaderTakesOneForTheFile) {
  const TestFolder folder;
  const std::string path = folder.write("model.safetensors", kPointer);
  const auto sentence =
      testing::AllOf(testing::HasSubstr("model.safetensors: is a Git LFS pointer"),
                     testing::HasSubstr("4711"), testing::HasSubstr("git lfs pull"));
  EXPECT_THAT([&] { MappedFile file(path); }, testing::ThrowsMessage<Error>(sentence));
  EXPECT_THAT([&] { read_file(path); }, testing::ThrowsMessage<Error>(sentence));
  EXPECT_THAT([&] { refuse_lfs_pointer(path); }, testing::ThrowsMessage<Error>(sentence));
  EXPECT_NO_THROW(refuse_lfs_pointer(folder.path()));
  EXPECT_NO_THROW(refuse_lfs_pointer(folder / "absent"));
}

TEST(LfsPointer, TheSizeIsSaidIfTheFileHasIt) {
  const TestFolder folder;
  folder.write("with", kPointer);
  folder.write("without", "version https://git-lfs.github.com/spec/v1\n" + kOid);
  EXPECT_THAT(lfs_pointer_fault(folder / "with"),
              testing::HasSubstr("not the file of 4711 bytes that it stands for"));
  EXPECT_THAT(lfs_pointer_fault(folder / "without"),
              testing::HasSubstr("not the file that it stands for"));
}

}  // namespace lfs_pointer_test
}  // namespace qk
