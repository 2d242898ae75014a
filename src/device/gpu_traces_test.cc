#include "device/gpu_traces.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <optional>
#include <string>

#include "base/test_error.h"

namespace qk {
namespace gpu_traces_test {

class GpuTraces : public testing::Test {
 protected:
  GpuTraces() {
    if (const char* value = std::getenv("CUDA_VISIBLE_DEVICES")) before_ = value;
    ::unsetenv("CUDA_VISIBLE_DEVICES");
  }
  ~GpuTraces() override {
    ::unsetenv("CUDA_VISIBLE_DEVICES");
    if (before_) ::setenv("CUDA_VISIBLE_DEVICES", before_->c_str(), 1);
  }

  // A folder like /dev with one file.
  std::string devices(const std::string& file) const {
    folder_.write(file + " only/" + file, "");
    return (folder_ / (file + " only")).string();
  }

  const TestFolder folder_;
  std::optional<std::string> before_;
};

TEST_F(GpuTraces, FilesOfDriversAreATrace) {
  for (const char* file : {"nvidiactl", "nvidia0", "nvhost-gpu"}) {
    EXPECT_TRUE(has_nvidia_files(devices(file))) << file;
    EXPECT_TRUE(may_have_gpu(devices(file))) << file;
  }
  for (const char* file : {"kfd", "dxg"}) {
    EXPECT_FALSE(has_nvidia_files(devices(file))) << file;
    EXPECT_TRUE(may_have_gpu(devices(file))) << file;
  }
  EXPECT_FALSE(has_nvidia_files(devices("null")));
  EXPECT_FALSE(has_nvidia_files(folder_ / "nowhere"));
}

TEST_F(GpuTraces, HiddenDevicesAreNone) {
  EXPECT_FALSE(gpus_are_hidden());
  for (const char* hidden : {"", "-1", "-1,0", "NoDevFiles"}) {
    ::setenv("CUDA_VISIBLE_DEVICES", hidden, 1);
    EXPECT_TRUE(gpus_are_hidden()) << hidden;
    EXPECT_FALSE(may_have_gpu(devices("nvidia0"))) << hidden;
  }
  for (const char* chosen : {"0", "1,0", "GPU-8932f937"}) {
    ::setenv("CUDA_VISIBLE_DEVICES", chosen, 1);
    EXPECT_FALSE(gpus_are_hidden()) << chosen;
    EXPECT_TRUE(may_have_gpu(devices("nvidia0"))) << chosen;
  }
}

}  // namespace gpu_traces_test
}  // namespace qk
