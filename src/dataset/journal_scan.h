// Walks the records of a mapped journal once, checking every length, checksum and order.
#pragma once

#include <cstddef>
#include <vector>

#include "base/mapped_file.h"
#include "dataset/journal.h"

namespace qk {

struct JournalScan {
  std::vector<DocumentEnd> documents;         // whole ones
  std::vector<JournalReader::Entry> entries;  // of whole documents
  size_t valid_bytes = 0;                     // end of the last whole document
};

// From the first record, at `begin`, to the end or the torn tail. Throws Error if a record that was
// whole once is damaged or contradicts the others.
JournalScan scan_journal(const MappedFile& file, size_t begin);

}  // namespace qk
