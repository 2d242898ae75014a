#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <limits>
#include <map>
#include <system_error>
#include <utility>

#include "base/atomic_file.h"
#include "base/error.h"
#include "base/hash.h"
#include "journal/journal.h"
#include "journal/journal_format.h"

namespace qk {

using journal::BlockFixed;
using journal::EndFixed;
using journal::RecordHead;
using journal::RecordType;

struct JournalWriter::State {
  std::filesystem::path path;
  int fd = -1;
  int64_t valid_end = 0;  // of the last whole document
  int64_t end = 0;
  std::map<int64_t, uint32_t> in_progress;  // documents and their numbers of records
  bool broken = false;                      // the tail could not be cut off
  std::vector<std::byte> piece;             // what of the payload is not written yet
  std::vector<uint64_t> piece_checksums;

  State() = default;
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() {
    if (fd >= 0) ::close(fd);
  }

  [[noreturn]] void fail_errno(const char* what) {
    const int reason = errno;
    fail("{}: {}: {}", path.string(), what, std::strerror(reason));
  }

  void write(std::span<const std::byte> bytes) {
    while (!bytes.empty()) {
      const ssize_t written = ::pwrite(fd, bytes.data(), bytes.size(), end);
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) fail_errno("cannot be written");
      end += written;
      bytes = bytes.subspan(static_cast<size_t>(written));
    }
  }

  void sync() {
    if (::fdatasync(fd) != 0) fail_errno("cannot be synced");
  }

