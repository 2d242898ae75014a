// Walks the records of a mapped journal once, checking every length, checksum and order.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/mapped_file.h"
#include "journal/journal.h"
#include "journal/journal_format.h"

namespace qk {

struct JournalScan {
  std::vector<DocumentEnd> documents;        // whole ones, ascending
  std::vector<JournalReader::Group> groups;  // of whole documents
  size_t valid_bytes = 0;                    // end of the last end mark
  std::vector<size_t> damage;
  std::vector<int64_t> lost;
};

// From the first record, at `begin`, to the end or the torn tail. Throws Error if a record whose
// checksums hold contradicts itself or others.
JournalScan scan_journal(const MappedFile& file, size_t begin);

// What is wrong with the contents of a block; empty if nothing. REQUIRES: `payload` has the fixed
// part.
std::string_view block_fault(std::span<const std::byte> payload, const journal::BlockFixed& fixed);

// The text of the header; sets `end` to the first record's offset. Throws Error.
std::string read_journal_header(const MappedFile& file, size_t& end);

// What two groups of one layer and kind must agree on and do not; empty if nothing.
std::string_view group_difference(const JournalReader::Group& a, const JournalReader::Group& b);

// Adds heads (ascending) to those of the group.
void add_heads(JournalReader::Group& group, const std::vector<int32_t>& heads);

// The head and the numbers of the block at `offset`. REQUIRES: scan_journal found it there.
JournalReader::Entry entry_at(const MappedFile& file, size_t offset);

}  // namespace qk
