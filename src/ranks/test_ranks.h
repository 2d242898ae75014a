// For tests only: a run over ranks that are threads of this process.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <cstring>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/atomic_file.h"
#include "base/test_folder.h"
#include "capture/run.h"
#include "capture/stage_weights.h"
#include "capture/test_run.h"
#include "cluster/test_network.h"
#include "ranks/run_over_ranks.h"

namespace qk {

// Of one rank.
struct RankEnd {
  RanksEnd end;
  std::string error;  // of the Error that it threw
};

struct TestRanks {
  int count = 2;
  std::vector<std::string> texts = {};
  std::filesystem::path out = {};  // the output folder
  bool resume = false;
  CrewTimes times = {.beat = 0.05, .lost = 5, .sleep = 0.001, .fill = 0.05};
  double see_seconds = 5;
  TimeLimit* limit = nullptr;
  std::atomic<bool>* stop = nullptr;
  // What differs from rank to rank.
  std::function<void(int rank, PreparedRun&, RanksOptions&)> change = {};
  std::function<void(LocalNetwork&)> watch = {};  // before the ranks begin
  std::vector<std::string>* warnings = nullptr;   // of rank 0

  std::vector<RankEnd> run() const {
    LocalNetwork network(count);
    if (watch) watch(network);
    std::vector<RankEnd> ends(static_cast<size_t>(count));
    std::vector<std::thread> threads;
    for (int rank = 0; rank < count; ++rank) {
      threads.emplace_back([this, rank, &network, &ends] {
        run_rank(rank, network, ends[static_cast<size_t>(rank)]);
      });
    }
    for (std::thread& thread : threads) thread.join();
    return ends;
  }

 private:
  void run_rank(int rank, LocalNetwork& network, RankEnd& end) const {
    const TestFolder model;
    PreparedRun run = test_run(texts, model.path());
    run.config.output.data_root = out.string();
    RanksOptions options;
    options.run.resume = resume;
    options.run.num_threads = 1;
    options.run.stop = stop;
    options.run.time_limit = limit;
    options.times = times;
    options.see_seconds = see_seconds;
    if (rank == 0 && warnings != nullptr) {
      options.run.warn = [this](const std::string& sentence) { warnings->push_back(sentence); };
    }
    if (change) change(rank, run, options);
    const std::unique_ptr<Transport> transport = network.transport(rank);
    try {
      end.end = run_over_ranks(run, options, *transport);
    } catch (const Error& error) {
      end.error = error.what();
    }
  }
};

// Every file below `folder` with its bytes.
inline std::map<std::string, std::string> files_in(const std::filesystem::path& folder) {
  std::map<std::string, std::string> out;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    if (!entry.is_regular_file()) continue;
    out[std::filesystem::relative(entry.path(), folder).string()] = read_file(entry.path());
  }
  return out;
}

// The dataset of one process by itself.
inline std::map<std::string, std::string> dataset_alone(const std::vector<std::string>& texts) {
  const TestFolder model, out;
  PreparedRun run = test_run(texts, model.path());
  run.config.output.data_root = (out / "data").string();
  RunOptions options;
  options.num_threads = 1;
  run_capture(run, options);
  return files_in(out / "data");
}

inline std::vector<std::string> some_texts(int64_t count) {
  std::vector<std::string> out;
  for (int64_t i = 0; i < count; ++i) out.push_back(words(1 + (i * 37) % 60));
  return out;
}

// Other values of the same size, as if nobody could have read these.
inline void spoil_weights(const Model& model) {
  for (const WeightFile& file : weight_files(model)) {
    std::string bytes = read_file(file.path);
    uint64_t header = 0;
    std::memcpy(&header, bytes.data(), sizeof(header));
    const int fd = ::open(file.path.c_str(), O_WRONLY);
    ASSERT_GE(fd, 0);
    const std::string other(bytes.size() - sizeof(header) - header, '\x11');
    ASSERT_EQ(::pwrite(fd, other.data(), other.size(), static_cast<off_t>(sizeof(header) + header)),
              std::ssize(other));
    ::close(fd);
  }
}

}  // namespace qk
