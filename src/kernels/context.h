// What the operations of a backend run on, made by make_context of the same backend and passed to
// each of them. cpu and ref need the pool only; a backend with a device derives its own.
#pragma once

#include "base/thread_pool.h"

namespace qk {

struct Context {
  explicit Context(ThreadPool& threads) : pool(threads) {}
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;
  virtual ~Context() = default;

  ThreadPool& pool;  // of the host; outlives the context
};

}  // namespace qk
