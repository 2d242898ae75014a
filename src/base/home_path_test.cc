// "~" in paths, as Python's expanduser reads it.
#include "base/home_path.h"

#include <gtest/gtest.h>
#include <pwd.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <string>

namespace qk {
namespace home_path_test {

class HomePath : public testing::Test {
 protected:
  HomePath() : had_(std::getenv("HOME") != nullptr), old_(had_ ? std::getenv("HOME") : "") {}
  ~HomePath() override { had_ ? ::setenv("HOME", old_.c_str(), 1) : ::unsetenv("HOME"); }

 private:
  bool had_;
  std::string old_;
};

TEST_F(HomePath, TildeIsHome) {
  ::setenv("HOME", "/home/ada/", 1);
  EXPECT_EQ(expand_home("~"), "/home/ada");
  EXPECT_EQ(expand_home("~/data/x"), "/home/ada/data/x");
  EXPECT_EQ(expand_home("data/~"), "data/~");
  EXPECT_EQ(expand_home("./~/x"), "./~/x");
  EXPECT_EQ(expand_home(""), "");
}

TEST_F(HomePath, WithoutHomeTheUserDatabaseSays) {
  const std::filesystem::path home = ::getpwuid(::getuid())->pw_dir;
  ::unsetenv("HOME");
  EXPECT_EQ(expand_home("~/x"), home / "x");
  ::setenv("HOME", "", 1);
  EXPECT_EQ(expand_home("~/x"), home / "x");
}

TEST_F(HomePath, OtherUsers) {
  const std::filesystem::path home = ::getpwnam("root")->pw_dir;
  EXPECT_EQ(expand_home("~root/x"), home / "x");
  EXPECT_EQ(expand_home("~nobody-of-that-name/x"), "~nobody-of-that-name/x");
}

}  // namespace home_path_test
}  // namespace qk
