// The bytes of the journal, shared by its writer and its reader; docs/dataset-format.md, section
// "Journal", says the same in words. All numbers are little-endian, every record begins at a
// multiple of 8 bytes.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace qk::journal {

static_assert(std::endian::native == std::endian::little,
              "the journal is written as memory holds it");

inline constexpr std::string_view kFileMagic = "QKJOURNL";
inline constexpr uint32_t kVersion = 1;
inline constexpr size_t kFileHeadBytes = 16;  // magic, version, length of the header text

inline constexpr uint32_t kRecordMagic = 0x524A4B51;  // "QKJR"
// Stored as uint32.
enum class RecordType : uint8_t { kBlock = 1, kDocumentEnd = 2 };
inline constexpr size_t kRecordHeadBytes = 40;
inline constexpr size_t kChecksumBytes = 8;

// The payload of a document's end.
struct EndFixed {
  int64_t example_id = 0;
  int64_t num_tokens = 0;
  int64_t num_records = 0;
  uint32_t outcome = 0;  // as DocumentOutcome
  uint32_t flags = 0;
  int32_t layer = -1;  // of the canary; -1: none, then the rest is 0
  int32_t query_head = 0, key_head = 0;
  int32_t query_row = 0, key_row = 0;
  uint32_t zero = 0;
  double dot = 0;
};
inline constexpr size_t kDocumentEndBytes = 64;
static_assert(sizeof(EndFixed) == kDocumentEndBytes);
inline constexpr uint32_t kNumOutcomes = 6;
inline constexpr uint32_t kTruncated = 1;

struct RecordHead {
  RecordType type = RecordType::kBlock;
  int64_t document = 0;
  uint32_t index = 0;          // of the record within its document
  uint64_t payload_bytes = 0;  // a multiple of 8

  // Of the whole record: head, payload, checksum.
  size_t record_bytes() const { return kRecordHeadBytes + payload_bytes + kChecksumBytes; }
};

// The 40 bytes of a head, its own checksum included.
std::vector<std::byte> encode(const RecordHead& head);
// The head at `offset`; empty if there is none, it is damaged, or its record does not fit in
// `file`.
std::optional<RecordHead> decode_head(std::span<const std::byte> file, size_t offset);

// A payload's checksum is XXH3-64 of the XXH3-64s of its pieces of 1 MiB (the last one shorter).
inline constexpr size_t kPieceBytes = size_t{1} << 20;
uint64_t checksum_of_pieces(std::span<const uint64_t> piece_checksums);
// Of a whole payload. seen(at) is called as all before `at` have been read.
uint64_t payload_checksum(std::span<const std::byte> payload,
                          const std::function<void(const std::byte* at)>& seen);

// The fixed part of a block's payload.
struct BlockFixed {
  int64_t example_id = 0;
  int32_t layer = 0;
  uint32_t kind = 0;  // 0 query, 1 key
  int32_t head_dim = 0;
  int32_t sliding_window = 0;  // 0 without kHasWindow
  int64_t rows = 0;
  uint32_t num_heads = 0;
  uint32_t flags = 0;
  uint64_t token_bytes = 0;  // of all token strings together
};
static_assert(sizeof(BlockFixed) == 48);
inline constexpr uint32_t kHasWindow = 1;
inline constexpr uint32_t kHasTokens = 2;
inline constexpr uint32_t kHasPreRope = 4;

// Where the columns of a block begin in its payload, in this order, each at a multiple of 8 bytes
// and followed by zeros up to the next.
struct BlockLayout {
  uint64_t heads = 0;             // int32 [num_heads]
  uint64_t buckets = 0;           // int32 [rows]
  uint64_t positions = 0;         // int32 [rows]
  uint64_t token_ends = 0;        // uint32 [rows] with kHasTokens: ends of the strings in `tokens`
  uint64_t tokens = 0;            // UTF-8 [token_bytes]
  uint64_t vectors = 0;           // float32 [num_heads, rows, head_dim]
  uint64_t vectors_pre_rope = 0;  // the same shape with kHasPreRope
  uint64_t bytes = 0;             // of the payload
};

// Empty if a size is negative or the sum does not fit in 63 bits.
std::optional<BlockLayout> block_layout(const BlockFixed& fixed);

// A number at `offset` of `bytes`, and a column that begins there (aligned: journal offsets are
// multiples of 8). REQUIRES: they lie inside.
template <typename T>
T get(std::span<const std::byte> bytes, size_t offset) {
  T value;
  QK_CHECK(bytes.size() >= sizeof(T) && offset <= bytes.size() - sizeof(T));
  std::memcpy(&value, bytes.data() + offset, sizeof(T));
  return value;
}

template <typename T>
std::span<const T> column(std::span<const std::byte> payload, uint64_t offset, uint64_t count) {
  QK_CHECK(offset <= payload.size() && count <= (payload.size() - offset) / sizeof(T));
  return {reinterpret_cast<const T*>(payload.data() + offset), static_cast<size_t>(count)};
}

}  // namespace qk::journal
