// A plugin without torch, for tests of the whole program: fake devices of src/device/test_fake_torch.h.
//   QK_FAKE_DEVICES=N              GPUs that answer; default 1
//   QK_FAKE_MEMORY=BYTES           of each
//   QK_FAKE_FAIL_ALLOC=K           allocation K finds no memory
//   QK_FAKE_FAIL_CALL=K:STATUS     call K fails with this QkStatus
// The folder of its torch is $QKSCOPE_TORCH_DIR.
#include <cstdlib>

#include "device/test_fake_torch.h"

namespace {

int64_t number(const char* name, int64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoll(text, nullptr, 10);
}

void read_settings() {
  qk::fake::Settings& settings = qk::fake::state().settings;
  settings.num_devices = static_cast<int32_t>(number("QK_FAKE_DEVICES", settings.num_devices));
  settings.memory = number("QK_FAKE_MEMORY", settings.memory);
  settings.faults.alloc = number("QK_FAKE_FAIL_ALLOC", -1);
  if (const char* text = std::getenv("QK_FAKE_FAIL_CALL")) {
    char* end = nullptr;
    settings.faults.call = std::strtoll(text, &end, 10);
    settings.faults.call_status = static_cast<int32_t>(std::strtoll(end + 1, nullptr, 10));
  }
}

}  // namespace

extern "C" __attribute__((visibility("default"), used)) const char qk_fake_mark[] =
    QK_TORCH_MARK "0.0.0\n/nowhere";

extern "C" __attribute__((visibility("default"))) const QkTorchApi* qkscope_torch_api(
    int32_t version) {
  read_settings();
  return version == QK_TORCH_API_VERSION ? &qk::fake::api() : nullptr;
}
