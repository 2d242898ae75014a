#include "dataset/journal_scan.h"

#include <algorithm>
#include <iterator>
#include <optional>
#include <string_view>
#include <utility>

#include "base/error.h"
#include "base/hash.h"
#include "dataset/journal_format.h"

namespace qk {
namespace {

using journal::BlockFixed;
using journal::BlockLayout;
using journal::column;
using journal::get;
using journal::RecordHead;
using journal::RecordType;
using Entry = JournalReader::Entry;

// What is wrong with the contents of a block whose checksum holds; empty if nothing.
std::string_view fault(std::span<const std::byte> payload, const BlockFixed& fixed) {
  if (fixed.kind > 1 || (fixed.flags & ~7U) != 0) return "its kind or flags are unknown";
  if (fixed.layer < 0 || fixed.head_dim <= 0 || fixed.num_heads == 0) return "its sizes are wrong";
  if ((fixed.flags & journal::kHasTokens) == 0 && fixed.token_bytes != 0) {
    return "it has token bytes without token strings";
  }
  const std::optional<BlockLayout> layout = journal::block_layout(fixed);
  if (!layout || layout->bytes != payload.size()) return "its length does not match its sizes";
  int32_t previous = -1;
  for (const int32_t head : column<int32_t>(payload, layout->heads, fixed.num_heads)) {
    if (head <= previous) return "its heads do not ascend";
    previous = head;
  }
  if ((fixed.flags & journal::kHasTokens) == 0) return "";
  uint32_t end = 0;
  const auto rows = static_cast<uint64_t>(fixed.rows);
  for (const uint32_t next : column<uint32_t>(payload, layout->token_ends, rows)) {
    if (next < end) return "its token strings overlap";
    end = next;
  }
  return end == fixed.token_bytes ? "" : "its token strings do not fill their bytes";
}

// Walks the records once, from the end of the header on.
class Scanner {
 public:
  Scanner(const MappedFile& file, size_t begin)
      : file_(file), bytes_(file.bytes()), at_(begin), dropped_(begin) {
    result_.valid_bytes = begin;
  }

  JournalScan run() {
    while (at_ < bytes_.size()) {
      const std::optional<RecordHead> head = journal::decode_head(bytes_, at_);
      if (!head || !payload_intact(*head, at_)) {
        fail_if_inside(head);
        break;
      }
      accept(*head);
      at_ += head->record_bytes();
      if (head->type == RecordType::kDocumentEnd) result_.valid_bytes = at_;
    }
    return std::move(result_);
  }

 private:
  std::span<const std::byte> payload(const RecordHead& head, size_t offset) const {
    return bytes_.subspan(offset + journal::kRecordHeadBytes, head.payload_bytes);
  }

  bool payload_intact(const RecordHead& head, size_t offset) {
    std::span<const std::byte> rest = payload(head, offset);
    std::vector<uint64_t> checksums;
    while (!rest.empty()) {
      const auto piece = rest.first(std::min(rest.size(), journal::kPieceBytes));
      checksums.push_back(xxh3_64(piece));
      rest = rest.subspan(piece.size());
      drop_before(static_cast<size_t>(rest.data() - bytes_.data()));
    }
    const size_t end = offset + journal::kRecordHeadBytes + head.payload_bytes;
    return get<uint64_t>(bytes_, end) == journal::checksum_of_pieces(checksums);
  }

  // Keeps the resident part of the mapping small.
  void drop_before(size_t end) {
    constexpr size_t kStep = size_t{16} << 20;
    if (end < dropped_ + kStep) return;
    file_.drop(dropped_, end);
    dropped_ = end - end % 65536;
  }

  [[noreturn]] void fail_record(const RecordHead& head, std::string_view what) const {
    fail("{}: the record at byte {}, of document {}, is wrong: {}", file_.path().string(), at_,
         head.document, what);
  }

