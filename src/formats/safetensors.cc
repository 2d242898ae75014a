#include "formats/safetensors.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "formats/json.h"
#include "formats/stored_name.h"

namespace qk {
namespace {

using nlohmann::json;
static_assert(std::endian::native == std::endian::little);

constexpr uint64_t kMaxHeaderBytes = 100'000'000;  // the format's own limit

struct FileDType {
  std::string_view name;
  uint64_t bits;
  std::optional<DType> dtype;
};

constexpr std::array<FileDType, 22> kDTypes = {{
    {"F32", 32, DType::kF32},
    {"F16", 16, DType::kF16},
    {"BF16", 16, DType::kBF16},
    {"BOOL", 8, {}},
    {"F4", 4, {}},
    {"F6_E2M3", 6, {}},
    {"F6_E3M2", 6, {}},
    {"U8", 8, {}},
    {"I8", 8, {}},
    {"F8_E5M2", 8, {}},
    {"F8_E4M3", 8, {}},
    {"F8_E8M0", 8, {}},
    {"F8_E4M3FNUZ", 8, {}},
    {"F8_E5M2FNUZ", 8, {}},
    {"I16", 16, {}},
    {"U16", 16, {}},
    {"I32", 32, {}},
    {"U32", 32, {}},
    {"C64", 64, {}},
    {"F64", 64, {}},
    {"I64", 64, {}},
    {"U64", 64, {}},
}};

// One tensor of the header, with its place in the buffer.
struct Entry {
  StoredTensor tensor;
  uint64_t begin = 0;
  uint64_t end = 0;
};

// Reads the header of one file.
class HeaderReader {
 public:
  HeaderReader(std::span<const std::byte> bytes, const std::filesystem::path& path)
      : bytes_(bytes), place_(path.string()), file_(path.filename().string()) {}

  std::vector<StoredTensor> read() {
    const json header = parse_json(header_text(), place_);
    std::vector<Entry> entries;
    for (const auto& [name, value] : header.items()) {
      if (name == "__metadata__") {
        check_metadata(value);
      } else {
        entries.push_back(entry(name, value));
      }
    }
    lay_out(entries);
    std::vector<StoredTensor> tensors;
    tensors.reserve(entries.size());
    for (Entry& entry : entries) tensors.push_back(std::move(entry.tensor));
    std::sort(tensors.begin(), tensors.end(),
              [](const auto& a, const auto& b) { return a.name < b.name; });
    return tensors;
  }

  std::map<std::string, std::string> metadata() {
    const json header = parse_json(header_text(), place_);
    const auto found = header.find("__metadata__");
    if (found == header.end() || found->is_null()) return {};
    check_metadata(*found);
    return found->get<std::map<std::string, std::string>>();
  }

 private:
  // Also finds the data buffer after the header.
  std::string_view header_text() {
    if (bytes_.size() < 8) {
      fail("{}: is not a safetensors file: {} bytes, fewer than the 8 of the header's length",
           place_, bytes_.size());
    }
    uint64_t header_bytes = 0;
    std::memcpy(&header_bytes, bytes_.data(), sizeof header_bytes);
    if (header_bytes > kMaxHeaderBytes) {
      fail("{}: is not a safetensors file: the header's length is {}, expected at most {}", place_,
           header_bytes, kMaxHeaderBytes);
    }
    if (header_bytes > bytes_.size() - 8) {
      fail("{}: is cut short: a header of {} bytes, but only {} bytes follow", place_, header_bytes,
           bytes_.size() - 8);
    }
    const auto header = bytes_.subspan(8, header_bytes);
    if (header.empty() || header[0] != std::byte{'{'}) {
      fail("{}: is not a safetensors file: the header does not begin with '{{'", place_);
    }
    buffer_ = bytes_.subspan(8 + header_bytes);
    return {reinterpret_cast<const char*>(header.data()), header.size()};
  }

  void check_metadata(const json& metadata) const {
    if (metadata.is_null()) return;  // as the library has it
    const bool is_map =
        metadata.is_object() && std::all_of(metadata.begin(), metadata.end(),
                                            [](const json& value) { return value.is_string(); });
    if (!is_map) fail("{}: __metadata__: expected a map of strings", place_);
  }

