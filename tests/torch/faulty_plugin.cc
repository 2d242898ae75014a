// A torch plugin between qkscope and the real one, for devices_test.py: cpus that call themselves GPUs,
// vectors that arrive late, and calls that fail. In the environment:
//   QK_FAULT_PLUGIN   the real plugin
//   QK_FAULT_DEVICES  how many devices of the kind "cuda" there are
//   QK_FAULT          what fails: "memory 7": allocation 7, counted from 1; "failed 7": operation 7;
//                     "lost 7": operation 7 and everything after it
//   QK_FAULT_DEVICE   the device where it fails (default: 0). The others count nothing, and compute no document
//                     before it has failed
//   QK_FAULT_MEET     if set, no device computes a document before all that are open have taken one
//   QK_FAULT_COUNT    a file: "allocations operations" of that device, when it is closed
#include <dlfcn.h>

#include <chrono>
#include <cmath>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "device/torch_api.h"

namespace {

[[gnu::used]] constexpr char kMark[] = QK_TORCH_MARK QK_TORCH_VERSION "\n" QK_TORCH_FOLDER;

struct Late {  // what gather_taps promised
  std::vector<float> values;
  float* out;
};

std::mutex mutex;
std::condition_variable changed;
std::map<QkDevice*, int> indexes;
std::set<QkDevice*> met;  // have taken a document
bool has_failed = false;
std::map<std::pair<QkDevice*, int64_t>, Late> late;
long allocations = 0, operations = 0;
thread_local std::string error;

std::string variable(const char* name, const char* otherwise) {
  const char* value = std::getenv(name);
  return value == nullptr ? otherwise : value;
}

const QkTorchApi& real() {
  static const QkTorchApi* const api = [] {
    void* library = dlopen(variable("QK_FAULT_PLUGIN", "").c_str(), RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) std::abort();
    const auto function =
        reinterpret_cast<QkTorchApiFunction>(dlsym(library, QK_TORCH_API_FUNCTION));
    return function(QK_TORCH_API_VERSION);
  }();
  return *api;
}

// The failure of the faulty device.
int32_t fail(int32_t status, const char* what) {
  error = what;
  has_failed = true;
  changed.notify_all();
  return status;
}

int faulty_device() {
  static const int index = std::atoi(variable("QK_FAULT_DEVICE", "0").c_str());
  return index;
}

template <typename Condition>
void wait_for(std::unique_lock<std::mutex>& lock, Condition holds, const char* what) {
  if (changed.wait_for(lock, std::chrono::minutes(2), holds)) return;
  std::fprintf(stderr, "faulty_plugin: waited two minutes for %s\n", what);
  std::abort();
}

// Called with the first operation of each document.
void wait_for_others(QkDevice* device) {
  static const bool fails = variable("QK_FAULT", "none 0") != "none 0";
  static const bool meets = std::getenv("QK_FAULT_MEET") != nullptr;
  std::unique_lock lock(mutex);
  if (fails && indexes.at(device) != faulty_device()) {
    wait_for(lock, [] { return has_failed; }, "the failure");
  }
  if (!meets) return;
  met.insert(device);
  changed.notify_all();
  wait_for(lock, [] { return met.size() == indexes.size(); }, "a document on each device");
}

// Counts a call; not QK_OK if it is the one that fails.
int32_t fault(QkDevice* device, bool allocates) {
  static const std::string kind = variable("QK_FAULT", "none 0");
  static const long at = std::atol(kind.c_str() + kind.find(' '));
  const std::lock_guard lock(mutex);
  error.clear();
  if (indexes.at(device) != faulty_device()) return QK_OK;
  const long number = allocates ? ++allocations : ++operations;
  if (kind.starts_with("memory") && allocates && number == at) {
    return fail(QK_OUT_OF_MEMORY, "the test lets this allocation fail");
  }
  if (kind.starts_with("failed") && !allocates && number == at) {
    return fail(QK_FAILED, "the test lets this operation fail");
  }
  if (kind.starts_with("lost") && operations >= at) {
    return fail(QK_DEVICE_LOST, "the test takes the device away");
  }
  return QK_OK;
}

template <auto slot, typename Function>
struct Counted;
template <auto slot, typename... Arguments>
struct Counted<slot, int32_t (*)(QkDevice*, Arguments...)> {
  static int32_t call(QkDevice* device, Arguments... arguments) {
    const int32_t status = fault(device, false);
    return status == QK_OK ? (real().*slot)(device, arguments...) : status;
  }
};
template <auto slot>
constexpr auto counted =
    &Counted<slot, std::remove_cvref_t<decltype(std::declval<QkTorchApi>().*slot)>>::call;

const char* last_error() { return error.empty() ? real().last_error() : error.c_str(); }

int32_t count_devices(const char* kind, int32_t* count, const char** why) {
  if (std::strcmp(kind, "cuda") != 0) return real().count_devices(kind, count, why);
  *count = std::atoi(variable("QK_FAULT_DEVICES", "1").c_str());
  *why = "";
  return QK_OK;
}

int32_t open_device(const QkOpen* options, QkDevice** out) {
  error.clear();
  QkOpen cpu = *options;
  cpu.kind = "cpu";
  cpu.index = 0;
  const int32_t status = real().open(&cpu, out);
  const std::lock_guard lock(mutex);
  if (status == QK_OK) indexes[*out] = options->index;
  return status;
}

void close_device(QkDevice* device) {
  {
    const std::lock_guard lock(mutex);
    const std::string path = variable("QK_FAULT_COUNT", "");
    if (!path.empty() && indexes.at(device) == 0) {
      std::FILE* file = std::fopen(path.c_str(), "w");
      std::fprintf(file, "%ld %ld\n", allocations, operations);
      std::fclose(file);
    }
    indexes.erase(device);
  }
  real().close(device);
}

int32_t alloc(QkDevice* device, int32_t host, int64_t bytes, void** out) {
  const int32_t status = fault(device, true);
  return status == QK_OK ? real().alloc(device, host, bytes, out) : status;
}

int32_t embedding(QkDevice* device, const QkHostWeight* table, const int32_t* ids, int64_t count,
                  float scale, QkMatrix out) {
  wait_for_others(device);
  const int32_t status = fault(device, false);
  return status == QK_OK ? real().embedding(device, table, ids, count, scale, out) : status;
}

int32_t gather_taps(QkDevice* device, QkHeads x, const int32_t* rows, int64_t num_rows,
                    const int32_t* heads, int64_t num_heads, float* out, int64_t* ticket) {
  if (const int32_t status = fault(device, false); status != QK_OK) return status;
  std::vector<float> values(static_cast<size_t>(num_rows * num_heads * x.head_dim));
  for (size_t i = 0; i < values.size(); ++i) out[i] = std::nanf("");  // not there yet
  const int32_t status =
      real().gather_taps(device, x, rows, num_rows, heads, num_heads, values.data(), ticket);
  const std::lock_guard lock(mutex);
  if (status == QK_OK) late[{device, *ticket}] = {std::move(values), out};
  return status;
}

int32_t finish_taps(QkDevice* device, int64_t ticket, int64_t* row) {
  if (const int32_t status = fault(device, false); status != QK_OK) return status;
  const int32_t status = real().finish_taps(device, ticket, row);
  const std::lock_guard lock(mutex);
  const auto found = late.find({device, ticket});
  if (found == late.end()) std::abort();  // twice, or never given
  if (!found->second.values.empty()) {
    std::memcpy(found->second.out, found->second.values.data(),
                found->second.values.size() * sizeof(float));
  }
  late.erase(found);
  return status;
}

}  // namespace

