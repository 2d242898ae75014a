#include "cli/dotenv.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "base/test_folder.h"

namespace qk {
namespace dotenv_test {

using nlohmann::json;

json as_json(const std::map<std::string, std::optional<std::string>>& values) {
  json out = json::object();
  for (const auto& [name, value] : values) out[name] = value ? json(*value) : json(nullptr);
  return out;
}

TEST(Dotenv, ReadsWhatPythonDotenvReads) {
  const json data = json::parse(std::ifstream(QK_TEST_DATA "/dotenv/cases.json"));
  for (const char* name : {"A", "B", "x", "1", "NONE"}) ::unsetenv(name);
  for (const auto& [name, value] : data["environment"].items()) {
    ::setenv(name.c_str(), value.get<std::string>().c_str(), 1);
  }
  ASSERT_GT(data["cases"].size(), 600);
  for (const json& entry : data["cases"]) {
    const std::string text = entry["text"];
    EXPECT_EQ(as_json(dotenv_values(parse_dotenv(text).entries)), entry["values"]) << entry["text"];
  }
  for (const auto& [name, value] : data["environment"].items()) ::unsetenv(name.c_str());
}

TEST(Dotenv, SkipsAByteOrderMark) {
  const DotenvText text = parse_dotenv("\xEF\xBB\xBFQK_A=1");
  ASSERT_EQ(text.entries.size(), 1);
  EXPECT_EQ(text.entries[0].name, "QK_A");
}

TEST(Dotenv, NamesTheLinesThatCannotBeRead) {
  EXPECT_THAT(parse_dotenv("A=1\n\n  B=\"open\nC=2\n=3\nD=4 \nE='x' y\n").bad_lines,
              testing::ElementsAre(3, 5, 7));
}

TEST(Dotenv, SetsWhatIsUnset) {
  const TestFolder folder;
  const std::string path = folder.write(
      ".env", "QK_TEST_A=a\nQK_TEST_B=b\nQK_TEST_C=c\nQK_TEST_D\nbad line\nQK_TEST_A=last\n");
  for (const char* name : {"QK_TEST_A", "QK_TEST_D"}) ::unsetenv(name);
  ::setenv("QK_TEST_B", "mine", 1);
  ::setenv("QK_TEST_C", "", 1);
  ::setenv("PYTHON_DOTENV_DISABLED", "Yes", 1);
  read_dotenv(path);
  EXPECT_EQ(::getenv("QK_TEST_A"), nullptr);
  ::unsetenv("PYTHON_DOTENV_DISABLED");
  testing::internal::CaptureStderr();
  read_dotenv(path);
  EXPECT_EQ(testing::internal::GetCapturedStderr(),
            fmt::format("qkscope: {}:5: expected NAME=value; the line is not used\n", path));
  EXPECT_STREQ(::getenv("QK_TEST_A"), "last");
  EXPECT_STREQ(::getenv("QK_TEST_B"), "mine");
  EXPECT_STREQ(::getenv("QK_TEST_C"), "");
  EXPECT_EQ(::getenv("QK_TEST_D"), nullptr);
  read_dotenv(folder / "none");
}

TEST(Dotenv, NamesNoCodeToLoad) {
  const TestFolder folder;
  const std::string path = folder.write(
      ".env", "QKSCOPE_MPI_LIB=a.so\nQKSCOPE_TORCH_PLUGIN=b.so\nLD_PRELOAD=c.so\nQK_TEST_E=e\n");
  for (const char* name : {"QKSCOPE_MPI_LIB", "QKSCOPE_TORCH_PLUGIN", "LD_PRELOAD"})
    ::unsetenv(name);
  testing::internal::CaptureStderr();
  read_dotenv(path);
  EXPECT_THAT(testing::internal::GetCapturedStderr(),
              testing::HasSubstr(path + ": QKSCOPE_MPI_LIB names code to load"));
  for (const char* name : {"QKSCOPE_MPI_LIB", "QKSCOPE_TORCH_PLUGIN", "LD_PRELOAD"})
    EXPECT_EQ(::getenv(name), nullptr) << name;
  EXPECT_STREQ(::getenv("QK_TEST_E"), "e");
}

TEST(Dotenv, IsTheNearestAbove) {
  const TestFolder folder;
  const std::string near = folder.write("a/.env", "");
  folder.write("a/b/c/x", "");
  EXPECT_EQ(find_dotenv(folder / "a"), near);
  EXPECT_EQ(find_dotenv(folder / "a/b/c"), near);
  std::filesystem::create_directory(folder / "a/b/.env");  // a folder is none
  EXPECT_EQ(find_dotenv(folder / "a/b/c"), near);
}

}  // namespace dotenv_test
}  // namespace qk
