#include "journal/journal_scan.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string_view>
#include <utility>

#include "base/error.h"
#include "base/hash.h"
#include "journal/journal_format.h"

namespace qk {
namespace {

using journal::BlockFixed;
using journal::BlockLayout;
using journal::column;
using journal::EndFixed;
using journal::get;
using journal::RecordHead;
using journal::RecordType;
using Entry = JournalReader::Entry;
using Group = JournalReader::Group;

// The group that a record begins.
Group group_of(const Entry& entry) {
  return {.layer = entry.layer,
          .kind = entry.kind,
          .head_dim = entry.head_dim,
          .sliding_window = entry.sliding_window,
          .has_tokens = entry.has_tokens,
          .has_pre_rope = entry.has_pre_rope,
          .heads = entry.heads,
          .records = {}};
}

// Walks the records once, from the end of the header on. Where there is no record, it continues at
// the next one, found by its checksummed head at a multiple of 8 bytes.
class Scanner {
 public:
  Scanner(const MappedFile& file, size_t begin)
      : file_(file), bytes_(file.bytes()), at_(begin), dropped_(begin) {
    result_.valid_bytes = begin;
  }

  JournalScan run() {
    bool in_gap = false;
    while (at_ < bytes_.size()) {
      const std::optional<RecordHead> head = journal::decode_head(bytes_, at_);
      if (head && payload_intact(*head, at_)) {
        in_gap = false;
        head->type == RecordType::kBlock ? accept_block(*head) : accept_end(*head);
      } else if (!in_gap) {
        in_gap = true;
        gaps_.push_back(at_);
      }
      at_ += head ? head->record_bytes() : 8;
      drop_before(std::min(at_, bytes_.size()));
    }
    finish();
    return std::move(result_);
  }

 private:
  // A block of a document in progress, by the index of its group in groups_.
  struct Block {
    int32_t layer = 0;
    Kind kind = Kind::kQuery;
    size_t offset = 0;
  };
  // A document without its end so far.
  struct Pending {
    uint32_t num_records = 0;
    bool broken = false;  // a record before one of these is missing
    size_t gaps = 0;      // number of gaps before the first record
    std::vector<Block> blocks;
  };

  std::span<const std::byte> payload(const RecordHead& head) const {
    return bytes_.subspan(at_ + journal::kRecordHeadBytes, head.payload_bytes);
  }

  bool payload_intact(const RecordHead& head, size_t offset) {
    const size_t end = offset + journal::kRecordHeadBytes + head.payload_bytes;
    const auto seen = [&](const std::byte* at) {
      drop_before(static_cast<size_t>(at - bytes_.data()));
    };
    return get<uint64_t>(bytes_, end) == journal::payload_checksum(payload(head), seen);
  }

  // Keeps the resident part of the mapping small.
  void drop_before(size_t end) {
    constexpr size_t kStep = size_t{4} << 20;
    if (end < dropped_ + kStep) return;
    file_.drop(dropped_, end);
    dropped_ = end - end % 65536;
  }

  [[noreturn]] void fail_record(const RecordHead& head, std::string_view what) const {
    fail("{}: the record at byte {}, of document {}, is wrong: {}", file_.path().string(), at_,
         head.document, what);
  }

  // A first record begins its document anew: an interrupted run left the others.
  void accept_block(const RecordHead& head) {
    const std::span<const std::byte> bytes = payload(head);
    if (bytes.size() < sizeof(BlockFixed)) fail_record(head, "it is too short");
    const auto fixed = get<BlockFixed>(bytes, 0);
    if (const auto what = block_fault(bytes, fixed); !what.empty()) fail_record(head, what);
    if (documents_.contains(head.document)) fail_record(head, "the document was whole before it");
    Pending& pending = pending_[head.document];
    if (head.index == 0 || pending.num_records == 0) {
      pending = {.num_records = 0, .gaps = gaps_.size(), .blocks = {}};
    }
    pending.broken = pending.broken || head.index != pending.num_records;
    pending.num_records = head.index + 1;
    const Entry entry = entry_at(file_, at_);
    if (entry.rows > 0) pending.blocks.push_back({entry.layer, entry.kind, at_});
    take_agreement(entry);
  }

  void take_agreement(const Entry& entry) {
    if (entry.rows == 0) return;
    const auto [it, is_new] = groups_.try_emplace({entry.layer, entry.kind});
    auto& [group, first_document] = it->second;
    const Group of_entry = group_of(entry);
    if (is_new) {
      group = of_entry;
      first_document = entry.document;
    }
    if (const std::string_view what = group_difference(group, of_entry); !what.empty()) {
      fail("{}: documents {} and {} differ in the {} of layer {}, {}", file_.path().string(),
           first_document, entry.document, what, entry.layer,
           entry.kind == Kind::kQuery ? "queries" : "keys");
    }
    add_heads(group, entry.heads);
  }