  void lock() {
    if (::flock(fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
      fail("{}: another run is writing this journal", path.string());
    }
  }

  void flush_piece() {
    piece_checksums.push_back(xxh3_64(piece));
    write(piece);
    piece.clear();
  }

  // Appends to the payload.
  void put(std::span<const std::byte> bytes) {
    while (!bytes.empty()) {
      const size_t count = std::min(bytes.size(), journal::kPieceBytes - piece.size());
      piece.insert(piece.end(), bytes.begin(), bytes.begin() + static_cast<ptrdiff_t>(count));
      bytes = bytes.subspan(count);
      if (piece.size() == journal::kPieceBytes) flush_piece();
    }
  }

  template <typename T>
  void put_column(std::span<const T> column) {
    static constexpr std::byte kZeros[8] = {};
    put(std::as_bytes(column));
    put(std::span(kZeros).first((8 - column.size_bytes() % 8) % 8));
  }

  void begin_record(RecordType type, int64_t document, uint64_t payload_bytes) {
    if (broken) fail("{}: cannot be written after an earlier error", path.string());
    piece.clear();
    piece_checksums.clear();
    write(journal::encode({type, document, in_progress[document], payload_bytes}));
  }

  void end_record(int64_t document) {
    if (!piece.empty()) flush_piece();
    const uint64_t checksum = journal::checksum_of_pieces(piece_checksums);
    write(std::as_bytes(std::span(&checksum, 1)));
    ++in_progress[document];
  }

  // Back to the last whole document; false if that is not possible.
  bool cut_back() {
    in_progress.clear();
    end = valid_end;
    broken = broken || ::ftruncate(fd, valid_end) != 0;
    return !broken;
  }

  // Runs `write_something`; if that fails, cuts the file back to the last whole document.
  template <typename F>
  void guarded(F write_something) {
    try {
      write_something();
    } catch (...) {
      cut_back();
      throw;
    }
  }
};

namespace {

BlockFixed fixed_part(const CaptureBlock& block) {
  BlockFixed fixed;
  fixed.example_id = block.example_id;
  fixed.layer = block.layer;
  fixed.kind = block.kind == Kind::kQuery ? 0 : 1;
  fixed.head_dim = block.head_dim;
  fixed.sliding_window = block.sliding_window.value_or(0);
  fixed.rows = static_cast<int64_t>(block.positions.size());
  fixed.num_heads = static_cast<uint32_t>(block.heads.size());
  if (block.sliding_window) fixed.flags |= journal::kHasWindow;
  if (!block.tokens.empty()) fixed.flags |= journal::kHasTokens;
  if (!block.vectors_pre_rope.empty()) fixed.flags |= journal::kHasPreRope;
  for (const std::string& token : block.tokens) fixed.token_bytes += token.size();
  return fixed;
}

EndFixed fixed_part(const DocumentEnd& end) {
  EndFixed fixed;
  fixed.example_id = end.example_id;
  fixed.num_tokens = end.num_tokens;
  fixed.num_records = end.num_records;
  fixed.outcome = static_cast<uint32_t>(end.outcome);
  fixed.flags = end.truncated ? journal::kTruncated : 0;
  fixed.layer = end.canary.layer;
  fixed.query_head = end.canary.query_head;
  fixed.key_head = end.canary.key_head;
  fixed.query_row = end.canary.query_row;
  fixed.key_row = end.canary.key_row;
  fixed.dot = end.canary.dot;
  return fixed;
}

void check_block(const CaptureBlock& block) {
  QK_CHECK(block.document >= 0 && block.layer >= 0 && block.head_dim > 0 && !block.heads.empty());
  for (size_t i = 0; i < block.heads.size(); ++i) {
    QK_CHECK(block.heads[i] >= 0 && (i == 0 || block.heads[i] > block.heads[i - 1]));
  }
  const size_t rows = block.positions.size();
  const size_t numbers = block.heads.size() * rows * static_cast<size_t>(block.head_dim);
  QK_CHECK(block.buckets.size() == rows);
  QK_CHECK(block.tokens.empty() || block.tokens.size() == rows);
  QK_CHECK(block.vectors.size() == numbers);
  QK_CHECK(block.vectors_pre_rope.empty() || block.vectors_pre_rope.size() == numbers);
}

std::vector<uint32_t> token_ends(const CaptureBlock& block) {
  std::vector<uint32_t> ends;
  uint32_t end = 0;
  for (const std::string& token : block.tokens) {
    end += static_cast<uint32_t>(token.size());
    ends.push_back(end);
  }
  return ends;
}

}  // namespace

JournalWriter::JournalWriter(std::unique_ptr<State> state) : state_(std::move(state)) {}
JournalWriter::JournalWriter(JournalWriter&&) noexcept = default;
JournalWriter& JournalWriter::operator=(JournalWriter&&) noexcept = default;
JournalWriter::~JournalWriter() = default;

JournalWriter JournalWriter::create(const std::filesystem::path& path, std::string_view header) {
  QK_CHECK(header.size() <= std::numeric_limits<uint32_t>::max());
  auto state = std::make_unique<State>();
  state->path = path;
  std::filesystem::path temporary = path;
  temporary += ".tmp";
  std::error_code error;
  if (std::filesystem::exists(std::filesystem::symlink_status(path, error))) {
    fail("{}: cannot be created: {}", path.string(), std::strerror(EEXIST));
  }
  state->fd = ::open(temporary.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0666);
  if (state->fd < 0) state->fail_errno("cannot be created");
  try {
    state->lock();
    std::string head(journal::kFileMagic);
    const uint32_t numbers[2] = {journal::kVersion, static_cast<uint32_t>(header.size())};
    head.append(reinterpret_cast<const char*>(numbers), sizeof(numbers));
    head.append(header);
    head.append((8 - head.size() % 8) % 8, '\0');
    const uint64_t checksum = xxh3_64(std::as_bytes(std::span<const char>(head)));
    head.append(reinterpret_cast<const char*>(&checksum), sizeof(checksum));
    state->write(std::as_bytes(std::span<const char>(head)));
    publish_file(temporary, path);
  } catch (...) {
    ::unlink(temporary.c_str());
    throw;
  }
  state->valid_end = state->end;
  return JournalWriter(std::move(state));
}

JournalWriter JournalWriter::resume(const JournalReader& journal) {
  auto state = std::make_unique<State>();
  state->path = journal.path();
  state->fd = ::open(state->path.c_str(), O_RDWR | O_CLOEXEC);
  if (state->fd < 0) state->fail_errno("cannot be opened");
  state->lock();
  state->valid_end = static_cast<int64_t>(journal.valid_bytes());
  state->end = state->valid_end;
  if (::ftruncate(state->fd, state->valid_end) != 0) state->fail_errno("cannot be cut");
  state->sync();
  return JournalWriter(std::move(state));
}

void JournalWriter::append(const CaptureBlock& block) {
  check_block(block);
  const BlockFixed fixed = fixed_part(block);
  if (fixed.token_bytes > std::numeric_limits<uint32_t>::max()) {
    fail("{}: the token strings of document {} in layer {} have {} bytes, at most {} fit",
         state_->path.string(), block.document, block.layer, fixed.token_bytes,
         std::numeric_limits<uint32_t>::max());
  }
  const std::optional<journal::BlockLayout> layout = journal::block_layout(fixed);
  QK_CHECK(layout.has_value());
  State& state = *state_;
  state.guarded([&] {
    state.begin_record(RecordType::kBlock, block.document, layout->bytes);
    state.put_column(std::span(&fixed, 1));
    state.put_column(std::span(block.heads));
    state.put_column(std::span(block.buckets));
    state.put_column(std::span(block.positions));
    const std::vector<uint32_t> ends = token_ends(block);
    state.put_column(std::span(ends));
    for (const std::string& token : block.tokens) state.put(std::as_bytes(std::span(token)));
    state.put(std::vector<std::byte>((8 - fixed.token_bytes % 8) % 8));
    state.put_column(std::span(block.vectors));
    state.put_column(std::span(block.vectors_pre_rope));
    state.end_record(block.document);
  });
}

void JournalWriter::end_documents(std::span<const DocumentEnd> ends) {
  State& state = *state_;
  for (const DocumentEnd& end : ends) {
    QK_CHECK(end.document >= 0 && end.num_records == int64_t{state.in_progress[end.document]});
  }
  QK_CHECK(state.in_progress.size() == ends.size());
  state.guarded([&] {
    // Two syncs: an end mark on the disk proves that all of its document is there too.
    if (state.end > state.valid_end) state.sync();
    for (const DocumentEnd& end : ends) {
      state.begin_record(RecordType::kDocumentEnd, end.document, journal::kDocumentEndBytes);
      const EndFixed fixed = fixed_part(end);
      state.put_column(std::span(&fixed, 1));
      state.end_record(end.document);
    }
    state.sync();
  });
  state.valid_end = state.end;
  state.in_progress.clear();
}

void JournalWriter::abandon() {
  if (!state_->cut_back()) state_->fail_errno("cannot be cut");
}

int64_t JournalWriter::bytes() const { return state_->end; }

}  // namespace qk
