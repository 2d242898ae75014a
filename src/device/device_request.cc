#include <algorithm>
#include <charconv>

#include "base/error.h"
#include "device/devices.h"

namespace qk {
namespace {

constexpr std::string_view kCudaPrefix = "cuda:";

[[noreturn]] void refuse(std::string_view place, std::string_view text) {
  fail("{}: expected auto, cpu, torch:cpu, cuda, cuda:N, cuda:N,M,... or cuda:all, found {}", place,
       printable(text));
}

}  // namespace

DeviceRequest parse_device(std::string_view place, std::string_view text) {
  using Kind = DeviceRequest::Kind;
  if (text == "auto") return {.kind = Kind::kAuto};
  if (text == "cpu") return {.kind = Kind::kCpu};
  if (text == "torch:cpu") return {.kind = Kind::kTorchCpu};
  if (text == "cuda") return {.kind = Kind::kCuda};
  if (text == "cuda:all") return {.kind = Kind::kCuda, .all = true};
  if (!text.starts_with(kCudaPrefix)) refuse(place, text);
  DeviceRequest out{.kind = Kind::kCuda};
  std::string_view rest = text.substr(kCudaPrefix.size());
  while (true) {
    const std::string_view number = rest.substr(0, rest.find(','));
    int index = -1;
    const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), index);
    if (error != std::errc() || end != number.data() + number.size() || index < 0) {
      refuse(place, text);
    }
    if (std::ranges::find(out.indexes, index) != out.indexes.end()) {
      fail("{}: expected each device once, found cuda:{} twice in {}", place, index, text);
    }
    out.indexes.push_back(index);
    if (number.size() == rest.size()) return out;
    rest.remove_prefix(number.size() + 1);
  }
}

}  // namespace qk
