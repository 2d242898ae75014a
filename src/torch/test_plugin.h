// What the tests of the plugin share: the table, a device of the cpu, and arrays of its type.
#pragma once

#include <dlfcn.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <random>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "device/torch_api.h"

namespace qk_torch::test {

inline const QkTorchApi& api() {
  static const QkTorchApi* table = [] {
    void* plugin = dlopen(QK_TORCH_PLUGIN, RTLD_NOW | RTLD_LOCAL);
    if (plugin == nullptr) throw std::runtime_error(dlerror());
    auto* function = reinterpret_cast<QkTorchApiFunction>(dlsym(plugin, QK_TORCH_API_FUNCTION));
    return function(QK_TORCH_API_VERSION);
  }();
  return *table;
}

inline void ok(int32_t status) { ASSERT_EQ(status, QK_OK) << api().last_error(); }

inline const int32_t kTypes[] = {QK_F32, QK_F16, QK_BF16};

// Of rounding to a type: |rounded - x| <= unit * |x|
inline double unit_of(int32_t type) {
  return type == QK_F32 ? 0x1p-24 : type == QK_F16 ? 0x1p-11 : 0x1p-8;
}

// x as a number of the type: to nearest, ties to even. Normal numbers only.
inline float rounded(float x, int32_t type) {
  if (type == QK_F32 || x == 0) return x;
  int exponent = 0;
  std::frexp(x, &exponent);
  const int bits = type == QK_F16 ? 11 : 8;
  if (type == QK_F16) exponent = std::max(exponent, -13);
  const float quantum = std::ldexp(1.0F, exponent - bits);
  return std::nearbyint(x / quantum) * quantum;
}

inline uint16_t half_bits(float x, int32_t type) {
  const auto bits = std::bit_cast<uint32_t>(x);
  if (type == QK_BF16) return static_cast<uint16_t>(bits >> 16);
  const auto sign = static_cast<uint16_t>(bits >> 16 & 0x8000U);
  const auto exponent = static_cast<int>(bits >> 23 & 0xFFU) - 127 + 15;
  if (exponent <= 0) {  // in units of the smallest number
    return sign | static_cast<uint16_t>(std::lround(std::ldexp(std::abs(x), 24)));
  }
  if (exponent >= 31) return sign | 0x7C00U;
  return sign | static_cast<uint16_t>(exponent << 10 | (bits >> 13 & 0x3FFU));
}

inline float from_half_bits(uint16_t bits, int32_t type) {
  if (type == QK_BF16) return std::bit_cast<float>(uint32_t{bits} << 16);
  const int exponent = bits >> 10 & 31, fraction = bits & 0x3FF;
  const float size = exponent == 0 ? std::ldexp(static_cast<float>(fraction), -24)
                     : exponent == 31
                         ? std::numeric_limits<float>::infinity()
                         : std::ldexp(static_cast<float>(fraction + 1024), exponent - 25);
  return (bits & 0x8000) != 0 ? -size : size;
}

// Numbers that the type has.
inline std::vector<float> numbers(int64_t count, uint32_t seed, int32_t type, float scale = 1) {
  std::mt19937 generator(seed);
  std::normal_distribution<float> normal(0.0F, scale);
  std::vector<float> list(static_cast<size_t>(count));
  for (float& x : list) x = rounded(normal(generator), type);
  return list;
}

// Bytes of numbers of the type.
inline std::vector<char> packed(const std::vector<float>& list, int32_t type) {
  std::vector<char> bytes(list.size() * (type == QK_F32 ? 4 : 2));
  for (size_t i = 0; i < list.size(); ++i) {
    if (type == QK_F32) {
      std::memcpy(&bytes[4 * i], &list[i], 4);
    } else {
      const uint16_t half = half_bits(list[i], type);
      std::memcpy(&bytes[2 * i], &half, 2);
    }
  }
  return bytes;
}

struct Device {
  explicit Device(int32_t type_, bool dispatched = false) : type(type_) {
    const QkOpen options{"cpu", 0, type, 1, dispatched ? 1 : 0, "2.9.1+test"};
    if (api().open(&options, &handle) != QK_OK) throw std::runtime_error(api().last_error());
  }
  Device(const Device&) = delete;
  Device& operator=(const Device&) = delete;
  ~Device() { api().close(handle); }

  operator QkDevice*() const { return handle; }  // NOLINT(google-explicit-constructor)

  int32_t type;
  QkDevice* handle = nullptr;
};

// Memory of a device, which the test may read since it is the cpu's.
struct Array {
  Array(Device& device_, const std::vector<float>& list)
      : Array(device_, static_cast<int64_t>(list.size())) {
    const std::vector<char> bytes = packed(list, device.type);
    if (!bytes.empty()) std::memcpy(data, bytes.data(), bytes.size());
  }
  Array(Device& device_, int64_t count_) : device(device_), count(count_) {
    const int64_t bytes = std::max<int64_t>(64, count * 4);
    if (api().alloc(device, 0, bytes, &data) != QK_OK) throw std::runtime_error("no memory");
  }
  Array(const Array&) = delete;
  Array& operator=(const Array&) = delete;
  ~Array() { api().free(device, data); }

  std::vector<float> get() const {
    std::vector<float> list(static_cast<size_t>(count));
    for (size_t i = 0; i < list.size(); ++i) {
      if (device.type == QK_F32) {
        list[i] = static_cast<const float*>(data)[i];
      } else {
        list[i] = from_half_bits(static_cast<const uint16_t*>(data)[i], device.type);
      }
    }
    return list;
  }
  QkMatrix matrix(int64_t cols) const { return {data, count / cols, cols}; }
  QkHeads heads(int64_t heads, int64_t head_dim) const {
    return {data, count / (heads * head_dim), heads, head_dim};
  }

  Device& device;
  int64_t count;
  void* data = nullptr;
};

// A weight of the host that is stored as `stored`, or (QK_OTHER_TYPE) can only be read row by row.
struct Weight {
  Weight(Device& device, std::vector<float> list, int64_t cols, int32_t stored)
      : values(std::move(list)),
        bytes(stored == QK_OTHER_TYPE ? std::vector<char>() : packed(values, stored)) {
    host.data = stored == QK_OTHER_TYPE ? nullptr : bytes.data();
    host.type = stored;
    host.rows = static_cast<int64_t>(values.size()) / cols;
    host.cols = cols;
    host.source = this;
    host.read_rows = [](const void* source, int64_t first, int64_t count, float* out) {
      const auto& self = *static_cast<const Weight*>(source);
      std::memcpy(out, &self.values[static_cast<size_t>(first * self.host.cols)],
                  static_cast<size_t>(count * self.host.cols) * sizeof(float));
      return 0;
    };
    if (api().bind(device, &host, &handle) != QK_OK) throw std::runtime_error("not bound");
  }
  Weight(const Weight&) = delete;
  Weight& operator=(const Weight&) = delete;

  std::vector<float> values;
  std::vector<char> bytes;
  QkHostWeight host{};
  QkWeight* handle = nullptr;
};

// |got - expected| <= tolerance * (size + |expected|), `size` being that of the numbers that went in.
inline void expect_close(const std::vector<float>& got, const std::vector<double>& expected,
                         double tolerance, const std::string& what, double size = 1) {
  ASSERT_EQ(got.size(), expected.size()) << what;
  for (size_t i = 0; i < got.size(); ++i) {
    const double allowed = tolerance * (size + std::abs(expected[i]));
    ASSERT_LE(std::abs(got[i] - expected[i]), allowed)
        << what << ": number " << i << ", expected " << expected[i] << ", got " << got[i];
  }
}

}  // namespace qk_torch::test
