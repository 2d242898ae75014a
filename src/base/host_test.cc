#include "base/host.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>

#include "base/environment.h"
#include "base/process_stat.h"

namespace qk {
namespace host_test {

TEST(Host, ShortNameIsTheBeginning) {
  const std::string name = host_name(), start = short_host_name();
  EXPECT_FALSE(start.empty());
  EXPECT_TRUE(name.starts_with(start));
  EXPECT_EQ(start.find('.'), std::string::npos);
  EXPECT_EQ(boot_id(), boot_id());
}

TEST(Environment, WhatIsEmptyIsSet) {
  ::setenv("QK_TEST_VARIABLE", "", 1);
  EXPECT_EQ(environment_value("QK_TEST_VARIABLE"), "");
  ::unsetenv("QK_TEST_VARIABLE");
  EXPECT_EQ(environment_value("QK_TEST_VARIABLE"), std::nullopt);
}

TEST(ProcessStat, TheNameMayHoldAnything) {
  const auto stat = parse_process_stat(
      "17 (a) R 5 b) S 16 17 17 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 12345 9 9");
  ASSERT_TRUE(stat);
  EXPECT_EQ(stat->state, 'S');
  EXPECT_EQ(stat->parent, 16);
  EXPECT_EQ(stat->start_ticks, 12345);
  EXPECT_EQ(parse_process_stat("17 (a) Z 16")->start_ticks, 0);
  EXPECT_FALSE(parse_process_stat(""));
  EXPECT_FALSE(parse_process_stat("17 (a)"));
}

TEST(ProcessStat, OfThisProcess) {
  const auto stat = process_stat(::getpid());
  ASSERT_TRUE(stat);
  EXPECT_EQ(stat->parent, ::getppid());
  EXPECT_GT(stat->start_ticks, 0);
  EXPECT_FALSE(process_stat(-1));
}

}  // namespace host_test
}  // namespace qk