  void accept_end(const RecordHead& head) {
    const std::span<const std::byte> bytes = payload(head);
    if (bytes.size() != journal::kDocumentEndBytes) fail_record(head, "its length is wrong");
    const auto fixed = get<EndFixed>(bytes, 0);
    if (fixed.outcome >= journal::kNumOutcomes || fixed.flags > journal::kTruncated) {
      fail_record(head, "its outcome or flags are unknown");
    }
    if (documents_.contains(head.document)) fail_record(head, "the document ended before");
    result_.valid_bytes = at_ + head.record_bytes();
    num_confirmed_gaps_ = gaps_.size();
    auto node = pending_.extract(head.document);
    const Pending pending = node.empty() ? Pending() : std::move(node.mapped());
    const bool whole = !pending.broken && head.index == pending.num_records &&
                       fixed.num_records == int64_t{pending.num_records};
    if (!whole) {
      if (gaps_.empty()) fail_record(head, "it counts other records than there are");
      lost_.insert(head.document);
      return;
    }
    lost_.erase(head.document);
    documents_[head.document] = {.document = head.document,
                                 .example_id = fixed.example_id,
                                 .num_tokens = fixed.num_tokens,
                                 .num_records = fixed.num_records,
                                 .outcome = static_cast<DocumentOutcome>(fixed.outcome),
                                 .truncated = (fixed.flags & journal::kTruncated) != 0,
                                 .canary = {fixed.layer, fixed.query_head, fixed.key_head,
                                            fixed.query_row, fixed.key_row, fixed.dot}};
    for (const Block& block : pending.blocks) {
      groups_.at({block.layer, block.kind}).first.records.push_back({head.document, block.offset});
    }
  }

  void finish() {
    for (auto& [key, group] : groups_) {
      auto& records = group.first.records;
      if (records.empty()) continue;
      std::ranges::sort(records, {}, &JournalReader::Record::document);
      records.shrink_to_fit();
      result_.groups.push_back(std::move(group.first));
    }
    for (auto& [document, end] : documents_) result_.documents.push_back(end);
    // A document in progress at a kill is not lost; one that had its end, and lost it, is.
    for (const auto& [document, pending] : pending_) {
      if (pending.broken || pending.gaps < num_confirmed_gaps_) {
        lost_.insert(document);
      }
    }
    gaps_.resize(num_confirmed_gaps_);
    result_.damage = std::move(gaps_);
    if (!result_.damage.empty()) result_.lost.assign(lost_.begin(), lost_.end());
  }

  JournalScan result_;
  const MappedFile& file_;
  std::span<const std::byte> bytes_;
  size_t at_;
  size_t dropped_;
  std::map<std::pair<int32_t, Kind>, std::pair<Group, int64_t>> groups_;  // and a first document
  std::map<int64_t, DocumentEnd> documents_;
  std::map<int64_t, Pending> pending_;
  std::vector<size_t> gaps_;       // where they begin
  size_t num_confirmed_gaps_ = 0;  // of these, an end follows
  std::set<int64_t> lost_;
};

}  // namespace

std::string_view block_fault(std::span<const std::byte> payload, const BlockFixed& fixed) {
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

std::string_view group_difference(const Group& a, const Group& b) {
  if (a.head_dim != b.head_dim) return "head_dim";
  if (a.sliding_window != b.sliding_window) return "sliding_window";
  if (a.has_tokens != b.has_tokens) return "token strings";
  if (a.has_pre_rope != b.has_pre_rope) return "pre-RoPE vectors";
  return "";
}

void add_heads(Group& group, const std::vector<int32_t>& heads) {
  if (group.heads == heads) return;
  std::vector<int32_t> both;
  std::ranges::set_union(group.heads, heads, std::back_inserter(both));
  group.heads = std::move(both);
}

Entry entry_at(const MappedFile& file, size_t offset) {
  const std::optional<RecordHead> head = journal::decode_head(file.bytes(), offset);
  QK_CHECK(head.has_value());
  const std::span<const std::byte> payload =
      file.bytes().subspan(offset + journal::kRecordHeadBytes, head->payload_bytes);
  const auto fixed = get<BlockFixed>(payload, 0);
  const auto heads = column<int32_t>(payload, sizeof(BlockFixed), fixed.num_heads);
  Entry entry{.document = head->document,
              .example_id = fixed.example_id,
              .layer = fixed.layer,
              .kind = fixed.kind == 0 ? Kind::kQuery : Kind::kKey,
              .head_dim = fixed.head_dim,
              .rows = fixed.rows,
              .heads = {heads.begin(), heads.end()},
              .sliding_window = std::nullopt,
              .has_tokens = (fixed.flags & journal::kHasTokens) != 0,
              .has_pre_rope = (fixed.flags & journal::kHasPreRope) != 0,
              .offset = offset,
              .bytes = head->record_bytes()};
  if ((fixed.flags & journal::kHasWindow) != 0) entry.sliding_window = fixed.sliding_window;
  return entry;
}

JournalScan scan_journal(const MappedFile& file, size_t begin) {
  return Scanner(file, begin).run();
}

}  // namespace qk
