#include "capture/time_limit.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/test_error.h"
#include "capture/job_time.h"

namespace qk::time_limit_test {

TEST(TimeLimitText, Forms) {
  EXPECT_EQ(parse_time_limit("3h55m"), 14100);
  EXPECT_EQ(parse_time_limit("90m"), 5400);
  EXPECT_EQ(parse_time_limit("1d12h"), 129600);
  EXPECT_EQ(parse_time_limit("1m30s"), 90);
  EXPECT_EQ(parse_time_limit("1:30:00"), 5400);
  EXPECT_EQ(parse_time_limit("100:00:00"), 360000);
  EXPECT_EQ(parse_time_limit("2-00:00:00"), 172800);
  EXPECT_EQ(parse_time_limit("2-12"), 216000);
  EXPECT_EQ(parse_time_limit("2-12:30"), 217800);
  EXPECT_EQ(parse_time_limit("1200"), 1200);
}

TEST(TimeLimitText, OtherForms) {
  for (const char* text : {"", "x", "3h55", "55m3h", "1h1h", "3:55", "1:60:00", "1:00:60", "-1",
                           "1-", "1:2:3:4", "1.5h", "3 h", "99999999999", "m", "1:", "h3"}) {
    EXPECT_EQ(error_of([&] { parse_time_limit(text); }),
              std::string("--time-limit: expected a time as 3h55m, 90m, 1:30:00 (hours), "
                          "2-12:00:00 (days) or 1200 (seconds), found '") +
                  text + "'");
  }
  for (const char* text : {"0", "0h", "1001d", "9999999999d"}) {
    EXPECT_EQ(error_of([&] { parse_time_limit(text); }),
              std::string("--time-limit: expected more than 0 s and at most 1,000 days, found '") +
                  text + "'");
  }
}

TEST(TimeLimitText, Written) {
  EXPECT_EQ(limit_text(14100), "3 h 55 min");
  EXPECT_EQ(limit_text(125), "2 min 5 s");
  EXPECT_EQ(limit_text(129600), "1 d 12 h");
  EXPECT_EQ(limit_text(0.2), "0 s");
  EXPECT_EQ(limit_text(-5), "0 s");
}

// A limit whose clock is set by hand.
struct Watch {
  double now = 50;
  TimeLimit limit;
  explicit Watch(double seconds) : limit(seconds, [this] { return now; }) {}
};

TEST(TimeLimit, Margin) {
  EXPECT_EQ(Watch(14100).limit.margin(), 120);
  EXPECT_EQ(Watch(1000).limit.margin(), 20);
  EXPECT_EQ(Watch(10).limit.margin(), 1);
}

TEST(TimeLimit, BeforeTheFirstDocument) {
  Watch watch(1000);
  EXPECT_TRUE(watch.limit.fits(1 << 20));
  watch.now = 1029;
  EXPECT_TRUE(watch.limit.fits(1));
  watch.now = 1030;
  EXPECT_FALSE(watch.limit.fits(1));
  watch.now = 2000;
  EXPECT_FALSE(watch.limit.fits(0));
  EXPECT_EQ(watch.limit.left(), -950);
}

TEST(TimeLimit, OneAndTwoDocuments) {
  Watch watch(1000);
  watch.limit.add(100, 10);
  EXPECT_DOUBLE_EQ(*watch.limit.expected(200), 20);
  watch.limit.add(1000, 50);  // faster for each token: the slower one counts
  EXPECT_DOUBLE_EQ(*watch.limit.expected(200), 20);
  watch.limit.add(0, 5);
  watch.limit.add(5, 0);
  EXPECT_DOUBLE_EQ(*watch.limit.expected(200), 20);
  EXPECT_TRUE(watch.limit.fits(9799));
  EXPECT_FALSE(watch.limit.fits(9801));
}

TEST(TimeLimit, FindsBothParts) {
  Watch watch(1e6);
  const auto time = [](double tokens) { return 2e-4 * tokens + 3e-9 * tokens * tokens; };
  for (const int tokens : {1000, 30000, 4000, 131072, 60000}) {
    watch.limit.add(tokens, time(tokens));
  }
  for (const int tokens : {500, 20000, 131072, 262144}) {
    EXPECT_NEAR(*watch.limit.expected(tokens), time(tokens), 1e-6 * time(tokens));
  }
}

TEST(TimeLimit, NoPartIsNegative) {
  Watch concave(1e6);  // time for each token falls with the length
  for (const int tokens : {100, 1000, 10000}) concave.limit.add(tokens, 10 + 1e-3 * tokens);
  EXPECT_GT(*concave.limit.expected(1'000'000), *concave.limit.expected(100'000));
  Watch convex(1e6);
  for (const int tokens : {100, 1000, 10000})
    convex.limit.add(tokens, 1e-12 * tokens * tokens * tokens);
  EXPECT_GT(*convex.limit.expected(10), 0);
}

TEST(TimeLimit, DocumentsOfOneLength) {
  Watch watch(1e6);
  for (int i = 0; i < 20; ++i) watch.limit.add(1000 + i % 3, i < 17 ? 10 : 12);  // a slower rank
  EXPECT_NEAR(*watch.limit.expected(1000), 12, 0.1);
  EXPECT_NEAR(*watch.limit.expected(2000), 24, 0.2);
}

TEST(TimeLimit, OldDocumentsAreForgotten) {
  Watch watch(1e6);
  for (int i = 0; i < 512; ++i) watch.limit.add(1000, 100);
  for (int i = 0; i < 512; ++i) watch.limit.add(1000, 1);
  EXPECT_NEAR(*watch.limit.expected(1000), 1, 1e-9);
}

TEST(TimeLimit, Sentence) {
  Watch watch(14100);
  EXPECT_EQ(out_of_time_sentence(watch.limit, 0, 1000),
            "no document is begun that would not end before the time limit (3 h 55 min): stopped "
            "after 0 documents");
  watch.limit.add(1000, 60);
  watch.now += 14000;
  EXPECT_EQ(out_of_time_sentence(watch.limit, 1, 1000),
            "no document is begun that would not end before the time limit (3 h 55 min): stopped "
            "after 1 document, with 1 min 40 s left, where one of 1000 tokens takes about 1 min");
}

// A batch system of its variables and of what squeue says.
struct Job {
  std::map<std::string, std::string> variables;
  std::optional<std::string> answer;
  std::vector<std::string> asked = {};

  JobTime find() {
    JobQuestions ask;
    ask.get_env = [this](const char* name) {
      const auto found = variables.find(name);
      return found != variables.end() ? std::optional(found->second) : std::nullopt;
    };
    ask.squeue = [this](const std::string& job) {
      asked.push_back(job);
      return answer;
    };
    ask.epoch = [] { return 1'000'000.0; };
    ask.session_age = [] { return 100.0; };
    return find_time_limit(ask);
  }
};

TEST(JobTime, NoJob) {
  Job job{.variables = {}, .answer = "1:00"};
  const JobTime time = job.find();
  EXPECT_FALSE(time.left);
  EXPECT_EQ(time.warning, "");
  EXPECT_TRUE(job.asked.empty());
}

TEST(JobTime, Squeue) {
  Job job{.variables = {{"SLURM_JOB_ID", "77"}}, .answer = "55:12\n"};
  EXPECT_EQ(job.find().left, 3312);
  EXPECT_EQ(job.asked, (std::vector<std::string>{"77"}));
  job.answer = "2-03:04:05\n";
  EXPECT_EQ(job.find().left, 2 * 86400 + 3 * 3600 + 4 * 60 + 5);
  job.answer = "0:07\n";
  EXPECT_EQ(job.find().left, 7);
}

TEST(JobTime, TaskOfAnArray) {
  Job job{.variables = {{"SLURM_JOB_ID", "77"},
                        {"SLURM_ARRAY_JOB_ID", "70"},
                        {"SLURM_ARRAY_TASK_ID", "3"}},
          .answer = "1:02:03"};
  EXPECT_EQ(job.find().left, 3723);
  EXPECT_EQ(job.asked, (std::vector<std::string>{"70_3"}));
}

TEST(JobTime, NoLimitOrNoneKnown) {
  Job job{.variables = {{"SLURM_JOB_ID", "77"}}, .answer = "UNLIMITED\n"};
  for (const char* word : {"UNLIMITED\n", "NOT_SET\n"}) {
    job.answer = word;
    EXPECT_FALSE(job.find().left);
    EXPECT_EQ(job.find().warning, "");
  }
  job.answer = "INVALID\n";
  EXPECT_FALSE(job.find().left);
  EXPECT_EQ(job.find().warning,
            "the time limit of Slurm's job 77 is not known (squeue says INVALID): give "
            "--time-limit, or the job may end within a document");
  job.answer.reset();
  EXPECT_FALSE(job.find().left);
  EXPECT_EQ(job.find().warning,
            "the time limit of Slurm's job 77 is not known (squeue did not answer): give "
            "--time-limit, or the job may end within a document");
  job.variables["SLURM_JOB_ID"] = "7 -l";
  job.asked.clear();
  EXPECT_NE(job.find().warning, "");
  EXPECT_TRUE(job.asked.empty());
}

TEST(JobTime, EndTime) {
  Job job{.variables = {{"SLURM_JOB_ID", "77"}, {"SLURM_JOB_END_TIME", "1000500"}},
          .answer = "9:00"};
  EXPECT_EQ(job.find().left, 500);
  EXPECT_TRUE(job.asked.empty());
  job.variables["SLURM_JOB_END_TIME"] = "999999";  // the limit was raised, or the clock is wrong
  EXPECT_EQ(job.find().left, 540);
}

TEST(JobTime, Torque) {
  Job job{.variables = {{"PBS_WALLTIME", "3600"}}, .answer = {}};
  EXPECT_EQ(job.find().left, 3500);
  job.variables["PBS_WALLTIME"] = "0";
  EXPECT_FALSE(job.find().left);
}

// The real questions; `squeue` is a script in a folder that comes first in PATH.
TEST(JobTime, AProgram) {
  const TestFolder folder;
  const std::string path = std::getenv("PATH");
  const std::string script = folder.write("squeue", "#!/bin/sh\necho \"$*\"\n");
  std::filesystem::permissions(script, std::filesystem::perms::owner_all);
  ::setenv("PATH", (folder.path().string() + ":" + path).c_str(), 1);
  EXPECT_EQ(job_questions().squeue("70_3"), "-h -j 70_3 -o %L\n");
  folder.write("squeue", "#!/bin/sh\necho 1:00\nexit 1\n");
  EXPECT_FALSE(job_questions().squeue("70_3"));
  ::setenv("PATH", (folder / "none").c_str(), 1);
  EXPECT_FALSE(job_questions().squeue("70_3"));
  ::setenv("PATH", path.c_str(), 1);
  EXPECT_GE(job_questions().session_age(), 0);
  EXPECT_GT(job_questions().epoch(), 1.7e9);
}

}  // namespace qk::time_limit_test
