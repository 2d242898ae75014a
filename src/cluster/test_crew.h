// For tests only: whole crews as threads of this process, with times of a fraction of a second.
#pragma once

#include <fmt/core.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/stopped.h"
#include "cluster/crew.h"
#include "cluster/test_network.h"

namespace qk::crew_test {

inline constexpr CrewTimes kShort = {
    .beat = 0.02, .lost = 0.4, .sleep = 0.001, .fill = 0.05, .start = 20};

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
        if (late.count(static_cast<int>(rank)) > 0) {
          std::this_thread::sleep_for(
              std::chrono::duration<double>(late.at(static_cast<int>(rank))));
        }
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
  std::map<int, double> late;  // ranks that begin so many seconds later
};

// A stage of tasks 0, 1, ...; each is as large as its number. Results go into `results`.
inline Leader::Stage numbers(int64_t count, std::map<int64_t, std::string>& results,
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

inline std::function<void(Worker&)> worker(const Compute& compute) {
  return [compute](Worker& worker) {
    while (const auto stage = worker.next_stage()) {
      while (auto task = worker.next_task(true)) {
        worker.send_result(*task, compute(worker, stage->text, *task));
      }
    }
  };
}

inline std::string squared(Worker&, const std::string&, const CrewTask& task) {
  const int64_t number = std::stoll(task.text);
  return std::to_string(number * number);
}

inline void expect_squares(const std::map<int64_t, std::string>& results, int64_t count) {
  ASSERT_EQ(static_cast<int64_t>(results.size()), count);
  for (const auto& [id, text] : results) EXPECT_EQ(text, std::to_string(id * id));
}

}  // namespace qk::crew_test
