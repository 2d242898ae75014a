#include "journal/journal_index.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <chrono>
#include <cstring>
#include <initializer_list>
#include <limits>
#include <thread>
#include <utility>

#include "base/error.h"
#include "base/hash.h"
#include "journal/journal_format.h"

namespace qk {
namespace {

using IndexGroup = JournalReader::Group;

// The first bytes of an index: its magic and its version, as text.
constexpr std::string_view kIndexMagic = "QKINDEX1";

constexpr uint8_t kWasTruncated = 1, kHasCanary = 2;                   // of a document
constexpr uint8_t kIsKey = 1, kWindow = 2, kTokens = 4, kPreRope = 8;  // of a group

// A set of flags from pairs of a flag and whether it is set.
uint64_t flags_of(std::initializer_list<std::pair<uint8_t, bool>> pairs) {
  uint64_t flags = 0;
  for (const auto& [flag, is_set] : pairs) flags |= is_set ? flag : 0U;
  return flags;
}

// Numbers of 7 bits a byte, the lowest first; the last byte is below 128.
class IndexWriter {
 public:
  void number(uint64_t value) {
    for (; value >= 128; value >>= 7) bytes_.push_back(static_cast<char>(value | 128));
    bytes_.push_back(static_cast<char>(value));
  }
  // Small negative numbers are small too.
  void signed_number(int64_t value) {
    number((static_cast<uint64_t>(value) << 1) ^ static_cast<uint64_t>(value >> 63));
  }
  void fixed(uint64_t value) {
    bytes_.append(reinterpret_cast<const char*>(&value), sizeof(value));
  }
  void text(std::string_view value) {
    number(value.size());
    bytes_ += value;
  }
  std::string take() {
    fixed(xxh3_64(std::as_bytes(std::span<const char>(bytes_))));
    return std::move(bytes_);
  }

 private:
  std::string bytes_ = std::string(kIndexMagic);
};

class IndexReader {
 public:
  IndexReader(std::string_view bytes, const std::string& journal) : journal_(journal) {
    constexpr size_t kEnd = sizeof(uint64_t);
    if (bytes.size() < kIndexMagic.size() + kEnd || !bytes.starts_with(kIndexMagic)) fail_index();
    const std::string_view hashed = bytes.substr(0, bytes.size() - kEnd);
    uint64_t checksum = 0;
    std::memcpy(&checksum, bytes.data() + hashed.size(), kEnd);
    if (checksum != xxh3_64(std::as_bytes(std::span<const char>(hashed)))) fail_index();
    rest_ = hashed.substr(kIndexMagic.size());
  }

  [[noreturn]] void fail_index() const { fail("{}: the journal's index is damaged", journal_); }
  void require(bool holds) const {
    if (!holds) fail_index();
  }

  uint64_t number() {
    uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      require(!rest_.empty());
      const auto byte = static_cast<uint8_t>(rest_.front());
      rest_.remove_prefix(1);
      value |= uint64_t{byte & 127U} << shift;
      if (byte < 128) return value;
    }
    fail_index();
  }
  int64_t signed_number() {
    const uint64_t value = number();
    return static_cast<int64_t>(value >> 1) ^ -static_cast<int64_t>(value & 1);
  }
  // At least 0.
  int64_t count() {
    const uint64_t value = number();
    require(value <= static_cast<uint64_t>(std::numeric_limits<int64_t>::max()));
    return static_cast<int64_t>(value);
  }
  int32_t small() {
    const uint64_t value = number();
    require(value <= static_cast<uint64_t>(std::numeric_limits<int32_t>::max()));
    return static_cast<int32_t>(value);
  }
  uint8_t flags(uint8_t all) {
    const uint64_t value = number();
    require((value & ~uint64_t{all}) == 0);
    return static_cast<uint8_t>(value);
  }
  double fixed_double() {
    require(rest_.size() >= sizeof(double));
    double value = 0;
    std::memcpy(&value, rest_.data(), sizeof(value));
    rest_.remove_prefix(sizeof(value));
    return value;
  }
  // The number of things that follow, each of at least so many bytes.
  size_t size(size_t least_bytes) {
    const uint64_t value = number();
    require(value <= rest_.size() / least_bytes);
    return static_cast<size_t>(value);
  }
  std::string text() {
    const size_t bytes = size(1);
    const std::string_view value = rest_.substr(0, bytes);
    rest_.remove_prefix(bytes);
    return std::string(value);
  }
  // The next of numbers that ascend from 0: `difference` after the one before.
  int64_t ascending(int64_t before, bool is_first) {
    const int64_t difference = count();
    int64_t value = 0;
    require(is_first || difference > 0);
    require(!__builtin_add_overflow(before, difference, &value));
    return value;
  }
  void end() const { require(rest_.empty()); }

