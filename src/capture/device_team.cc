#include "capture/device_team.h"

#include <algorithm>
#include <thread>
#include <utility>

namespace qk {
namespace {

// Thrown within a batch whose result nobody wants any more.
struct Dropped {};

}  // namespace

DeviceTeam::DeviceTeam(const PreparedRun& run, const RunOptions& options, const MemoryPlan& memory,
                       int num_threads)
    : run_(run),
      options_(options),
      memory_(memory),
      threads_of_each_(std::max(1, num_threads / options.num_devices())),
      progress_(static_cast<size_t>(options.num_devices())) {}

void DeviceTeam::close() {
  const std::lock_guard lock(mutex_);
  closed_ = true;
  changed_.notify_all();
}

void DeviceTeam::give_up(const Hooks& hooks, int64_t ticket, std::exception_ptr fault) {
  hooks.cancel();
  const std::lock_guard lock(mutex_);
  closed_ = true;
  if (!fault_ || ticket < fault_ticket_) {
    fault_ = std::move(fault);
    fault_ticket_ = ticket;
  }
  changed_.notify_all();
}

bool DeviceTeam::take_batch(const Hooks& hooks, int64_t& ticket,
                            std::vector<TokenizedDocument>& documents) {
  const std::lock_guard order(take_mutex_);
  {
    const int64_t most = kBatchesInFlight * options_.num_devices();
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return closed_ || taken_ - finished_ < most; });
    if (closed_) return false;
    ticket = taken_;
  }
  try {
    documents = hooks.take();
  } catch (...) {
    give_up(hooks, ticket, std::current_exception());  // nobody takes another one
    return false;
  }
  if (documents.empty()) {
    close();
    return false;
  }
  const std::lock_guard lock(mutex_);
  ++taken_;
  return true;
}

DeviceTeam::Batch DeviceTeam::compute(BatchWorker& worker, int device, int64_t ticket,
                                      std::vector<TokenizedDocument> documents) {
  Batch out;
  out.size.documents = static_cast<double>(documents.size());
  for (const TokenizedDocument& document : documents) {
    out.size.tokens += static_cast<double>(document.ids.size());
  }
  const auto show = [&](double part) {
    const std::lock_guard lock(mutex_);
    if (abandoned_ || ticket > fault_ticket_) throw Dropped();
    progress_[static_cast<size_t>(device)] = {part * out.size.documents, part * out.size.tokens};
    has_news_ = true;
    changed_.notify_all();
  };
  out.result = worker.compute(
      std::move(documents),
      {.sink = [&](CaptureBlock&& block) { out.blocks.push_back(std::move(block)); },
       .restart = [&] { out.blocks.clear(); },
       .show = show,
       .warn = [&](const std::string& sentence) { out.warnings.push_back(sentence); }});
  return out;
}

void DeviceTeam::work(int device, const Hooks& hooks) {
  int64_t ticket = std::numeric_limits<int64_t>::max();
  try {
    ThreadPool pool(threads_of_each_);
    BatchWorker worker(run_, options_, memory_, device, pool);
    std::vector<TokenizedDocument> documents;
    while (take_batch(hooks, ticket, documents)) {
      Batch batch = compute(worker, device, ticket, std::move(documents));
      const std::lock_guard lock(mutex_);
      computed_.emplace(ticket, std::move(batch));
      progress_[static_cast<size_t>(device)] = {};
      changed_.notify_all();
    }
  } catch (...) {
    give_up(hooks, ticket, std::current_exception());
  }
  const std::lock_guard lock(mutex_);
  --num_running_;
  changed_.notify_all();
}

DeviceTeam::Progress DeviceTeam::unfinished() const {
  Progress all;
  const auto add = [&](const Progress& one) {
    all.documents += one.documents;
    all.tokens += one.tokens;
  };
  for (const Progress& one : progress_) add(one);
  for (const auto& [ticket, batch] : computed_) add(batch.size);
  return all;
}

void DeviceTeam::finish_batches(const Hooks& hooks) {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock,
                  [&] { return has_news_ || computed_.contains(finished_) || num_running_ == 0; });
    has_news_ = false;
    auto next = computed_.extract(finished_);
    if (next.empty() && num_running_ == 0) return;
    if (!next.empty()) {
      lock.unlock();
      hooks.finish(std::move(next.mapped()));
      lock.lock();
      ++finished_;
      changed_.notify_all();
    }
    const Progress all = unfinished();
    lock.unlock();
    hooks.show(all);
    lock.lock();
  }
}

void DeviceTeam::run(const Hooks& hooks) {
  std::vector<std::thread> threads;
  const auto join = [&] {
    close();
    for (std::thread& thread : threads) thread.join();
  };
  threads.reserve(progress_.size());
  try {
    for (int device = 0; device < options_.num_devices(); ++device) {
      {
        const std::lock_guard lock(mutex_);
        ++num_running_;
      }
      threads.emplace_back([this, device, &hooks] { work(device, hooks); });
    }
    finish_batches(hooks);
  } catch (...) {
    {
      const std::lock_guard lock(mutex_);
      abandoned_ = true;
    }
    hooks.cancel();
    join();
    throw;
  }
  join();
  if (fault_) std::rethrow_exception(fault_);
}

}  // namespace qk
