#include "torch/environment.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdlib>
#include <span>
#include <string_view>

#include "torch/errors.h"

namespace qk_torch {
namespace {

// Set to another value than `allowed` (letters of any size) or nothing, such a variable is refused.
struct Refused {
  const char* name;
  std::string_view allowed;
  const char* why;
};
constexpr std::array<Refused, 2> kRefusedOfGpu = {{
    {"NVIDIA_TF32_OVERRIDE", "0", "float32 would be multiplied as TF32"},
    {"PYTORCH_TUNABLEOP_ENABLED", "0", "kernels would be chosen by timing them, so bits by chance"},
}};
constexpr std::array<Refused, 2> kRefusedOfHost = {{
    {"ONEDNN_DEFAULT_FPMATH_MODE", "strict", "float32 would be multiplied in a narrower type"},
    {"DNNL_DEFAULT_FPMATH_MODE", "strict", "float32 would be multiplied in a narrower type"},
}};

constexpr std::array<const char*, 10> kNotedOfGpu = {
    "CUBLAS_WORKSPACE_CONFIG",     "CUBLASLT_WORKSPACE_SIZE",        "HIPBLASLT_WORKSPACE_SIZE",
    "DISABLE_ADDMM_CUDA_LT",       "DISABLE_ADDMM_HIP_LT",           "TORCH_BLAS_PREFER_CUBLASLT",
    "TORCH_BLAS_PREFER_HIPBLASLT", "TORCH_CUDNN_SDPA_DEPRIORITIZED", "TORCH_CUDNN_SDPA_PREFERRED",
    "ROCBLAS_USE_HIPBLASLT"};
// ATEN_CPU_CAPABILITY is what describe names "capability".
constexpr std::array<const char*, 5> kNotedOfHost = {"MKL_CBWR", "MKL_ENABLE_INSTRUCTIONS",
                                                     "ONEDNN_MAX_CPU_ISA", "DNNL_MAX_CPU_ISA",
                                                     "OPENBLAS_CORETYPE"};

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

std::string lower(std::string text) {
  std::ranges::transform(text, text.begin(), [](unsigned char c) { return std::tolower(c); });
  return text;
}

}  // namespace

void refuse_environment(bool on_host) {
  for (const Refused& refused :
       on_host ? std::span<const Refused>(kRefusedOfHost) : kRefusedOfGpu) {
    const std::string value = variable(refused.name);
    if (value.empty() || lower(value) == refused.allowed) continue;
    throw Failure("expected the environment's " + std::string(refused.name) + " to be unset or " +
                  std::string(refused.allowed) + ", found " + value + ": " + refused.why);
  }
}

std::string environment_of_bits(bool on_host) {
  std::string out;
  for (const char* name : on_host ? std::span<const char* const>(kNotedOfHost) : kNotedOfGpu) {
    const std::string value = variable(name);
    if (value.empty()) continue;
    if (!out.empty()) out += ' ';
    out += std::string(name) + "=" + value;
  }
  return out;
}

}  // namespace qk_torch
