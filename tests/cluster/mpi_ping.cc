// For tests/cluster/mpi_test.py: the ranks of an MPI run send each other messages of all sizes through
// MpiTransport and check every byte. Rank 0 prints one line of JSON.
//   mpi_ping sizes [PIECE_BYTES [LARGEST]]   from every rank to every rank
//   mpi_ping large BYTES                     one message from rank 1 to rank 0
//   mpi_ping killed                          the last rank kills itself, the others go on and leave
//   mpi_ping idle SECONDS                    the CPU time of waiting
// --mpi is the environment variable QK_TEST_MPI (default: auto).
#include <sys/resource.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "base/error.h"
#include "cluster/mpi_start.h"

namespace qk {
namespace {

using Clock = std::chrono::steady_clock;

constexpr auto kSleep = std::chrono::milliseconds(1);
constexpr int kPatienceSeconds = 40;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

std::string pattern(int from, int to, size_t index, int64_t size) {
  std::string out(static_cast<size_t>(size), '\0');
  uint64_t state =
      1 + static_cast<uint64_t>(from) * 1000003 + static_cast<uint64_t>(to) * 10007 + index;
  for (char& byte : out) {
    state = state * 6364136223846793005U + 1442695040888963407U;
    byte = static_cast<char>(state >> 56);
  }
  return out;
}

// One rank; ends the process with a sentence if nothing comes for long.
class Rank {
 public:
  Rank(MpiStart& start, std::unique_ptr<MpiTransport> transport)
      : start_(start), transport_(std::move(transport)) {}

  MpiTransport& transport() { return *transport_; }
  int rank() const { return transport_->rank(); }
  int size() const { return transport_->size(); }

  Transport::Received wait() {
    const auto begin = Clock::now();
    while (true) {
      if (auto message = transport_->poll()) return std::move(*message);
      if (seconds_since(begin) > kPatienceSeconds) fail("rank {}: nothing came", rank());
      std::this_thread::sleep_for(kSleep);
    }
  }

  void wait_until_idle() {
    while (!transport_->is_idle()) std::this_thread::sleep_for(kSleep);
  }

  nlohmann::json facts() {
    const NodeRank node = transport_->node_rank();
    return {{"library", start_.library.name},
            {"file", start_.library.file},
            {"launcher", start_.launcher.name},
            {"ranks", size()},
            {"node_ranks", node.size},
            {"local_ranks", start_.launcher.num_local_ranks.value_or(0)}};
  }

