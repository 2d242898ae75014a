#include "download/transfer_threads.h"

#include <algorithm>
#include <exception>
#include <mutex>

#include "base/stopped.h"
#include "base/thread_pool.h"

namespace qk {
namespace {

// Another task failed.
struct Abandoned {};

}  // namespace

void run_transfers(
    int max_workers, int64_t num_tasks, const std::atomic<bool>* stop,
    const std::function<void(int64_t index, const std::function<void()>& check)>& task) {
  if (num_tasks == 0) return;
  std::atomic<bool> failed{false};
  std::exception_ptr first;
  std::mutex mutex;
  const std::function<void()> check = [&] {
    if (failed) throw Abandoned();
    if (stop != nullptr && stop->load()) throw Stopped();
  };
  ThreadPool pool(static_cast<int>(std::clamp<int64_t>(num_tasks, 1, std::max(max_workers, 1))));
  pool.parallel_for(num_tasks, [&](int64_t index, int) {
    try {
      check();
      task(index, check);
    } catch (...) {
      const std::lock_guard lock(mutex);
      if (!failed) first = std::current_exception();
      failed = true;
    }
  });
  if (first) std::rethrow_exception(first);
}

}  // namespace qk