 private:
  const std::string& journal_;
  std::string_view rest_;
};

void put_end(IndexWriter& out, const DocumentEnd& end, int64_t before) {
  const bool has_canary = end.canary.layer >= 0;
  out.number(static_cast<uint64_t>(end.document - before));
  out.signed_number(end.example_id);
  out.signed_number(end.num_tokens);
  out.signed_number(end.num_records);
  out.number(static_cast<uint64_t>(end.outcome));
  out.number(flags_of({{kWasTruncated, end.truncated}, {kHasCanary, has_canary}}));
  if (!has_canary) return;
  out.number(static_cast<uint64_t>(end.canary.layer));
  for (const int32_t number :
       {end.canary.query_head, end.canary.key_head, end.canary.query_row, end.canary.key_row}) {
    out.signed_number(number);
  }
  out.fixed(std::bit_cast<uint64_t>(end.canary.dot));
}

int32_t signed_small(IndexReader& in) {
  const int64_t value = in.signed_number();
  in.require(value == static_cast<int32_t>(value));
  return static_cast<int32_t>(value);
}

DocumentEnd get_end(IndexReader& in, int64_t before, bool is_first) {
  DocumentEnd end;
  end.document = in.ascending(before, is_first);
  end.example_id = in.signed_number();
  end.num_tokens = in.signed_number();
  end.num_records = in.signed_number();
  const uint64_t outcome = in.number();
  in.require(outcome < journal::kNumOutcomes);
  end.outcome = static_cast<DocumentOutcome>(outcome);
  const uint8_t flags = in.flags(kWasTruncated | kHasCanary);
  end.truncated = (flags & kWasTruncated) != 0;
  if ((flags & kHasCanary) == 0) return end;
  end.canary.layer = in.small();
  end.canary.query_head = signed_small(in);
  end.canary.key_head = signed_small(in);
  end.canary.query_row = signed_small(in);
  end.canary.key_row = signed_small(in);
  end.canary.dot = in.fixed_double();
  return end;
}

void put_group(IndexWriter& out, const IndexGroup& group) {
  out.number(static_cast<uint64_t>(group.layer));
  out.number(flags_of({{kIsKey, group.kind == Kind::kKey},
                       {kWindow, group.sliding_window.has_value()},
                       {kTokens, group.has_tokens},
                       {kPreRope, group.has_pre_rope}}));
  out.number(static_cast<uint64_t>(group.head_dim));
  if (group.sliding_window) out.signed_number(*group.sliding_window);
  out.number(group.heads.size());
  int64_t before = 0;
  for (const int32_t head : group.heads) {
    out.number(static_cast<uint64_t>(head - before));
    before = head;
  }
  out.number(group.records.size());
  JournalReader::Record last;
  for (const JournalReader::Record& record : group.records) {
    out.number(static_cast<uint64_t>(record.document - last.document));
    out.signed_number(static_cast<int64_t>(record.offset - last.offset));
    last = record;
  }
}

IndexGroup get_group(IndexReader& in) {
  IndexGroup group;
  group.layer = in.small();
  const uint8_t flags = in.flags(kIsKey | kWindow | kTokens | kPreRope);
  group.kind = (flags & kIsKey) != 0 ? Kind::kKey : Kind::kQuery;
  group.has_tokens = (flags & kTokens) != 0;
  group.has_pre_rope = (flags & kPreRope) != 0;
  group.head_dim = in.small();
  in.require(group.head_dim > 0);
  if ((flags & kWindow) != 0) group.sliding_window = signed_small(in);
  const size_t num_heads = in.size(1);
  for (size_t i = 0; i < num_heads; ++i) {
    const int64_t head = in.ascending(i == 0 ? 0 : group.heads.back(), i == 0);
    in.require(head <= std::numeric_limits<int32_t>::max());
    group.heads.push_back(static_cast<int32_t>(head));
  }
  const size_t num_records = in.size(2);
  in.require(num_heads > 0 && num_records > 0);
  group.records.reserve(num_records);
  JournalReader::Record last;
  for (size_t i = 0; i < num_records; ++i) {
    // A document may have two records in a group: its number then comes again.
    in.require(!__builtin_add_overflow(last.document, in.count(), &last.document));
    last.offset += static_cast<size_t>(in.signed_number());
    group.records.push_back(last);
  }
  return group;
}

// Every record is of a whole document and lies before the end of the last one.
void check_records(const IndexReader& in, const JournalScan& scan, const IndexGroup& group) {
  auto document = scan.documents.begin();
  for (const JournalReader::Record& record : group.records) {
    while (document != scan.documents.end() && document->document < record.document) ++document;
    in.require(document != scan.documents.end() && document->document == record.document);
    in.require(record.offset < scan.valid_bytes && record.offset % 8 == 0);
  }
}

// No record is named twice.
void check_offsets(const IndexReader& in, const JournalScan& scan) {
  std::vector<size_t> offsets;
  for (const IndexGroup& group : scan.groups) {
    for (const JournalReader::Record& record : group.records) offsets.push_back(record.offset);
  }
  std::ranges::sort(offsets);
  in.require(std::ranges::adjacent_find(offsets) == offsets.end());
}

std::pair<int32_t, Kind> key_of(const IndexGroup& group) { return {group.layer, group.kind}; }

// The bytes of a file as its server has them; 0 if it is not there yet. Opened, so that NFS asks.
size_t bytes_of(const std::filesystem::path& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return 0;
  struct stat status{};
  const bool known = ::fstat(fd, &status) == 0;
  ::close(fd);
  return known ? static_cast<size_t>(status.st_size) : 0;
}

}  // namespace

