// Checks what must hold for every tensor that a reader accepts.
#pragma once

#include <cstdint>
#include <set>
#include <span>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "formats/stored_name.h"
#include "formats/stored_tensor.h"

namespace qk {

// The tensors must lie within `file` and not overlap, names must be text and unique, and tensors of
// supported types must fill their bytes. Reads both ends of every tensor, for the address
// sanitizer.
inline void check_stored_tensors(std::span<const std::byte> file,
                                 const std::vector<StoredTensor>& tensors) {
  std::set<std::string_view> names;
  size_t total = 0;
  unsigned sum = 0;
  for (const StoredTensor& tensor : tensors) {
    check_stored_name("fuzz", "tensor", tensor.name);
    QK_CHECK(names.insert(tensor.name).second);
    QK_CHECK(!tensor.dtype_name.empty() && !tensor.file.empty());
    total += tensor.bytes.size();
    if (!tensor.bytes.empty()) {
      QK_CHECK(tensor.bytes.data() >= file.data());
      QK_CHECK(tensor.bytes.data() + tensor.bytes.size() <= file.data() + file.size());
      sum +=
          static_cast<unsigned>(tensor.bytes.front()) + static_cast<unsigned>(tensor.bytes.back());
    }
    __int128 elements = 1;
    for (const int64_t size : tensor.shape) {
      QK_CHECK(size >= 0);
      elements *= size;
      if (elements == 0) break;
    }
    if (tensor.dtype) {
      const DTypeInfo& type = info(*tensor.dtype);
      QK_CHECK(elements * type.block_bytes ==
               static_cast<__int128>(tensor.bytes.size()) * type.block_elements);
    }
  }
  QK_CHECK(total <= file.size());
  volatile unsigned sink = sum;
  (void)sink;
}

}  // namespace qk
