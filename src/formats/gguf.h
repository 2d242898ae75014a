// GGUF version 2 and 3, little-endian. Mapped, never read whole; every rule enforced on open:
// counts and lengths that fit the file, no name or key twice, names in UTF-8 without control
// characters, rows of whole blocks, and tensors that follow one another without a gap from the
// start of the data to the end of the file (each padded to general.alignment). Refused with a
// sentence: version 1, big-endian files, one part of a split file, arrays of arrays. What the keys
// mean for a model is not checked here. Source: ggml's specification (gguf.md), and gguf.cpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/mapped_file.h"
#include "formats/stored_tensor.h"

namespace qk {

// Numbers of every width are widened; arrays hold one kind.
using GgufValue = std::variant<uint64_t, int64_t, double, bool, std::string, std::vector<uint64_t>,
                               std::vector<int64_t>, std::vector<double>, std::vector<bool>,
                               std::vector<std::string>>;

// Does a regular file begin with the four bytes of a GGUF file, whatever its name? False for one
// that cannot be read.
bool begins_as_gguf(const std::filesystem::path& path);

class GgufFile {
 public:
  // Throws Error naming the file and the rule that is broken.
  explicit GgufFile(const std::filesystem::path& path);
  // A file in memory, which must outlive this; `path` is for messages.
  GgufFile(std::span<const std::byte> bytes, const std::filesystem::path& path);

  const std::filesystem::path& path() const { return path_; }
  // Empty for a file in memory.
  const MappedFile& file() const { return file_; }
  const std::vector<StoredTensor>& tensors() const { return tensors_; }  // in file order
  const std::map<std::string, GgufValue, std::less<>>& metadata() const { return metadata_; }

  // Typed look-ups. Empty if the key is absent; Error "file: key: expected ..., found ..." if it
  // has another type or an integer is out of range.
  std::optional<int64_t> integer(std::string_view key) const;
  std::optional<double> number(std::string_view key) const;  // integers are accepted
  std::optional<bool> boolean(std::string_view key) const;
  std::optional<std::string> string(std::string_view key) const;
  const std::vector<std::string>* strings(std::string_view key) const;  // null if absent
  std::optional<std::vector<int64_t>> integers(std::string_view key) const;
  std::optional<std::vector<double>> numbers(std::string_view key) const;

 private:
  void parse(std::span<const std::byte> bytes);
  const GgufValue* find(std::string_view key) const;
  [[noreturn]] void fail_type(std::string_view key, std::string_view expected) const;

  MappedFile file_;
  std::filesystem::path path_;
  std::map<std::string, GgufValue, std::less<>> metadata_;
  std::vector<StoredTensor> tensors_;
};

}  // namespace qk
