#include "ranks/documents_in_time.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace qk {
namespace documents_in_time_test {

using testing::HasSubstr;

CrewTask task_of(int64_t id, double size) { return {.id = id, .size = size, .text = {}}; }

DocumentsAnswer answer_of(int64_t tokens, double seconds) {
  DocumentsAnswer out;
  out.task_tokens = tokens;
  out.seconds = seconds;
  return out;
}

TEST(DocumentsInTime, WithoutALimitAllMayBegin) {
  DocumentsInTime in_time(nullptr);
  EXPECT_TRUE(in_time.may_begin(task_of(0, 1e9), {}));
  in_time.end(0, answer_of(10, 1e9));
  EXPECT_TRUE(in_time.may_begin(task_of(1, 1e9), {}));
  EXPECT_EQ(in_time.sentence(), "");
  EXPECT_EQ(end_of(nullptr), 0);
}

TEST(DocumentsInTime, TasksThatWouldEndTooLateAreNotBegun) {
  double now = 0;
  TimeLimit limit(1000, [&] { return now; });
  EXPECT_NEAR(end_of(&limit), system_seconds() + 1000, 60);
  DocumentsInTime in_time(&limit);
  EXPECT_TRUE(in_time.may_begin(task_of(0, 100), {}));
  now = 300;
  EXPECT_NEAR(end_of(&limit), system_seconds() + 700, 60);
  in_time.end(0, answer_of(100, 300));
  EXPECT_TRUE(in_time.may_begin(task_of(1, 200), {}));   // until 900
  EXPECT_FALSE(in_time.may_begin(task_of(2, 250), {}));  // until 1050
  EXPECT_THAT(in_time.sentence(), HasSubstr("time limit"));
}

// A text of few tokens for its bytes.
TEST(DocumentsInTime, EstimatesAreCorrected) {
  double now = 0;
  TimeLimit limit(1000, [&] { return now; });
  DocumentsInTime in_time(&limit);
  EXPECT_TRUE(in_time.may_begin(task_of(0, 200), {}));
  now = 300;
  in_time.end(0, answer_of(100, 300));
  EXPECT_TRUE(in_time.may_begin(task_of(1, 400), {}));  // 200 tokens
  EXPECT_FALSE(in_time.may_begin(task_of(2, 500), {}));
}

}  // namespace documents_in_time_test
}  // namespace qk
