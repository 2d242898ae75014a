// Which kernel attention runs and what memory it takes for itself: functions of the facts of a device and
// of a shape alone. Nothing of torch is needed here.
#pragma once

#include <cstdint>
#include <string>

#include "device/torch_api.h"

namespace qk_torch {

// All of an opened device that decides which kernels run.
struct DeviceFacts {
  int32_t type = QK_F32;
  bool dispatched_attention = false;
  bool on_host = true;
  // Of a GPU:
  std::string name;
  int capability_major = 0, capability_minor = 0;  // -1: not known
  int64_t cudnn_version = 0;                       // that is loaded, 91002: 9.10.2; 0 without cuDNN
  bool is_hip = false;
};

enum class AttentionKernel : uint8_t {
  kDispatched,  // torch's dispatcher, as transformers calls it
  kSdpa,        // cpu: torch's fused kernel without a mask
  kBands,       // blocks of queries with small masks: any shape
  kCudnn,       // half precision, whole documents without a window
  kFlash,       // FlashAttention-2: windows, and chunks of queries
  kEfficient,   // no window: float32, and float16 on GPUs without FlashAttention-2
};

// One call: query i stands at first + i; keys are those that any query sees. A window of 0 is none.
struct AttentionShape {
  int64_t queries = 0, keys = 0, first = 0, head_dim = 0, window = 0;
  bool causal = true;
};

AttentionKernel choose_kernel(const DeviceFacts& facts, const AttentionShape& shape);
std::string kernel_name(AttentionKernel kernel);

// Whether transformers makes a mask, where is_causal does not say it all (masking_utils.py).
bool needs_mask(const AttentionShape& shape);

// Bands: numbers in the mask of one on the cpu, or in its scores on a GPU, and the most queries.
constexpr int64_t kMostMaskNumbers = int64_t{1} << 23, kMostScores = int64_t{1} << 26;
constexpr int64_t kMostBandQueries = 1024;

// The most bytes that one call takes besides its arguments: of full layers, and of layers with
// shape.window if there are such.
int64_t attention_scratch_bytes(const DeviceFacts& facts, const QkScratch& shape);

}  // namespace qk_torch
