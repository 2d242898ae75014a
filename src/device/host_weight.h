// A weight of the host as a plugin takes it: dense numbers where they are, or rows on request.
#pragma once

#include <cstdint>
#include <span>

#include "base/tensor.h"
#include "base/thread_pool.h"
#include "device/torch_api.h"

namespace qk {

// What it views outlives it, and so does the pool, which rows that have to be widened are read with; it
// may not move while a plugin knows its view.
class HostWeight {
 public:
  // Of a mapped file: its pages are given back when the plugin has copied it.
  HostWeight(const WeightMatrix& weight, ThreadPool& pool);
  HostWeight(std::span<const float> vector, ThreadPool& pool);  // [1, n], not mapped

  QkHostWeight view() const;
  // Null for a vector.
  const WeightMatrix* mapped() const { return mapped_ ? &weight_ : nullptr; }

 private:
  static int32_t read_rows(const void* source, int64_t first, int64_t count, float* out);
  static void release(const void* source);

  WeightMatrix weight_;
  ThreadPool* pool_;
  bool mapped_;
};

}  // namespace qk
