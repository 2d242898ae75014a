#include "download/file_lock.h"

#include <gtest/gtest.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <cstdio>

#include "base/test_folder.h"

namespace qk {
namespace file_lock_test {

struct Impatient {};

TEST(FileLock, KeepsOthersOutUntilItsEnd) {
  const TestFolder folder;
  const auto path = folder / "a/b.lock";
  {
    const FileLock lock(path, [] { FAIL() << "nobody holds it"; });
    EXPECT_TRUE(lock.is_held());
    EXPECT_THROW(FileLock(path, [] { throw Impatient(); }), Impatient);
  }
  const FileLock again(path, [] { FAIL() << "nobody holds it"; });
  struct stat status{};
  ASSERT_EQ(::stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0664);  // whatever the umask
}

TEST(FileLock, AFileThatWasRemovedMeanwhileIsNoLock) {
  const TestFolder folder;
  const auto path = folder / "b.lock";
  folder.write("b.lock", "");
  FILE* held = std::fopen(path.c_str(), "r");
  ASSERT_EQ(::flock(fileno(held), LOCK_EX), 0);
  const FileLock lock(path, [&] {
    std::filesystem::remove(path);
    std::fclose(held);
  });
  EXPECT_TRUE(std::filesystem::exists(path));
  EXPECT_THROW(FileLock(path, [] { throw Impatient(); }), Impatient);
}

}  // namespace file_lock_test
}  // namespace qk
