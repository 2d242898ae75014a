// Tiny checkpoints for tests, made on the spot: the same weights that tools/make_model_fixtures.py
// gives to Hugging Face. For tests only.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/atomic_file.h"
#include "base/dtype.h"
#include "base/error.h"
#include "base/test_folder.h"

namespace qk {

using TensorShapes = std::map<std::string, std::vector<int64_t>>;

struct FixtureCase {
  std::string name;
  nlohmann::json config;
  TensorShapes tensors;
  nlohmann::json windows;  // per layer what the reference records: tokens, null, or "skipped"
  std::filesystem::path reference;
};

inline std::vector<FixtureCase> fixture_cases() {
  const std::filesystem::path folder = std::filesystem::path(QK_TEST_DATA) / "models";
  const auto file = nlohmann::json::parse(read_file(folder / "cases.json"));
  std::vector<FixtureCase> out;
  for (const auto& item : file.at("cases")) {
    const std::string name = item.at("name");
    const auto& layout = file.at("layouts").at(item.at("tensors").get<size_t>());
    out.push_back({name, item.at("config"), layout.get<TensorShapes>(), item.at("windows"),
                   folder / (name + ".safetensors")});
  }
  return out;
}

inline FixtureCase fixture_case(const std::string& name) {
  for (FixtureCase& item : fixture_cases()) {
    if (item.name == name) return std::move(item);
  }
  QK_CHECK(!"a case of this name");
  return {};
}

// value_i from the top byte b of splitmix64(fnv1a(name) + (i + 1) * golden ratio): (b - 128) / 256,
// or for norms 1 + floor((b - 128) / 2) / 128. F32, F16 and BF16 all hold these exactly.
inline std::vector<float> test_weights(const std::string& name, size_t count, bool centred) {
  uint64_t hash = 14695981039346656037ULL;
  for (const char byte : name) {
    hash = (hash ^ static_cast<unsigned char>(byte)) * 1099511628211ULL;
  }
  const bool is_norm = name.find("norm") != std::string::npos;
  std::vector<float> out(count);
  for (size_t i = 0; i < count; ++i) {
    uint64_t z = hash + (i + 1) * 0x9E3779B97F4A7C15ULL;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
    z ^= z >> 31;
    const int value = static_cast<int>(z >> 56) - 128;
    out[i] = static_cast<float>(value) / 256.0F;
    if (is_norm) out[i] = static_cast<float>(value >> 1) / 128.0F + (centred ? 0.0F : 1.0F);
  }
  return out;
}

inline uint16_t half_bits(float value) {  // exact for the numbers above
  const auto bits = std::bit_cast<uint32_t>(value);
  const auto sign = static_cast<uint16_t>(bits >> 16 & 0x8000);
  if (value == 0) return sign;
  const int exponent = static_cast<int>(bits >> 23 & 255) - 127 + 15;
  return static_cast<uint16_t>(sign | exponent << 10 | (bits >> 13 & 0x3FF));
}

inline void append_number(std::string& out, DType dtype, float value) {
  const auto bits = std::bit_cast<uint32_t>(value);
  if (dtype == DType::kF32) {
    out.append(reinterpret_cast<const char*>(&bits), 4);
    return;
  }
  const uint16_t half = dtype == DType::kF16 ? half_bits(value) : static_cast<uint16_t>(bits >> 16);
  out.append(reinterpret_cast<const char*>(&half), 2);
}

// The bytes of a safetensors file with these tensors.
inline std::string safetensors_bytes(const std::map<std::string, std::vector<float>>& values,
                                     const TensorShapes& shapes, DType dtype) {
  nlohmann::json header = nlohmann::json::object();
  std::string data;
  for (const auto& [name, numbers] : values) {
    const size_t begin = data.size();
    for (const float number : numbers) append_number(data, dtype, number);
    header[name] = {{"dtype", info(dtype).name},
                    {"shape", shapes.at(name)},
                    {"data_offsets", {begin, data.size()}}};
  }
  const std::string text = header.dump();
  const uint64_t length = text.size();
  std::string out(reinterpret_cast<const char*>(&length), 8);
  return out + text + data;
}

struct CheckpointOptions {
  DType dtype = DType::kF16;
  std::string prefix = "model.";  // in place of "model."
  int num_shards = 0;             // 0: one file without an index
};

inline std::string renamed(const std::string& name, const std::string& prefix) {
  return name.starts_with("model.") ? prefix + name.substr(6) : name;
}

// Writes config.json and the weights of a case into `folder`.
inline void write_checkpoint(const std::filesystem::path& folder, const FixtureCase& item,
                             const CheckpointOptions& options = {}) {
  write_file(folder / "config.json", item.config.dump());
  const bool centred = item.config.at("model_type") == "gemma3_text";
  std::vector<std::map<std::string, std::vector<float>>> shards(
      static_cast<size_t>(std::max(options.num_shards, 1)));
  TensorShapes shapes;
  nlohmann::json weight_map;
  size_t next = 0;
  for (const auto& [name, shape] : item.tensors) {
    size_t count = 1;
    for (const int64_t n : shape) count *= static_cast<size_t>(n);
    const std::string stored = renamed(name, options.prefix);
    const size_t shard = next++ % shards.size();
    shards[shard][stored] = test_weights(name, count, centred);
    shapes[stored] = shape;
    weight_map[stored] = fmt::format("part-{}.safetensors", shard);
  }
  if (options.num_shards == 0) {
    write_file(folder / "model.safetensors", safetensors_bytes(shards[0], shapes, options.dtype));
    return;
  }
  for (size_t shard = 0; shard < shards.size(); ++shard) {
    write_file(folder / fmt::format("part-{}.safetensors", shard),
               safetensors_bytes(shards[shard], shapes, options.dtype));
  }
  write_file(
      folder / "model.safetensors.index.json",
      nlohmann::json{{"metadata", nlohmann::json::object()}, {"weight_map", weight_map}}.dump());
}

}  // namespace qk
