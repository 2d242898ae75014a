// Typed reads of a GGUF file's metadata keys "<architecture>.<key>". Failures are one sentence that
// names file, key, expected and found value.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "formats/gguf.h"

namespace qk {

class GgufKeys {
 public:
  // REQUIRES: file outlives this.
  GgufKeys(const GgufFile& file, std::string_view architecture)
      : file_(file), prefix_(std::string(architecture) + ".") {}

  const GgufFile& file() const { return file_; }
  const std::string& prefix() const { return prefix_; }
  std::string full(std::string_view key) const { return prefix_ + std::string(key); }
  std::string where(std::string_view key) const;  // "m.gguf: llama.block_count"
  bool has(std::string_view key) const { return file_.metadata().contains(full(key)); }
  // The key's value for messages.
  std::string shown(std::string_view key) const;

  // Nothing if the key is absent.
  std::optional<int64_t> integer(std::string_view key) const;  // at least 0
  std::optional<double> number(std::string_view key) const;    // finite
  std::optional<std::string> string(std::string_view key) const { return file_.string(full(key)); }
  int64_t required_integer(std::string_view key) const;
  double required_number(std::string_view key) const;

  // One integer for all layers: a number, or a list with one entry per layer, all the same.
  std::optional<int64_t> per_layer(std::string_view key, int64_t num_layers) const;
  // A list of booleans or integers with one entry per layer. Nothing if the key is absent or is no
  // list.
  std::optional<std::vector<bool>> flags(std::string_view key, int64_t num_layers) const;

  // Throw Error if the key is there with another value than these (numbers: to 1e-6).
  void refuse_unless(std::string_view key, std::initializer_list<double> values) const;
  void refuse_unless_flag(std::string_view key, bool value) const;

 private:
  const GgufValue* find(std::string_view key) const;
  std::optional<std::vector<int64_t>> list(std::string_view key, int64_t num_layers) const;

  const GgufFile& file_;
  std::string prefix_;
};

}  // namespace qk
