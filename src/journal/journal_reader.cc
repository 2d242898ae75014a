#include <algorithm>

#include "base/error.h"
#include "base/hash.h"
#include "journal/journal.h"
#include "journal/journal_format.h"
#include "journal/journal_index.h"
#include "journal/journal_scan.h"
#include "journal/record_checks.h"

namespace qk {
namespace {

using journal::BlockFixed;
using journal::BlockLayout;
using journal::column;
using journal::get;
using Entry = JournalReader::Entry;

constexpr size_t kReadAround = 65536;  // bytes that the kernel maps around a touched page

struct Block {
  BlockFixed fixed;
  BlockLayout layout;
};

Block block_of(std::span<const std::byte> payload) {
  const auto fixed = get<BlockFixed>(payload, 0);
  const std::optional<BlockLayout> layout = journal::block_layout(fixed);
  QK_CHECK(layout.has_value());
  return {fixed, *layout};
}

std::span<const std::byte> payload_of(const MappedFile& file, const Entry& entry) {
  return file.bytes()
      .subspan(entry.offset, entry.bytes - journal::kChecksumBytes)
      .subspan(journal::kRecordHeadBytes);
}

std::span<const float> vectors_at(std::span<const std::byte> payload, const Entry& entry,
                                  uint64_t offset, size_t head_idx) {
  QK_CHECK(head_idx < entry.heads.size());
  const auto per_head = static_cast<uint64_t>(entry.rows) * static_cast<uint64_t>(entry.head_dim);
  return column<float>(payload, offset + head_idx * per_head * sizeof(float), per_head);
}

// Without a header nothing of a journal can be used.
constexpr std::string_view kWayOut =
    "; remove this file, or discard all with --overwrite (without --shard)";

}  // namespace

std::string read_journal_header(const MappedFile& file, size_t& end) {
  const std::span<const std::byte> bytes = file.bytes();
  const std::string name = file.path().string();
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  if (!text.starts_with(journal::kFileMagic.substr(0, text.size()))) {
    fail("{}: is not a qkscope journal", name);
  }
  if (bytes.size() < journal::kFileHeadBytes)
    fail("{}: is cut off inside its header{}", name, kWayOut);
  const auto version = get<uint32_t>(bytes, 8);
  if (version != journal::kVersion) {
    fail("{}: is a journal of version {}, this program reads version {}", name, version,
         journal::kVersion);
  }
  const size_t length = get<uint32_t>(bytes, 12);
  const size_t checksum_at = (journal::kFileHeadBytes + length + 7) / 8 * 8;
  if (bytes.size() < checksum_at + journal::kChecksumBytes) {
    fail("{}: is cut off inside its header{}", name, kWayOut);
  }
  if (get<uint64_t>(bytes, checksum_at) != xxh3_64(bytes.first(checksum_at))) {
    fail("{}: its header is damaged{}", name, kWayOut);
  }
  end = checksum_at + journal::kChecksumBytes;
  return std::string(text.substr(journal::kFileHeadBytes, length));
}

JournalReader::JournalReader(JournalReader&&) noexcept = default;
JournalReader& JournalReader::operator=(JournalReader&&) noexcept = default;
JournalReader::~JournalReader() = default;

JournalReader::JournalReader(const std::filesystem::path& path) : file_(path) {
  size_t begin = 0;
  header_ = read_journal_header(file_, begin);
  JournalScan scan = scan_journal(file_, begin);
  documents_ = std::move(scan.documents);
  groups_ = std::move(scan.groups);
  valid_bytes_ = scan.valid_bytes;
  damage_ = std::move(scan.damage);
  lost_ = std::move(scan.lost);
  file_.drop(0, file_.bytes().size());
}

std::string JournalReader::header_of(const std::filesystem::path& path) {
  size_t end = 0;
  return read_journal_header(MappedFile(path), end);
}

JournalReader::JournalReader(const std::filesystem::path& path, std::string_view index,
                             double wait_seconds) {
  IndexedJournal found = decode_index(index, path.string());
  wait_for_bytes(path, found.scan.valid_bytes, wait_seconds);
  file_ = MappedFile(path);
  size_t begin = 0;
  header_ = read_journal_header(file_, begin);
  if (header_ != found.header || file_.bytes().size() < found.scan.valid_bytes) {
    fail("{}: is another file than the journal whose index is used", path.string());
  }
  documents_ = std::move(found.scan.documents);
  groups_ = std::move(found.scan.groups);
  valid_bytes_ = found.scan.valid_bytes;
  damage_ = std::move(found.scan.damage);
  lost_ = std::move(found.scan.lost);
  checks_ = std::make_unique<RecordChecks>(groups_);
}

bool JournalReader::has(int64_t document) const {
  const auto it = std::ranges::lower_bound(documents_, document, {}, &DocumentEnd::document);
  return it != documents_.end() && it->document == document;
}

Entry JournalReader::entry(const Record& record) const {
  if (checks_) checks_->check_head(file_, groups_, record);
  return entry_at(file_, record.offset);
}

uint64_t JournalReader::checksum(const Entry& entry) const {
  return get<uint64_t>(file_.bytes(), entry.offset + entry.bytes - journal::kChecksumBytes);
}

JournalReader::Columns JournalReader::columns(const Entry& entry) const {
  const std::span<const std::byte> payload = payload_of(file_, entry);
  const auto [fixed, layout] = block_of(payload);
  const auto rows = static_cast<uint64_t>(fixed.rows);
  Columns columns;
  columns.sliding_window = entry.sliding_window;
  columns.buckets = column<int32_t>(payload, layout.buckets, rows);
  columns.positions = column<int32_t>(payload, layout.positions, rows);
  if (!entry.has_tokens) return columns;
  const auto text = column<char>(payload, layout.tokens, fixed.token_bytes);
  uint32_t begin = 0;
  for (const uint32_t end : column<uint32_t>(payload, layout.token_ends, rows)) {
    columns.tokens.emplace_back(text.data() + begin, end - begin);
    begin = end;
  }
  return columns;
}

std::span<const float> JournalReader::vectors(const Entry& entry, size_t head_idx) const {
  if (checks_) checks_->check_payload(file_, entry);
  const std::span<const std::byte> payload = payload_of(file_, entry);
  return vectors_at(payload, entry, block_of(payload).layout.vectors, head_idx);
}

std::span<const float> JournalReader::vectors_pre_rope(const Entry& entry, size_t head_idx) const {
  if (!entry.has_pre_rope) return {};
  if (checks_) checks_->check_payload(file_, entry);
  const std::span<const std::byte> payload = payload_of(file_, entry);
  return vectors_at(payload, entry, block_of(payload).layout.vectors_pre_rope, head_idx);
}

void JournalReader::drop(size_t begin, size_t end) const {
  file_.drop(begin - std::min(begin, kReadAround), end);
}

void JournalReader::drop_head(const Entry& entry) const {
  drop(entry.offset, entry.offset + kReadAround);
}

}  // namespace qk