std::string encode_index(const JournalReader& journal) {
  IndexWriter out;
  out.text(journal.header());
  out.number(journal.valid_bytes());
  out.number(journal.documents().size());
  int64_t before = 0;
  for (const DocumentEnd& end : journal.documents()) {
    put_end(out, end, before);
    before = end.document;
  }
  out.number(journal.groups().size());
  for (const IndexGroup& group : journal.groups()) put_group(out, group);
  out.number(journal.damage().size());
  for (const size_t at : journal.damage()) out.number(at);
  out.number(journal.lost().size());
  for (const int64_t document : journal.lost()) out.number(static_cast<uint64_t>(document));
  return out.take();
}

IndexedJournal decode_index(std::string_view bytes, const std::string& journal) {
  IndexReader in(bytes, journal);
  IndexedJournal out;
  JournalScan& scan = out.scan;
  out.header = in.text();
  scan.valid_bytes = static_cast<size_t>(in.count());
  const size_t num_documents = in.size(6);
  scan.documents.reserve(num_documents);
  for (size_t i = 0; i < num_documents; ++i) {
    scan.documents.push_back(get_end(in, i == 0 ? 0 : scan.documents.back().document, i == 0));
  }
  const size_t num_groups = in.size(7);
  for (size_t i = 0; i < num_groups; ++i) {
    scan.groups.push_back(get_group(in));
    check_records(in, scan, scan.groups.back());
    in.require(i == 0 || key_of(scan.groups[i - 1]) < key_of(scan.groups[i]));
  }
  const size_t num_gaps = in.size(1);
  for (size_t i = 0; i < num_gaps; ++i) scan.damage.push_back(static_cast<size_t>(in.count()));
  const size_t num_lost = in.size(1);
  for (size_t i = 0; i < num_lost; ++i) scan.lost.push_back(in.count());
  in.require(num_lost == 0 || num_gaps > 0);
  in.end();
  check_offsets(in, scan);
  return out;
}

void wait_for_bytes(const std::filesystem::path& path, size_t bytes, double seconds) {
  using Clock = std::chrono::steady_clock;
  const auto end = Clock::now() + std::chrono::duration<double>(seconds);
  size_t there = bytes_of(path);
  while (there < bytes && Clock::now() < end) {
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
    there = bytes_of(path);
  }
  if (there >= bytes) return;
  fail("{}: has {} bytes here, {} where it was written: is its folder the same on all nodes?",
       path.string(), there, bytes);
}

}  // namespace qk
