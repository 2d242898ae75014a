#include "verify/computed_in.h"

#include <fmt/format.h>

#include <array>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/error.h"

namespace qk {
namespace {

constexpr std::array<std::pair<DType, std::string_view>, 3> kTorchNames = {{
    {DType::kF32, "float32"},
    {DType::kF16, "float16"},
    {DType::kBF16, "bfloat16"},
}};

std::string_view release(std::string_view torch) { return torch.substr(0, torch.find('+')); }

bool same_torch(const NamedDevice& a, const NamedDevice& b) {
  const bool both_name_it =
      a.torch.find('+') != std::string::npos && b.torch.find('+') != std::string::npos;
  if (a.kind != "cpu" && both_name_it) return a.torch == b.torch;
  return release(a.torch) == release(b.torch);
}

}  // namespace

std::string_view torch_name(DType dtype) {
  for (const auto& [known, name] : kTorchNames) {
    if (known == dtype) return name;
  }
  QK_CHECK(!"a type that torch computes in");
  return {};
}

std::optional<DType> parse_torch_name(std::string_view name) {
  for (const auto& [dtype, known] : kTorchNames) {
    if (known == name) return dtype;
  }
  return std::nullopt;
}

NamedDevice torch_device(const ComputedIn& run) {
  const auto object = nlohmann::json::parse(run.device, nullptr, false);
  QK_CHECK(object.is_object());
  const auto text = [&](const char* key) {
    const auto it = object.find(key);
    return it != object.end() && it->is_string() ? it->get<std::string>() : std::string();
  };
  return {text("device"), text("name"), text("capability"), text("torch")};
}

std::string computed_in_text(const ComputedIn& run) {
  if (!run.on_torch()) return fmt::format("{} on our own kernels", torch_name(run.dtype));
  const NamedDevice device = torch_device(run);
  return fmt::format("{} on {}, torch {}", torch_name(run.dtype),
                     printable(device.name.empty() ? device.kind : device.name, 80),
                     printable(device.torch, 40));
}

bool same_device(const NamedDevice& a, const NamedDevice& b) {
  for (const NamedDevice* device : {&a, &b}) {
    const bool is_known = !device->kind.empty() && !device->name.empty() &&
                          !device->capability.empty() && !device->torch.empty();
    if (!is_known) return false;
  }
  return a.kind == b.kind && a.name == b.name && a.capability == b.capability && same_torch(a, b);
}

}  // namespace qk
