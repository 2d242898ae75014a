// Files of tests/data/tokenizer/ for the tests of this folder.
#pragma once

#include <gtest/gtest.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/hash.h"
#include "tokenizer/tokenizer.h"

namespace qk {

inline std::filesystem::path tokenizer_data_path(const std::string& name) {
  return std::filesystem::path(QK_TEST_DATA) / "tokenizer" / name;
}

inline nlohmann::json read_tokenizer_data(const std::string& name) {
  std::ifstream file(tokenizer_data_path(name));
  return nlohmann::json::parse(file);
}

inline std::string repeated(const std::string& text, size_t count) {
  std::string out;
  out.reserve(text.size() * count);
  for (size_t i = 0; i < count; ++i) out += text;
  return out;
}

// SHA-256 of the ids as little-endian 32-bit numbers.
inline std::string ids_digest(const std::vector<int32_t>& ids) {
  Sha256 digest;
  for (const int32_t id : ids) {
    const auto bits = static_cast<uint32_t>(id);
    const std::array<std::byte, 4> bytes{
        static_cast<std::byte>(bits & 0xFF), static_cast<std::byte>(bits >> 8 & 0xFF),
        static_cast<std::byte>(bits >> 16 & 0xFF), static_cast<std::byte>(bits >> 24)};
    digest.update(bytes);
  }
  return digest.hex();
}

// expected: {"ids": {text name: [ids]}, "long": {text name: {"count", "sha256"}}}
inline void expect_same_ids(const Tokenizer& tokenizer, const nlohmann::json& expected) {
  constexpr int64_t kUnlimited = 10'000'000;
  const nlohmann::json texts = read_tokenizer_data("texts.json");
  for (const auto& [name, ids] : expected.at("ids").items()) {
    EXPECT_EQ(tokenizer.encode(texts.at("texts").at(name).get<std::string>(), kUnlimited).ids,
              ids.get<std::vector<int32_t>>())
        << name;
  }
  for (const auto& [name, result] : expected.at("long").items()) {
    const nlohmann::json& rule = texts.at("long").at(name);
    const std::string text =
        repeated(rule.at("text").get<std::string>(), rule.at("count").get<size_t>());
    const std::vector<int32_t> ids = tokenizer.encode(text, kUnlimited).ids;
    EXPECT_EQ(ids.size(), result.at("count").get<size_t>()) << name;
    EXPECT_EQ(ids_digest(ids), result.at("sha256").get<std::string>()) << name;
  }
}

}  // namespace qk
