#include "journal/record_checks.h"

#include <algorithm>
#include <optional>
#include <string_view>

#include "base/error.h"
#include "journal/journal_format.h"
#include "journal/journal_scan.h"

namespace qk {
namespace {

using CheckedGroup = JournalReader::Group;
using CheckedEntry = JournalReader::Entry;

[[noreturn]] void fail_damaged(const MappedFile& file, size_t offset, int64_t document,
                               std::string_view what) {
  fail("{}: the record at byte {}, of document {}, is damaged: {}", file.path().string(), offset,
       document, what);
}

// What is wrong with a record that should be a block of `document` in `group`; empty if nothing.
std::string_view record_fault(const MappedFile& file, const JournalReader::Record& record,
                              const CheckedGroup& group) {
  const std::optional<journal::RecordHead> head = journal::decode_head(file.bytes(), record.offset);
  if (!head) return "there is none";
  if (head->type != journal::RecordType::kBlock) return "it is not a block";
  if (head->document != record.document) return "it is of another document";
  const std::span<const std::byte> payload =
      file.bytes().subspan(record.offset + journal::kRecordHeadBytes, head->payload_bytes);
  if (payload.size() < sizeof(journal::BlockFixed)) return "it is too short";
  const auto fixed = journal::get<journal::BlockFixed>(payload, 0);
  if (const std::string_view what = block_fault(payload, fixed); !what.empty()) return what;
  const CheckedEntry entry = entry_at(file, record.offset);
  if (entry.layer != group.layer || entry.kind != group.kind || entry.rows == 0) {
    return "it is another block";
  }
  const CheckedGroup of_entry{.layer = entry.layer,
                              .kind = entry.kind,
                              .head_dim = entry.head_dim,
                              .sliding_window = entry.sliding_window,
                              .has_tokens = entry.has_tokens,
                              .has_pre_rope = entry.has_pre_rope,
                              .heads = {},
                              .records = {}};
  if (const auto what = group_difference(group, of_entry); !what.empty()) return what;
  return std::ranges::includes(group.heads, entry.heads) ? "" : "it has other heads";
}

}  // namespace

RecordChecks::RecordChecks(const std::vector<CheckedGroup>& groups) {
  for (uint32_t group = 0; group < groups.size(); ++group) {
    for (const JournalReader::Record& record : groups[group].records) {
      records_.push_back({record.offset, group});
    }
  }
  std::ranges::sort(records_, {}, &Known::offset);
  states_ = std::make_unique<std::atomic<State>[]>(records_.size());
}

size_t RecordChecks::index_of(size_t offset) const {
  const auto it = std::ranges::lower_bound(records_, offset, {}, &Known::offset);
  QK_CHECK(it != records_.end() && it->offset == offset);
  return static_cast<size_t>(it - records_.begin());
}

void RecordChecks::check_head(const MappedFile& file, std::span<const CheckedGroup> groups,
                              const JournalReader::Record& record) {
  const size_t index = index_of(record.offset);
  if (states_[index] != State::kUnknown) return;
  const std::string_view what = record_fault(file, record, groups[records_[index].group]);
  if (!what.empty()) fail_damaged(file, record.offset, record.document, what);
  State unknown = State::kUnknown;
  states_[index].compare_exchange_strong(unknown, State::kHead);
}

void RecordChecks::check_payload(const MappedFile& file, const CheckedEntry& entry) {
  const size_t index = index_of(entry.offset);
  if (states_[index] == State::kPayload) return;
  const std::lock_guard lock(mutexes_[index % mutexes_.size()]);
  if (states_[index] == State::kPayload) return;
  const std::span<const std::byte> record = file.bytes().subspan(entry.offset, entry.bytes);
  const size_t end = entry.bytes - journal::kChecksumBytes;
  const auto payload = record.first(end).subspan(journal::kRecordHeadBytes);
  const uint64_t checksum = journal::payload_checksum(payload, [](const std::byte*) {});
  if (checksum != journal::get<uint64_t>(record, end)) {
    fail_damaged(file, entry.offset, entry.document, "its checksum is wrong");
  }
  states_[index] = State::kPayload;
}

}  // namespace qk
