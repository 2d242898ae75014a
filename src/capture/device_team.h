// Several devices with the same model: each computes batches of documents on a thread of its own.
// What they give is handed over in the order of the corpus, so a journal is that of one device.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <exception>
#include <functional>
#include <limits>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "capture/batch_worker.h"

namespace qk {

class DeviceTeam {
 public:
  struct Progress {
    double documents = 0, tokens = 0;
  };
  struct Batch {
    Progress size;
    BatchWorker::Result result;
    std::vector<CaptureBlock> blocks;
    std::vector<std::string> warnings;
  };
  struct Hooks {
    // The next batch; empty: there is none. Called by one thread at a time, any of them.
    std::function<std::vector<TokenizedDocument>()> take;
    // No further batch is wanted: a `take` that waits is to end. Called by any thread.
    std::function<void()> cancel;
    // Batches in order. Called by the thread that runs the team, as `show` is.
    std::function<void(Batch&&)> finish;
    // What is computed of the batches that are not finished; after each `finish` too.
    std::function<void(const Progress&)> show;
  };

  // REQUIRES: the references outlive the team.
  DeviceTeam(const PreparedRun& run, const RunOptions& options, const MemoryPlan& memory,
             int num_threads);

  // Until `take` has no more. After an exception of a batch those before it are finished, those
  // after it are given up at their next layer, and it is thrown: that of the first batch if there
  // are several. After one of `finish` or `show` all are given up.
  void run(const Hooks& hooks);

 private:
  void work(int device, const Hooks& hooks);
  // False: there is no further batch.
  bool take_batch(const Hooks& hooks, int64_t& ticket, std::vector<TokenizedDocument>& documents);
  Batch compute(BatchWorker& worker, int device, int64_t ticket,
                std::vector<TokenizedDocument> documents);
  Progress unfinished() const;  // REQUIRES: mutex_ is held
  void finish_batches(const Hooks& hooks);
  void give_up(const Hooks& hooks, int64_t ticket, std::exception_ptr fault);
  void close();

  const PreparedRun& run_;
  const RunOptions& options_;
  const MemoryPlan& memory_;
  const int threads_of_each_;
  std::mutex take_mutex_;  // held while a batch is taken: tickets are in the order of the corpus

  std::mutex mutex_;  // of everything below
  std::condition_variable changed_;
  int num_running_ = 0;
  bool closed_ = false;                // no further batch is begun
  bool abandoned_ = false;             // no batch is wanted any more
  int64_t taken_ = 0, finished_ = 0;   // batches
  std::map<int64_t, Batch> computed_;  // and not yet finished, by ticket
  std::vector<Progress> progress_;     // [devices]
  bool has_news_ = false;              // for `show`
  std::exception_ptr fault_;
  int64_t fault_ticket_ = std::numeric_limits<int64_t>::max();
};

}  // namespace qk
