// What a scan of a journal found, as bytes that go to other processes: they read the same file
// without scanning it again.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "journal/journal.h"
#include "journal/journal_scan.h"

namespace qk {

// For JournalReader(path, index). About 6 bytes a record and 20 a document; the header is in it.
std::string encode_index(const JournalReader& journal);

struct IndexedJournal {
  std::string header;
  JournalScan scan;
};

// Throws Error naming the journal if the bytes are no index, or one that contradicts itself. Takes
// no more memory than a small multiple of their number.
IndexedJournal decode_index(std::string_view bytes, const std::string& journal);

// Waits until the file has so many bytes. Throws Error if it does not within this time.
void wait_for_bytes(const std::filesystem::path& path, size_t bytes, double seconds);

}  // namespace qk
