// For tests only: a coordinator whose ranks say what the test says.
#pragma once

#include <fmt/core.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "cluster/coordinator.h"

namespace qk {

inline constexpr CrewTimes kCoordinatorTimes = {
    .beat = 1, .lost = 10, .sleep = 0.001, .fill = 2, .start = 40};

struct SaidRanks {
  explicit SaidRanks(int size) : coordinator(size, kCoordinatorTimes, 0) {
    for (int rank = 0; rank < size; ++rank) {
      say(rank, MessageType::kHello, 0, fmt::format("node{}\n{{}}", rank), 0);
    }
  }

  void say(int rank, MessageType type, int64_t number = 0, std::string text = {},
           int32_t stage = 1) {
    coordinator.receive(
        rank, {.type = type, .stage = stage, .number = number, .text = std::move(text)}, now);
  }
  // Seconds go by, in which these ranks give signs of life.
  void pass(double seconds, const std::vector<int>& alive) {
    for (const double end = now + seconds; now < end;) {
      now += 0.5;
      for (const int rank : alive) say(rank, MessageType::kBeat, 0);
      coordinator.tick(now);
    }
  }
  void begin(int64_t num_tasks) {
    coordinator.begin_stage("text", 4, now);
    for (int64_t i = 0; i < num_tasks; ++i) {
      coordinator.add({.id = i, .size = static_cast<double>(i), .text = std::to_string(i)});
    }
    coordinator.no_more_tasks();
  }
  // What was sent of this type, as "rank:number".
  std::vector<std::string> sent(MessageType type) {
    for (Coordinator::Send& send : coordinator.take_sends()) log.push_back(std::move(send));
    std::vector<std::string> found;
    std::erase_if(log, [&](const Coordinator::Send& send) {
      if (send.head.type != type) return false;
      found.push_back(fmt::format("{}:{}", send.to, send.head.number));
      return true;
    });
    return found;
  }
  std::vector<int64_t> results() {
    std::vector<int64_t> ids;
    for (const CrewResult& result : coordinator.take_results()) ids.push_back(result.id);
    return ids;
  }

  double now = 0;
  Coordinator coordinator;
  std::vector<Coordinator::Send> log;
};

}  // namespace qk
