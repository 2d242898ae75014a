// Writes tiny GGUF files for tests: version 3, F32 tensors. For tests only.
#pragma once

#include <cstring>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "model/test_checkpoint.h"

namespace qk {

class TestGguf {
 public:
  using Value = std::variant<uint32_t, int32_t, float, bool, std::string, std::vector<bool>,
                             std::vector<uint32_t>>;

  void set(const std::string& key, Value value) { metadata_.emplace_back(key, std::move(value)); }
  // shape: outermost axis first
  void add(const std::string& name, std::vector<int64_t> shape, std::vector<float> values) {
    tensors_.push_back({name, std::move(shape), std::move(values)});
  }
  // Replaces the value of a key, or removes it.
  void change(const std::string& key, const std::optional<Value>& value) {
    std::erase_if(metadata_, [&](const auto& item) { return item.first == key; });
    if (value) set(key, *value);
  }

  std::string bytes() const {
    std::string out = "GGUF";
    put<uint32_t>(out, 3);
    put<uint64_t>(out, tensors_.size());
    put<uint64_t>(out, metadata_.size());
    for (const auto& [key, value] : metadata_) put_pair(out, key, value);
    std::string data;
    for (const Tensor& tensor : tensors_) {
      put_string(out, tensor.name);
      put<uint32_t>(out, static_cast<uint32_t>(tensor.shape.size()));
      for (size_t i = tensor.shape.size(); i-- > 0;) {
        put<uint64_t>(out, static_cast<uint64_t>(tensor.shape[i]));
      }
      put<uint32_t>(out, 0);  // F32
      put<uint64_t>(out, data.size());
      for (const float value : tensor.values) put(data, value);
      pad(data);
    }
    pad(out);
    return out + data;
  }

 private:
  struct Tensor {
    std::string name;
    std::vector<int64_t> shape;
    std::vector<float> values;
  };

  template <typename T>
  static void put(std::string& out, T value) {
    char raw[sizeof(T)];
    std::memcpy(raw, &value, sizeof(T));
    out.append(raw, sizeof(T));
  }
  static void put_string(std::string& out, const std::string& text) {
    put<uint64_t>(out, text.size());
    out += text;
  }
  static void put_pair(std::string& out, const std::string& key, const Value& value) {
    put_string(out, key);
    if (const auto* number = std::get_if<uint32_t>(&value)) {
      put<uint32_t>(out, 4);
      put(out, *number);
    } else if (const auto* real = std::get_if<float>(&value)) {
      put<uint32_t>(out, 6);
      put(out, *real);
    } else if (const auto* whole = std::get_if<int32_t>(&value)) {
      put<uint32_t>(out, 5);
      put(out, *whole);
    } else if (const auto* flag = std::get_if<bool>(&value)) {
      put<uint32_t>(out, 7);
      put<uint8_t>(out, *flag ? 1 : 0);
    } else if (const auto* list = std::get_if<std::vector<uint32_t>>(&value)) {
      put<uint32_t>(out, 9);
      put<uint32_t>(out, 4);
      put<uint64_t>(out, list->size());
      for (const uint32_t number : *list) put(out, number);
    } else if (const auto* flags = std::get_if<std::vector<bool>>(&value)) {
      put<uint32_t>(out, 9);
      put<uint32_t>(out, 7);
      put<uint64_t>(out, flags->size());
      for (const bool flag : *flags) put<uint8_t>(out, flag ? 1 : 0);
    } else {
      put<uint32_t>(out, 8);
      put_string(out, std::get<std::string>(value));
    }
  }
  static void pad(std::string& out) { out.resize((out.size() + 31) / 32 * 32, '\0'); }

  std::vector<std::pair<std::string, Value>> metadata_;
  std::vector<Tensor> tensors_;
};

}  // namespace qk
