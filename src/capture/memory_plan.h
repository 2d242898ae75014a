// How a run keeps within a budget of memory, decided before it begins. Results do not depend on it.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>

#include "capture/prepared_run.h"
#include "capture/run_options.h"

namespace qk {

// Documents that are computed together.
struct BatchLimits {
  int64_t documents = 1;
  int64_t tokens = 8192;  // another one is only begun below this
  bool hard = false;      // and only if it stays within
};

// Of each device of torch, in bytes.
struct DeviceMemoryPlan {
  int64_t budget = 0;   // --vram, or what is free there less a reserve; 0: neither is known
  int64_t weights = 0;  // in the type of the run: of all layers, or of two at once if they stream
  int64_t work = 0;     // hidden states, keys and values, one chunk, what operations take

  int64_t peak() const { return weights + work; }
};

struct MemoryPlan {
  int64_t budget = 0;  // bytes; 0: none was given
  bool fits = true;
  std::string option;  // if not: what is too small, --ram, --vram or the device,
  std::string advice;  // and what would help

  ForwardOptions forward;  // with the chunk and the streaming that fit
  BatchLimits batch;
  int num_writers = 1;  // threads that write files at once

  // Bytes at the peak, for documents of planned_length() tokens.
  int64_t tokenizer = 0;  // of work: tokenising, which runs beside the forward pass
  int64_t base = 0;       // program, tokenizer, what is loaded
  int64_t work = 0;       // documents of two batches, hidden states, keys and values, captured rows
  int64_t weights = 0;    // resident pages of the mapped weights
  int64_t finish = 0;     // instead of work and weights, while files are written

  std::optional<DeviceMemoryPlan> device;  // none: our own kernels

  int64_t peak() const { return base + std::max(work + weights, finish); }
};

// Batches of one device that are computed or wait to be journalled, if there are several devices.
inline constexpr int64_t kBatchesInFlight = 2;

// Tokens of the document that a plan is made for: max_length, but not more than any document may be
// expected to have. With a budget max_length may not be larger.
constexpr int64_t kLongestPlanned = int64_t{1} << 20;
int64_t planned_length(const SniffConfig& config);

// Without a budget: the options as they are, and what they come to. With one, in this order as far
// as it is needed: fewer documents at once, smaller chunks, weights streamed layer by layer (then
// as many documents at once as fit, since each group of them reads the weights once), fewer
// writers. Chunks are only made smaller where no bit depends on them: not on torch.
MemoryPlan plan_memory(const PreparedRun& run, const RunOptions& options);

// The plan of a run that is about to begin, once freed memory goes back to the system where a limit or
// torch asks for that. Throws Error that names the option and the way out if it does not fit.
MemoryPlan plan_that_fits(const PreparedRun& run, const RunOptions& options);

}  // namespace qk
