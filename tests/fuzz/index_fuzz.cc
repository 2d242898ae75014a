// Reads any bytes as the index of a journal: once as they are, and once with the magic and the
// checksum of an index around them, so that later checks are reached.
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string>

#include "base/error.h"
#include "base/hash.h"
#include "journal/journal_index.h"

namespace {

void read(const std::string& bytes) {
  try {
    const qk::IndexedJournal index = qk::decode_index(bytes, "journal");
    for (const qk::JournalReader::Group& group : index.scan.groups) {
      if (group.records.empty() || group.heads.empty() || group.head_dim <= 0) std::abort();
    }
  } catch (const qk::Error&) {
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string bytes(reinterpret_cast<const char*>(data), size);
  read(bytes);
  std::string sealed = "QKINDEX1" + bytes;
  const uint64_t checksum = qk::xxh3_64(std::as_bytes(std::span<const char>(sealed)));
  sealed.append(reinterpret_cast<const char*>(&checksum), sizeof(checksum));
  read(sealed);
  return 0;
}
