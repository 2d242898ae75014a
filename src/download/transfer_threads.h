// The threads of a transfer.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>

namespace qk {

// Runs task(index, check) for every index below num_tasks, in this order of start, on at most
// max_workers threads. The first exception of a task is thrown again when all have ended; the others
// end early, because check() then throws, as it throws Stopped once *stop is set.
void run_transfers(
    int max_workers, int64_t num_tasks, const std::atomic<bool>* stop,
    const std::function<void(int64_t index, const std::function<void()>& check)>& task);

}  // namespace qk