extern "C" [[gnu::visibility("default")]] const QkTorchApi* qkscope_torch_api(int32_t version) {
  if (version != QK_TORCH_API_VERSION) return nullptr;
  static const QkTorchApi table = [] {
    QkTorchApi api = real();
    api.last_error = last_error;
    api.count_devices = count_devices;
    api.open = open_device;
    api.close = close_device;
    api.alloc = alloc;
    api.bind = counted<&QkTorchApi::bind>;
    api.prefetch = counted<&QkTorchApi::prefetch>;
    api.drop = counted<&QkTorchApi::drop>;
    api.embedding = embedding;
    api.rms_norm = counted<&QkTorchApi::rms_norm>;
    api.linear = counted<&QkTorchApi::linear>;
    api.rope_table = counted<&QkTorchApi::rope_table>;
    api.rope = counted<&QkTorchApi::rope>;
    api.scale_rows = counted<&QkTorchApi::scale_rows>;
    api.gated_activation = counted<&QkTorchApi::gated_activation>;
    api.add = counted<&QkTorchApi::add>;
    api.gather_rows = counted<&QkTorchApi::gather_rows>;
    api.gather_taps = gather_taps;
    api.finish_taps = finish_taps;
    api.kv_store = counted<&QkTorchApi::kv_store>;
    api.attention = counted<&QkTorchApi::attention>;
    return api;
  }();
  return &table;
}