  Entry entry(const std::string& name, const json& value) const {
    check_stored_name(place_, "tensor", name);
    if (!value.is_object()) {
      fail("{}: {}: expected an object, found {}", place_, printable(name), value.type_name());
    }
    const FileDType& type = dtype(name, value);
    Entry entry;
    entry.tensor.name = name;
    entry.tensor.dtype_name = type.name;
    entry.tensor.dtype = type.dtype;
    entry.tensor.shape = shape(name, value);
    entry.tensor.file = file_;
    const std::vector<uint64_t> offsets = integers(name, value, "data_offsets");
    if (offsets.size() != 2 || offsets[0] > offsets[1] || offsets[1] > buffer_.size()) {
      fail("{}: {}: data_offsets: expected [begin, end] within the {} bytes of data, found {}",
           place_, printable(name), buffer_.size(), printable(value["data_offsets"].dump()));
    }
    entry.begin = offsets[0];
    entry.end = offsets[1];
    check_size(entry, type);
    return entry;
  }

  const FileDType& dtype(const std::string& name, const json& value) const {
    const auto found = value.find("dtype");
    if (found == value.end() || !found->is_string()) {
      fail("{}: {}: dtype: expected a string", place_, printable(name));
    }
    const auto& spelled = found->get_ref<const std::string&>();
    const auto* type = std::find_if(kDTypes.begin(), kDTypes.end(),
                                    [&](const FileDType& known) { return known.name == spelled; });
    if (type == kDTypes.end()) {
      fail("{}: {}: dtype: unknown type '{}'", place_, printable(name), printable(spelled));
    }
    return *type;
  }

  std::vector<uint64_t> integers(const std::string& name, const json& value,
                                 std::string_view key) const {
    const auto found = value.find(key);
    const bool is_list = found != value.end() && found->is_array() &&
                         std::all_of(found->begin(), found->end(), [](const json& number) {
                           return number.is_number_unsigned();
                         });
    if (!is_list) {
      fail("{}: {}: {}: expected a list of non-negative integers", place_, printable(name), key);
    }
    return found->get<std::vector<uint64_t>>();
  }

  std::vector<int64_t> shape(const std::string& name, const json& value) const {
    const std::vector<uint64_t> sizes = integers(name, value, "shape");
    for (const uint64_t size : sizes) {
      if (size > INT64_MAX) fail("{}: {}: shape: {} is too large", place_, printable(name), size);
    }
    return {sizes.begin(), sizes.end()};
  }

  void check_size(const Entry& entry, const FileDType& type) const {
    uint64_t bits = type.bits;
    bool overflow = false;
    for (const int64_t size : entry.tensor.shape) {
      overflow |= __builtin_mul_overflow(bits, static_cast<uint64_t>(size), &bits);
    }
    const uint64_t found = entry.end - entry.begin;
    if (overflow || bits % 8 != 0 || bits / 8 != found) {
      fail("{}: {}: {} {} does not fill the {} bytes of its data_offsets", place_,
           printable(entry.tensor.name), type.name, shape_text(entry.tensor.shape), found);
    }
  }

  // The tensors must cover the buffer exactly.
  void lay_out(std::vector<Entry>& entries) const {
    std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
      return a.begin != b.begin ? a.begin < b.begin : a.end < b.end;
    });
    uint64_t next = 0;
    for (Entry& entry : entries) {
      if (entry.begin != next) {
        fail("{}: {}: data_offsets: begins at byte {}, expected {} ({})", place_,
             printable(entry.tensor.name), entry.begin, next,
             entry.begin < next ? "it overlaps the tensor before" : "there is a hole before it");
      }
      entry.tensor.bytes = buffer_.subspan(entry.begin, entry.end - entry.begin);
      next = entry.end;
    }
    if (next != buffer_.size()) {
      fail("{}: {} bytes follow the last tensor, expected none", place_, buffer_.size() - next);
    }
  }

  std::span<const std::byte> bytes_;
  std::string place_;
  std::string file_;
  std::span<const std::byte> buffer_;
};

}  // namespace

std::vector<StoredTensor> parse_safetensors(std::span<const std::byte> bytes,
                                            const std::filesystem::path& path) {
  return HeaderReader(bytes, path).read();
}

std::vector<StoredTensor> parse_safetensors(const MappedFile& file) {
  return parse_safetensors(file.bytes(), file.path());
}

std::map<std::string, std::string> safetensors_metadata(const MappedFile& file) {
  return HeaderReader(file.bytes(), file.path()).metadata();
}

}  // namespace qk