 private:
  MpiStart& start_;
  std::unique_ptr<MpiTransport> transport_;
};

// All ranks come to here before one goes on, or rank 0 might leave while others still send.
// num_here: of those whose "here" has come already.
void meet(Rank& rank, int num_here) {
  if (rank.rank() != 0) {
    rank.transport().send(0, "here");
    const auto answer = rank.wait();
    if (answer.from != 0 || answer.bytes != "go") fail("expected go, found {}", answer.bytes);
    return;
  }
  for (; num_here < rank.size() - 1; ++num_here) {
    const auto message = rank.wait();
    if (message.bytes != "here") fail("expected here, found {} bytes", message.bytes.size());
  }
  for (int to = 1; to < rank.size(); ++to) rank.transport().send(to, "go");
  rank.wait_until_idle();
}

nlohmann::json send_sizes(Rank& rank, int64_t largest) {
  std::vector<int64_t> sizes = {0,  1,       7, 1000, 65536, 65537, 1 << 20, 3 * (1 << 20) + 1,
                                12, largest, 0};
  for (size_t i = 0; i < sizes.size(); ++i) {
    for (int to = 0; to < rank.size(); ++to) {
      rank.transport().send(to, pattern(rank.rank(), to, i, sizes[i]));
    }
  }
  std::map<int, size_t> num_received;
  int64_t num_bytes = 0;
  int num_here = 0;
  for (size_t num_left = sizes.size() * static_cast<size_t>(rank.size()); num_left > 0;) {
    const auto message = rank.wait();
    const size_t index = num_received[message.from]++;
    if (index == sizes.size() && message.bytes == "here") {
      ++num_here;
      continue;
    }
    --num_left;
    if (message.bytes != pattern(message.from, rank.rank(), index, sizes.at(index))) {
      fail("rank {}: message {} of rank {} is another ({} bytes)", rank.rank(), index, message.from,
           message.bytes.size());
    }
    num_bytes += std::ssize(message.bytes);
  }
  rank.wait_until_idle();
  meet(rank, num_here);
  return {{"bytes", num_bytes}};
}

nlohmann::json send_large(Rank& rank, int64_t size) {
  const auto begin = Clock::now();
  if (rank.rank() == 1) rank.transport().send(0, pattern(1, 0, 0, size));
  int num_here = 0;
  nlohmann::json said = nlohmann::json::object();
  while (rank.rank() == 0 && said.empty()) {
    const auto message = rank.wait();
    if (message.bytes == "here") {
      ++num_here;
      continue;
    }
    said = {{"bytes", message.bytes.size()}, {"seconds", seconds_since(begin)}};
    if (message.bytes != pattern(1, 0, 0, size)) fail("rank 0: the large message is another");
  }
  rank.wait_until_idle();
  meet(rank, num_here);
  return said;
}

// Rank 0 hears every rank each 50 ms, notices which one is silent, and lets the others leave.
nlohmann::json outlive_a_killed_rank(Rank& rank) {
  constexpr double kLost = 1.5;
  const int last = rank.size() - 1;
  if (rank.rank() == last) std::raise(SIGKILL);
  if (rank.rank() != 0) {
    for (auto beat = Clock::now();; std::this_thread::sleep_for(kSleep)) {
      if (seconds_since(beat) > 0.05) {
        rank.transport().send(0, "beat");
        rank.transport().send(last, "is anyone there?");  // may fail, must not end this process
        beat = Clock::now();
      }
      if (rank.transport().poll()) return nlohmann::json::object();
    }
  }
  std::map<int, Clock::time_point> heard;
  for (int from = 1; from < rank.size(); ++from) heard[from] = Clock::now();
  for (const auto begin = Clock::now(); seconds_since(begin) < 2 * kLost;) {
    while (const auto message = rank.transport().poll()) heard[message->from] = Clock::now();
    rank.transport().send(last, "is anyone there?");
    std::this_thread::sleep_for(kSleep);
  }
  std::vector<int> lost;
  for (const auto& [from, when] : heard) {
    if (seconds_since(when) > kLost) lost.push_back(from);
    rank.transport().send(from, "leave");
  }
  for (const auto begin = Clock::now(); seconds_since(begin) < 0.3;) {
    rank.transport().poll();
    std::this_thread::sleep_for(kSleep);
  }
  return {{"lost", lost}};
}

nlohmann::json idle(Rank& rank, double seconds) {
  const auto cpu_seconds = [] {
    rusage usage = {};
    ::getrusage(RUSAGE_SELF, &usage);
    return static_cast<double>(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           1e-6 * static_cast<double>(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
  };
  const double before = cpu_seconds();
  for (const auto begin = Clock::now(); seconds_since(begin) < seconds;) {
    rank.transport().poll();
    std::this_thread::sleep_for(kSleep);
  }
  return {{"cpu_share", (cpu_seconds() - before) / seconds}};
}

int run(const std::vector<std::string>& words) {
  const std::string mode = words.at(0);
  const auto begin = Clock::now();
  MpiStart start = start_mpi(environment_value("QK_TEST_MPI").value_or("auto"));
  if (start.is_refused) return 0;
  if (start.transport == nullptr) {
    std::puts(R"({"ranks": 1, "library": ""})");
    return 0;
  }
  const double start_seconds = seconds_since(begin);
  std::unique_ptr<MpiTransport> transport = std::move(start.transport);
  if (mode == "sizes" && words.size() > 1) {
    transport = std::make_unique<MpiTransport>(*start.library.api, std::stoll(words[1]));
  }
  Rank rank(start, std::move(transport));
  nlohmann::json said = rank.facts();
  said["start_seconds"] = start_seconds;
  if (mode == "sizes") {
    said.update(send_sizes(rank, words.size() > 2 ? std::stoll(words[2]) : 5 << 20));
  } else if (mode == "large") {
    said.update(send_large(rank, std::stoll(words.at(1))));
  } else if (mode == "killed") {
    said.update(outlive_a_killed_rank(rank));
  } else if (mode == "idle") {
    said.update(idle(rank, std::stod(words.at(1))));
  } else {
    fail("mpi_ping: expected sizes, large, killed or idle, found {}", mode);
  }
  if (rank.rank() == 0) std::printf("%s\n", said.dump().c_str());
  rank.transport().leave(mode != "killed", 0);
  return 0;
}

}  // namespace
}  // namespace qk

int main(int argc, char** argv) {
  try {
    return qk::run({argv + 1, argv + argc});
  } catch (const std::exception& error) {
    std::fprintf(stderr, "mpi_ping: %s\n", error.what());
    return 1;
  }
}
