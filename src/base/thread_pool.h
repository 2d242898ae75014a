// The program's pool of threads, for kernels and files. Kernels inside it are single-threaded; only
// the tokenising of the next batch runs beside it (capture/document_reader.h).
//
// Threads: parallel_for may be called from one thread at a time, and not from inside a task.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace qk {

class ThreadPool {
 public:
  // num_threads counts the calling thread, so 1 starts none. 0: one per available core
  // (base/machine_limits.h). Throws Error if the system refuses so many.
  explicit ThreadPool(int num_threads = 0);
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;
  ~ThreadPool();

  int num_threads() const { return static_cast<int>(workers_.size()) + 1; }

  // Runs task(index, thread) for every index in [0, num_tasks), in increasing order of start, on
  // all threads; thread is in [0, num_threads). Returns when all are done. The first exception
  // thrown by a task is thrown again here, after the running tasks ended; tasks not yet started are
  // dropped.
  void parallel_for(int64_t num_tasks, const std::function<void(int64_t index, int thread)>& task);

 private:
  void stop();
  void work(int thread);
  void run_tasks(int thread);

  std::vector<std::thread> workers_;
  std::mutex mutex_;
  std::condition_variable start_;
  std::condition_variable done_;
  const std::function<void(int64_t, int)>* task_ = nullptr;
  int64_t num_tasks_ = 0;
  std::atomic<int64_t> next_{0};
  int num_busy_ = 0;
  uint64_t generation_ = 0;
  bool stop_ = false;
  std::exception_ptr error_;
};

}  // namespace qk