  void accept(const RecordHead& head) {
    const int64_t last = result_.documents.empty() ? -1 : result_.documents.back().document;
    const auto in_hand = static_cast<uint32_t>(pending_.size());
    if (head.index != in_hand) fail_record(head, "a record before it is missing");
    if (in_hand == 0 ? head.document <= last : head.document != pending_.front().document) {
      fail_record(head, "documents do not follow each other");
    }
    head.type == RecordType::kBlock ? accept_block(head) : accept_end(head);
  }

  void accept_block(const RecordHead& head) {
    const std::span<const std::byte> bytes = payload(head, at_);
    if (bytes.size() < sizeof(BlockFixed)) fail_record(head, "it is too short");
    const auto fixed = get<BlockFixed>(bytes, 0);
    if (const auto what = fault(bytes, fixed); !what.empty()) fail_record(head, what);
    const auto heads = column<int32_t>(bytes, sizeof(BlockFixed), fixed.num_heads);
    Entry entry{.document = head.document,
                .example_id = fixed.example_id,
                .layer = fixed.layer,
                .kind = fixed.kind == 0 ? Kind::kQuery : Kind::kKey,
                .head_dim = fixed.head_dim,
                .rows = fixed.rows,
                .heads = {heads.begin(), heads.end()},
                .sliding_window = std::nullopt,
                .has_tokens = (fixed.flags & journal::kHasTokens) != 0,
                .has_pre_rope = (fixed.flags & journal::kHasPreRope) != 0,
                .offset = at_,
                .bytes = head.record_bytes()};
    if ((fixed.flags & journal::kHasWindow) != 0) entry.sliding_window = fixed.sliding_window;
    pending_.push_back(std::move(entry));
  }

  void accept_end(const RecordHead& head) {
    const std::span<const std::byte> bytes = payload(head, at_);
    if (bytes.size() != journal::kDocumentEndBytes) fail_record(head, "its length is wrong");
    const DocumentEnd end{.document = head.document,
                          .example_id = get<int64_t>(bytes, 0),
                          .num_tokens = get<int64_t>(bytes, 8),
                          .num_records = get<int64_t>(bytes, 16)};
    if (end.num_records != static_cast<int64_t>(pending_.size())) {
      fail_record(head, "it counts other records than there are");
    }
    result_.documents.push_back(end);
    std::move(pending_.begin(), pending_.end(), std::back_inserter(result_.entries));
    pending_.clear();
  }

  // Bytes at at_ are no whole record. If a document ends behind them they were whole once: an
  // Error. Otherwise they are the torn tail.
  void fail_if_inside(const std::optional<RecordHead>& head) {
    std::optional<RecordHead> next;
    bool document_ends = false;
    for (size_t at = at_ + 8; at < bytes_.size() && !document_ends; at += 8) {
      drop_before(at);
      const std::optional<RecordHead> found = journal::decode_head(bytes_, at);
      if (!found || !payload_intact(*found, at)) continue;
      if (!next) next = found;
      document_ends = found->type == RecordType::kDocumentEnd;
      at += found->record_bytes() - 8;
    }
    if (!document_ends || !next) return;
    fail("{}: damaged at byte {}, in document {} ({} whole documents come before it)",
         file_.path().string(), at_, hit_document(head, *next), result_.documents.size());
  }

  // The document whose record is damaged: its own head says it, or its neighbours do.
  int64_t hit_document(const std::optional<RecordHead>& head, const RecordHead& next) const {
    if (head) return head->document;
    if (!pending_.empty()) return pending_.front().document;
    const int64_t last = result_.documents.empty() ? -1 : result_.documents.back().document;
    return std::max(last + 1, next.index > 0 ? next.document : next.document - 1);
  }

  JournalScan result_;
  const MappedFile& file_;
  std::span<const std::byte> bytes_;
  size_t at_;
  size_t dropped_;
  std::vector<Entry> pending_;  // blocks of the document in hand
};

}  // namespace

JournalScan scan_journal(const MappedFile& file, size_t begin) {
  return Scanner(file, begin).run();
}

}  // namespace qk
