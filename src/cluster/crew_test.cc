// Whole crews as threads of this process, with times of a fraction of a second.
#include "cluster/crew.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <map>
#include <mutex>
#include <numeric>
#include <thread>

#include "base/stopped.h"
#include "base/test_error.h"
#include "cluster/local_transport.h"
#include "cluster/message.h"

namespace qk {
namespace crew_test {
namespace {

using std::chrono::milliseconds;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr CrewTimes kShort = {.beat = 0.02, .lost = 0.4, .sleep = 0.001, .fill = 0.05};

// What the ranks of a test came to.
struct Outcome {
  std::vector<CrewEnd> ends;        // [ranks]
  std::vector<std::string> errors;  // [ranks] what run_crew threw
  std::vector<int> left;            // [ranks] what CrewSides::left was told; -1: nothing
  std::vector<std::string> warnings;
};

struct Team {
  explicit Team(int size) : network(size), stops(static_cast<size_t>(size)) {
    for (auto& stop : stops) stop = std::make_unique<std::atomic<bool>>(false);
  }

  Outcome run(const std::function<int(Leader&)>& lead, const std::function<void(Worker&)>& work) {
    const size_t size = stops.size();
    Outcome outcome = {.ends = std::vector<CrewEnd>(size),
                       .errors = std::vector<std::string>(size),
                       .left = std::vector<int>(size, -1),
                       .warnings = {}};
    std::vector<std::thread> threads;
    for (size_t rank = 0; rank < size; ++rank) {
      threads.emplace_back([&, rank] {
        const auto transport = network.transport(static_cast<int>(rank));
        CrewSides sides = {
            .hello = fmt::format("{{\"rank\": {}}}", rank),
            .host = fmt::format("node{}", rank),
            .work = work,
            .warn = [&](const std::string& text) { outcome.warnings.push_back(text); },
            .stop = stops[rank].get()};
        if (rank == 0) sides.lead = lead;
        sides.left = [&, rank](bool all) { outcome.left[rank] = all ? 1 : 0; };
        try {
          outcome.ends[rank] = run_crew(*transport, sides, times);
        } catch (const Stopped&) {
          outcome.errors[rank] = "stopped";
        } catch (const std::exception& error) {
          outcome.errors[rank] = error.what();
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
    return outcome;
  }

  LocalNetwork network;
  std::vector<std::unique_ptr<std::atomic<bool>>> stops;
  CrewTimes times = kShort;
};

// A stage of tasks 0, 1, ...; each is as large as its number. Results go into `results`.
Leader::Stage numbers(int64_t count, std::map<int64_t, std::string>& results,
                      std::string text = "square") {
  return {.text = std::move(text),
          .next = [i = int64_t{0}, count]() mutable -> std::optional<CrewTask> {
            if (i == count) return std::nullopt;
            CrewTask task = {.id = i, .size = static_cast<double>(i), .text = std::to_string(i)};
            ++i;
            return task;
          },
          .take =
              [&results](CrewResult&& result) {
                EXPECT_TRUE(results.emplace(result.id, std::move(result.text)).second);
              }};
}

using Compute = std::function<std::string(Worker&, const std::string& stage, const CrewTask&)>;

std::function<void(Worker&)> worker(const Compute& compute) {
  return [compute](Worker& worker) {
    while (const auto stage = worker.next_stage()) {
      while (auto task = worker.next_task(true)) {
        worker.send_result(*task, compute(worker, stage->text, *task));
      }
    }
  };
}

std::string squared(Worker&, const std::string&, const CrewTask& task) {
  const int64_t number = std::stoll(task.text);
  return std::to_string(number * number);
}

void expect_squares(const std::map<int64_t, std::string>& results, int64_t count) {
  ASSERT_EQ(static_cast<int64_t>(results.size()), count);
  for (const auto& [id, text] : results) EXPECT_EQ(text, std::to_string(id * id));
}

TEST(Crew, SeveralStages) {
  for (const int size : {1, 2, 7}) {
    Team team(size);
    std::map<int64_t, std::string> squares, texts;
    const Outcome outcome = team.run(
        [&](Leader& leader) {
          EXPECT_EQ(leader.num_ranks(), size);
          const std::vector<std::string> hellos = leader.hellos();
          EXPECT_EQ(static_cast<int>(hellos.size()), size);
          EXPECT_EQ(hellos.back(), fmt::format("{{\"rank\": {}}}", size - 1));
          EXPECT_TRUE(leader.run_stage(numbers(100, squares)));
          std::map<int64_t, std::string> none;
          EXPECT_TRUE(leader.run_stage(numbers(0, none)));
          EXPECT_TRUE(leader.run_stage(numbers(3, texts, "text")));
          return 0;
        },
        worker([](Worker& self, const std::string& stage, const CrewTask& task) {
          return stage == "square" ? squared(self, stage, task) : stage + task.text;
        }));
    expect_squares(squares, 100);
    EXPECT_THAT(texts,
                ElementsAre(std::pair(0, "text0"), std::pair(1, "text1"), std::pair(2, "text2")));
    EXPECT_THAT(outcome.warnings, ElementsAre());
    for (int rank = 0; rank < size; ++rank) {
      EXPECT_EQ(outcome.errors[static_cast<size_t>(rank)], "");
      EXPECT_EQ(outcome.ends[static_cast<size_t>(rank)].exit_code, 0);
      EXPECT_EQ(outcome.ends[static_cast<size_t>(rank)].sentence, "");
      EXPECT_EQ(outcome.left[static_cast<size_t>(rank)], 1);
    }
  }
}

}  // namespace
}  // namespace crew_test
}  // namespace qk
