#include "torch/environment.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

#include "torch/errors.h"

namespace qk_torch::environment_test {
namespace {

// Sets a variable while it lives.
class Set {
 public:
  Set(const char* name, const char* value) : name_(name) { ::setenv(name, value, 1); }
  Set(const Set&) = delete;
  Set& operator=(const Set&) = delete;
  ~Set() { ::unsetenv(name_); }

 private:
  const char* name_;
};

std::string refused(bool on_host) {
  try {
    refuse_environment(on_host);
    return "";
  } catch (const Failure& failure) {
    return failure.what();
  }
}

TEST(Environment, OverridesOfThePrecisionAreRefusedByName) {
  ::clearenv();  // of this machine
  EXPECT_EQ(refused(false), "");
  EXPECT_EQ(refused(true), "");
  {
    const Set tf32("NVIDIA_TF32_OVERRIDE", "1");
    EXPECT_EQ(refused(false),
              "expected the environment's NVIDIA_TF32_OVERRIDE to be unset or 0, found 1: float32 "
              "would be multiplied as TF32");
    EXPECT_EQ(refused(true), "");
  }
  {
    const Set off("NVIDIA_TF32_OVERRIDE", "0"), unused("PYTORCH_TUNABLEOP_ENABLED", "");
    EXPECT_EQ(refused(false), "");
  }
  const Set tuned("PYTORCH_TUNABLEOP_ENABLED", "1");
  EXPECT_NE(refused(false).find("PYTORCH_TUNABLEOP_ENABLED"), std::string::npos);
  for (const char* name : {"ONEDNN_DEFAULT_FPMATH_MODE", "DNNL_DEFAULT_FPMATH_MODE"}) {
    const Set narrow(name, "BF16");
    EXPECT_NE(refused(true).find(name), std::string::npos);
    const Set strict(name, "STRICT");
    EXPECT_EQ(refused(true), "");
  }
}

TEST(Environment, OtherVariablesThatChangeBitsAreNoted) {
  ::clearenv();  // of this machine
  EXPECT_EQ(environment_of_bits(false), "");
  EXPECT_EQ(environment_of_bits(true), "");
  const Set cublas("CUBLAS_WORKSPACE_CONFIG", ":4096:8"), lt("DISABLE_ADDMM_CUDA_LT", "1");
  const Set mkl("MKL_CBWR", "COMPATIBLE");
  EXPECT_EQ(environment_of_bits(false), "CUBLAS_WORKSPACE_CONFIG=:4096:8 DISABLE_ADDMM_CUDA_LT=1");
  EXPECT_EQ(environment_of_bits(true), "MKL_CBWR=COMPATIBLE");
}

}  // namespace
}  // namespace qk_torch::environment_test
