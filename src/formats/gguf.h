// GGUF version 2 and 3, little-endian. Mapped, never read whole; every rule enforced on open.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
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

class GgufFile {
 public:
  // Throws Error naming the file and the rule that is broken.
  explicit GgufFile(const std::filesystem::path& path);

  const std::filesystem::path& path() const { return file_.path(); }
  const MappedFile& file() const { return file_; }
  const std::vector<StoredTensor>& tensors() const { return tensors_; }  // in file order
  const std::map<std::string, GgufValue, std::less<>>& metadata() const { return metadata_; }

  // Typed look-ups. Empty if the key is absent; Error "file: key: expected ..., found ..." if it
  // has another type or an integer is out of range.
  std::optional<int64_t> integer(std::string_view key) const;
  std::optional<double> number(std::string_view key) const;  // integers are accepted
  std::optional<bool> boolean(std::string_view key) const;
  std::optional<std::string> string(std::string_view key) const;
  const std::vector<std::string>* strings(std::string_view key) const;           // null if absent
  std::optional<std::vector<int64_t>> integers(std::string_view key) const;
  std::optional<std::vector<double>> numbers(std::string_view key) const;

 private:
  MappedFile file_;
  std::map<std::string, GgufValue, std::less<>> metadata_;
  std::vector<StoredTensor> tensors_;
};

}  // namespace qk
