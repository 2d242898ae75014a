// How many messages a second can rank 0 digest, with 256 ranks? Its loop has at most some thousands
// of them a second: a sign of life each, and a request and a result for each task.
//
//   build/bench/coordinator_bench
//
// messages: received and sent, encoded and decoded as on their way. The tasks have 1 KiB of text.
#include <benchmark/benchmark.h>

#include <string>
#include <vector>

#include "cluster/coordinator.h"

namespace qk {
namespace {

constexpr int64_t kWindow = 4;

struct Crowd {
  explicit Crowd(int size) : coordinator(size, {}, 0) {
    for (int rank = 0; rank < size; ++rank) say(rank, MessageType::kHello, 0, "node\n{}");
    coordinator.begin_stage("text", kWindow, 0);
    fill();
    for (int rank = 0; rank < size; ++rank) say(rank, MessageType::kWant, 2);
  }

  void say(int rank, MessageType type, int64_t number, std::string text) {
    std::string bytes =
        encode(Message{.type = type, .stage = 1, .number = number, .text = std::move(text)});
    coordinator.receive(rank, decode(std::move(bytes), rank), now);
    ++num_messages;
  }
  void say(int rank, MessageType type, int64_t number) { say(rank, type, number, ""); }

  void fill() {
    while (coordinator.wants_task()) {
      coordinator.add({.id = next_id++,
                       .size = static_cast<double>(next_id * 7919 % 1000),
                       .text = std::string(1024, 'x')});
    }
  }

  // Every task that was dealt is done at once.
  void turn() {
    now += 0.001;
    coordinator.tick(now);
    for (const Coordinator::Send& send : coordinator.take_sends()) {
      ++num_messages;
      benchmark::DoNotOptimize(encode(send.head, send.body ? *send.body : send.head.text));
      if (send.head.type != MessageType::kTask) continue;
      say(send.to, MessageType::kResult, send.head.number);
      say(send.to, MessageType::kWant, 1);
    }
    coordinator.take_results();
    fill();
  }

  Coordinator coordinator;
  double now = 0;
  int64_t next_id = 0, num_messages = 0;
};

void tasks(benchmark::State& state) {
  Crowd crowd(static_cast<int>(state.range(0)));
  for (auto _ : state) crowd.turn();
  state.counters["messages"] =
      benchmark::Counter(static_cast<double>(crowd.num_messages), benchmark::Counter::kIsRate);
}
BENCHMARK(tasks)->Arg(1)->Arg(16)->Arg(256)->Unit(benchmark::kMicrosecond);

void signs_of_life(benchmark::State& state) {
  const int size = static_cast<int>(state.range(0));
  Crowd crowd(size);
  for (auto _ : state) {
    for (int rank = 0; rank < size; ++rank) crowd.say(rank, MessageType::kBeat, 0);
  }
  state.counters["messages"] =
      benchmark::Counter(static_cast<double>(crowd.num_messages), benchmark::Counter::kIsRate);
}
BENCHMARK(signs_of_life)->Arg(256)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace qk

BENCHMARK_MAIN();
