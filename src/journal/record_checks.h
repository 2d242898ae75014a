// The checks of a journal's records that JournalReader leaves for later when it has an index. Each
// is made once. Threads: any.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "base/mapped_file.h"
#include "journal/journal.h"

namespace qk {

class RecordChecks {
 public:
  explicit RecordChecks(const std::vector<JournalReader::Group>& groups);

  // Throws Error unless the record is a block of its document that agrees with its group, whose
  // columns can be read without leaving it. REQUIRES: it is one of the groups'.
  void check_head(const MappedFile& file, std::span<const JournalReader::Group> groups,
                  const JournalReader::Record& record);
  // Throws Error unless its checksum is right. The first caller reads all of the record.
  void check_payload(const MappedFile& file, const JournalReader::Entry& entry);

 private:
  enum class State : uint8_t { kUnknown, kHead, kPayload };
  struct Known {
    size_t offset = 0;
    uint32_t group = 0;
  };
  size_t index_of(size_t offset) const;

  std::vector<Known> records_;                    // by offset
  std::unique_ptr<std::atomic<State>[]> states_;  // [records_]
  std::array<std::mutex, 16> mutexes_;            // of the records with this index modulo 16
};

}  // namespace qk
