#include "journal/journal_format.h"

#include <algorithm>
#include <cstring>
#include <limits>

#include "base/hash.h"

namespace qk::journal {
namespace {

template <typename T>
void put(std::byte* at, T value) {
  std::memcpy(at, &value, sizeof(T));
}

template <typename T>
T get(const std::byte* at) {
  T value;
  std::memcpy(&value, at, sizeof(T));
  return value;
}

constexpr size_t kHashedHeadBytes = kRecordHeadBytes - kChecksumBytes;

// Adds columns one after another and remembers an overflow.
class Cursor {
 public:
  explicit Cursor(uint64_t at) : at_(at) {}
  // Begins a column of count * bytes_each here and steps over it and its padding.
  uint64_t column(uint64_t count, uint64_t bytes_each) {
    const uint64_t begin = at_;
    uint64_t size = 0;
    overflow_ |= __builtin_mul_overflow(count, bytes_each, &size);
    overflow_ |= __builtin_add_overflow(at_, size, &at_);
    overflow_ |= __builtin_add_overflow(at_, uint64_t{7}, &at_);
    at_ &= ~uint64_t{7};
    return begin;
  }
  uint64_t at() const { return at_; }
  bool fits() const { return !overflow_ && at_ <= std::numeric_limits<int64_t>::max(); }

 private:
  uint64_t at_;
  bool overflow_ = false;
};

}  // namespace

std::vector<std::byte> encode(const RecordHead& head) {
  std::vector<std::byte> bytes(kRecordHeadBytes);
  put(&bytes[0], kRecordMagic);
  put(&bytes[4], static_cast<uint32_t>(head.type));
  put(&bytes[8], head.document);
  put(&bytes[16], head.index);
  put(&bytes[20], uint32_t{0});
  put(&bytes[24], head.payload_bytes);
  put(&bytes[32], xxh3_64(std::span(bytes).first(kHashedHeadBytes)));
  return bytes;
}

std::optional<RecordHead> decode_head(std::span<const std::byte> file, size_t offset) {
  if (offset > file.size() || file.size() - offset < kRecordHeadBytes + kChecksumBytes) {
    return std::nullopt;
  }
  const std::byte* at = file.data() + offset;
  if (get<uint32_t>(at) != kRecordMagic) return std::nullopt;
  if (get<uint64_t>(at + 32) != xxh3_64({at, kHashedHeadBytes})) return std::nullopt;
  const auto type = get<uint32_t>(at + 4);
  const RecordHead head{.type = static_cast<RecordType>(type),
                        .document = get<int64_t>(at + 8),
                        .index = get<uint32_t>(at + 16),
                        .payload_bytes = get<uint64_t>(at + 24)};
  if (type != static_cast<uint32_t>(RecordType::kBlock) &&
      type != static_cast<uint32_t>(RecordType::kDocumentEnd)) {
    return std::nullopt;
  }
  const size_t room = file.size() - offset - kRecordHeadBytes - kChecksumBytes;
  if (head.document < 0 || head.payload_bytes % 8 != 0 || head.payload_bytes > room) {
    return std::nullopt;
  }
  return head;
}

uint64_t checksum_of_pieces(std::span<const uint64_t> piece_checksums) {
  return xxh3_64(std::as_bytes(piece_checksums));
}

uint64_t payload_checksum(std::span<const std::byte> payload,
                          const std::function<void(const std::byte* at)>& seen) {
  std::vector<uint64_t> checksums;
  while (!payload.empty()) {
    const auto piece = payload.first(std::min(payload.size(), kPieceBytes));
    checksums.push_back(xxh3_64(piece));
    payload = payload.subspan(piece.size());
    seen(payload.data());
  }
  return checksum_of_pieces(checksums);
}

std::optional<BlockLayout> block_layout(const BlockFixed& fixed) {
  if (fixed.rows < 0 || fixed.head_dim < 0) return std::nullopt;
  const auto rows = static_cast<uint64_t>(fixed.rows);
  const bool has_tokens = (fixed.flags & kHasTokens) != 0;
  const bool has_pre_rope = (fixed.flags & kHasPreRope) != 0;
  uint64_t numbers = 0;
  if (__builtin_mul_overflow(rows, static_cast<uint64_t>(fixed.head_dim), &numbers) ||
      __builtin_mul_overflow(numbers, uint64_t{fixed.num_heads}, &numbers)) {
    return std::nullopt;
  }
  BlockLayout layout;
  Cursor cursor(sizeof(BlockFixed));
  layout.heads = cursor.column(fixed.num_heads, sizeof(int32_t));
  layout.buckets = cursor.column(rows, sizeof(int32_t));
  layout.positions = cursor.column(rows, sizeof(int32_t));
  layout.token_ends = cursor.column(has_tokens ? rows : 0, sizeof(uint32_t));
  layout.tokens = cursor.column(fixed.token_bytes, 1);
  layout.vectors = cursor.column(numbers, sizeof(float));
  layout.vectors_pre_rope = cursor.column(has_pre_rope ? numbers : 0, sizeof(float));
  layout.bytes = cursor.at();
  if (!cursor.fits()) return std::nullopt;
  return layout;
}

}  // namespace qk::journal
