// Reads any bytes as a journal. The result must be an Error, or documents whose columns can all be
// read. The bytes are tried once as they are, and once as the contents of records with correct
// lengths and checksums, so that later checks are reached.
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/hash.h"
#include "journal/journal.h"
#include "journal/journal_format.h"

namespace {

// A file in memory with a path.
class MemoryFile {
 public:
  explicit MemoryFile(std::span<const std::byte> bytes) : fd_(::memfd_create("journal", 0)) {
    if (fd_ < 0 || ::write(fd_, bytes.data(), bytes.size()) != std::ssize(bytes)) std::abort();
  }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;
  ~MemoryFile() { ::close(fd_); }
  std::string path() const { return "/proc/self/fd/" + std::to_string(fd_); }

 private:
  int fd_;
};

void require(bool holds) {
  if (!holds) std::abort();
}

void read_all(const qk::JournalReader& reader) {
  double sum = 0;
  size_t token_bytes = 0;
  std::vector<qk::JournalReader::Record> records;
  for (const qk::JournalReader::Group& group : reader.groups()) {
    records.insert(records.end(), group.records.begin(), group.records.end());
  }
  for (const qk::JournalReader::Record& record : records) {
    const qk::JournalReader::Entry entry = reader.entry(record);
    require(entry.document == record.document && reader.has(record.document));
    const qk::JournalReader::Columns columns = reader.columns(entry);
    const auto rows = static_cast<size_t>(entry.rows);
    require(columns.buckets.size() == rows && columns.positions.size() == rows);
    require(columns.tokens.size() == (entry.has_tokens ? rows : 0));
    for (const std::string_view token : columns.tokens) {
      for (const char c : token) token_bytes += static_cast<size_t>(c != 0);
    }
    for (size_t head_idx = 0; head_idx < entry.heads.size(); ++head_idx) {
      for (const float x : reader.vectors(entry, head_idx)) sum += x;
      for (const float x : reader.vectors_pre_rope(entry, head_idx)) sum += x;
    }
  }
  require(sum < 0 || sum >= 0 || sum != sum || token_bytes > 0);
}

void read(std::span<const std::byte> bytes) {
  const MemoryFile file(bytes);
  try {
    const qk::JournalReader reader(file.path());
    require(reader.valid_bytes() <= bytes.size());
    for (const int64_t document : reader.lost()) require(!reader.has(document));
    read_all(reader);
  } catch (const qk::Error&) {
  }
}

void append(std::vector<std::byte>& out, std::span<const std::byte> bytes) {
  out.insert(out.end(), bytes.begin(), bytes.end());
}

void append_number(std::vector<std::byte>& out, uint64_t number) {
  append(out, std::as_bytes(std::span(&number, 1)));
}

// Each record takes 5 bytes of the input for its head and length, and the payload from what
// follows.
std::vector<std::byte> framed(std::span<const std::byte> input) {
  std::vector<std::byte> out;
  append(out, std::as_bytes(std::span<const char>(qk::journal::kFileMagic)));
  append_number(out, qk::journal::kVersion);  // and an empty header text
  append_number(out, qk::xxh3_64(out));
  while (input.size() >= 5) {
    const auto byte = [&](size_t at) { return std::to_integer<uint32_t>(input[at]); };
    qk::journal::RecordHead head;
    head.type =
        byte(0) % 2 == 0 ? qk::journal::RecordType::kBlock : qk::journal::RecordType::kDocumentEnd;
    head.document = byte(1);
    head.index = byte(2);
    const size_t length = (byte(3) + 256 * byte(4)) / 8 * 8;
    input = input.subspan(5);
    const auto payload = input.first(std::min(length, input.size() / 8 * 8));
    input = input.subspan(payload.size());
    head.payload_bytes = payload.size();
    append(out, qk::journal::encode(head));
    append(out, payload);
    const uint64_t piece = qk::xxh3_64(payload);  // less than 64 KiB: one piece
    append_number(out, qk::journal::checksum_of_pieces(
                           std::span(&piece, payload.empty() ? size_t{0} : size_t{1})));
  }
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto bytes = std::as_bytes(std::span(data, size));
  read(bytes);
  read(framed(bytes));
  return 0;
}
