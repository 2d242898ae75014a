#include "dataset/journal_columns.h"

#include <arrow/array/builder_binary.h>
#include <arrow/array/util.h>

#include <algorithm>
#include <cstddef>
#include <limits>
#include <optional>
#include <string_view>
#include <utility>

#include "base/error.h"
#include "base/utf8.h"
#include "dataset/arrow_result.h"

namespace qk {
namespace {

using Entry = JournalSet::Entry;
using ArrayPointer = std::shared_ptr<arrow::Array>;

constexpr std::string_view kColumn = "a column cannot be built: ";

// Drops the mapped pages of many small pieces together: system calls cost.
class PageDropper {
 public:
  explicit PageDropper(const JournalSet& journal)
      : journal_(journal), ranges_(journal.files().size()) {}
  PageDropper(const PageDropper&) = delete;
  PageDropper& operator=(const PageDropper&) = delete;
  ~PageDropper() { drop(); }
  void used(const Entry& entry, size_t bytes) {
    Range& range = ranges_[journal_.file_index(entry.document)];
    range.begin = std::min(range.begin, entry.offset);
    range.end = std::max(range.end, entry.offset + entry.bytes);
    bytes_ += bytes;
    if (++num_used_ >= kPieces || bytes_ >= kBytes) drop();
  }

 private:
  static constexpr int kPieces = 64;
  static constexpr size_t kBytes = size_t{16} << 20;
  // What was used of a file.
  struct Range {
    size_t begin = std::numeric_limits<size_t>::max();
    size_t end = 0;
  };
  void drop() {
    for (size_t file = 0; file < ranges_.size(); ++file) {
      Range& range = ranges_[file];
      if (range.end > 0) journal_.files()[file].drop(range.begin, range.end);
      range = {};
    }
    num_used_ = 0;
    bytes_ = 0;
  }
  const JournalSet& journal_;
  std::vector<Range> ranges_;  // [files]
  size_t bytes_ = 0;
  int num_used_ = 0;
};

template <typename ArrowArray, typename T>
ArrayPointer numbers(std::vector<T> values) {
  const auto length = static_cast<int64_t>(values.size());
  return std::make_shared<ArrowArray>(length, arrow::Buffer::FromVector(std::move(values)));
}

template <typename T>
std::span<const T> part(std::span<const T> column, const RowPiece& piece) {
  return column.subspan(static_cast<size_t>(piece.first), static_cast<size_t>(piece.rows));
}

// The same value in every row of a record.
template <typename T, typename ArrowArray, typename F>
ArrayPointer repeated(const std::vector<RowPiece>& group, F value) {
  std::vector<T> values;
  for (const RowPiece& piece : group) {
    values.insert(values.end(), static_cast<size_t>(piece.rows), static_cast<T>(value(piece)));
  }
  return numbers<ArrowArray>(std::move(values));
}

ArrayPointer example_ids(const arrow::Field& field, const std::vector<RowPiece>& group) {
  if (field.type()->id() == arrow::Type::INT64) {
    const auto id = [](const RowPiece& piece) { return piece.entry.example_id; };
    return repeated<int64_t, arrow::Int64Array>(group, id);
  }
  const auto low = [](const RowPiece& piece) { return low_32_bits(piece.entry.example_id); };
  return repeated<int32_t, arrow::Int32Array>(group, low);
}

ArrayPointer windows(const JournalSet::Group& layer, const arrow::Field& field,
                     const std::vector<RowPiece>& group, arrow::MemoryPool* pool) {
  if (!layer.sliding_window) {
    return value_of(arrow::MakeArrayOfNull(field.type(), count_rows(group), pool), kColumn);
  }
  const auto window = [&](const RowPiece&) { return *layer.sliding_window; };
  if (field.type()->id() == arrow::Type::INT64) {
    return repeated<int64_t, arrow::Int64Array>(group, window);
  }
  return repeated<int32_t, arrow::Int32Array>(group, window);
}

ArrayPointer tokens(const JournalSet& journal, const std::vector<RowPiece>& group,
                    arrow::MemoryPool* pool) {
  arrow::StringBuilder builder(pool);
  PageDropper dropper(journal);
  for (const RowPiece& piece : group) {
    const JournalSet::Columns columns = journal.columns(piece.entry);
    for (const std::string_view token : part<std::string_view>(columns.tokens, piece)) {
      if (first_invalid_utf8(token)) {
        fail("{}: a token string of document {} in layer {} is not UTF-8",
             journal.file_of(piece.entry.document).path().string(), piece.entry.document,
             piece.entry.layer);
      }
      check_arrow(builder.Append(token), kColumn);
    }
    dropper.used(piece.entry, 0);
  }
  return value_of(builder.Finish(), kColumn);
}

ArrayPointer vectors(const JournalSet& journal, const JournalSet::Group& layer,
                     const arrow::Field& field, const std::vector<RowPiece>& group,
                     arrow::MemoryPool* pool) {
  const bool pre_rope = field.name() == "vector_pre_rope";
  const auto dim = static_cast<size_t>(layer.head_dim);
  const int64_t rows = count_rows(group);
  const auto size = rows * static_cast<int64_t>(dim * sizeof(float));
  std::shared_ptr<arrow::Buffer> buffer = value_of(arrow::AllocateBuffer(size, pool), kColumn);
  auto* at = reinterpret_cast<std::byte*>(buffer->mutable_data());
  PageDropper dropper(journal);
  for (const RowPiece& piece : group) {
    const std::span<const float> all = pre_rope
                                           ? journal.vectors_pre_rope(piece.entry, piece.head_idx)
                                           : journal.vectors(piece.entry, piece.head_idx);
    const auto bytes = std::as_bytes(
        all.subspan(static_cast<size_t>(piece.first) * dim, static_cast<size_t>(piece.rows) * dim));
    at = std::copy(bytes.begin(), bytes.end(), at);
    dropper.used(piece.entry, bytes.size());
  }
  const auto values =
      std::make_shared<arrow::FloatArray>(rows * static_cast<int64_t>(dim), std::move(buffer));
  if (field.type()->id() == arrow::Type::FIXED_SIZE_LIST) {
    return std::make_shared<arrow::FixedSizeListArray>(field.type(), rows, values);
  }
  std::vector<int32_t> offsets(static_cast<size_t>(rows) + 1);
  for (size_t row = 0; row < offsets.size(); ++row) {
    offsets[row] = static_cast<int32_t>(row * dim);
  }
  return std::make_shared<arrow::ListArray>(field.type(), rows,
                                            arrow::Buffer::FromVector(std::move(offsets)), values);
}

}  // namespace

bool RowPieces::next_record() {
  const std::vector<JournalSet::Record>& records = head_.layer->records;
  while (next_ < records.size()) {
    Entry entry = journal_.entry(records[next_++]);
    const auto it = std::lower_bound(entry.heads.begin(), entry.heads.end(), head_.head);
    if (it == entry.heads.end() || *it != head_.head) continue;
    const auto head_idx = static_cast<size_t>(it - entry.heads.begin());
    const int64_t rows = entry.rows;
    current_ = {std::move(entry), head_idx, 0, rows};
    return true;
  }
  return false;
}

std::vector<RowPiece> RowPieces::take(int64_t most_rows) {
  std::vector<RowPiece> group;
  PageDropper dropper(journal_);
  int64_t room = most_rows;
  while (room > 0 && (current_.rows > 0 || next_record())) {
    RowPiece taken = current_;
    taken.rows = std::min(taken.rows, room);
    room -= taken.rows;
    current_.first += taken.rows;
    current_.rows -= taken.rows;
    dropper.used(taken.entry, 0);
    group.push_back(std::move(taken));
  }
  return group;
}

void add_to_digest(const JournalSet& journal, const std::vector<RowPiece>& group, bool int32_ids,
                   RowDigest& digest) {
  PageDropper dropper(journal);
  for (const RowPiece& piece : group) {
    const JournalSet::Columns columns = journal.columns(piece.entry);
    const int64_t example_id = piece.entry.example_id;
    const int64_t id = int32_ids ? low_32_bits(example_id) : example_id;
    const auto buckets = part(columns.buckets, piece);
    const auto positions = part(columns.positions, piece);
    for (size_t row = 0; row < buckets.size(); ++row) digest.add(buckets[row], id, positions[row]);
    dropper.used(piece.entry, 0);
  }
}

int64_t count_rows(std::span<const RowPiece> pieces) {
  int64_t rows = 0;
  for (const RowPiece& piece : pieces) rows += piece.rows;
  return rows;
}

ArrayPointer gather_column(const JournalSet& journal, const JournalSet::Group& layer,
                           const arrow::Field& field, const std::vector<RowPiece>& group,
                           arrow::MemoryPool* pool) {
  const std::string& name = field.name();
  if (name == "example_id") return example_ids(field, group);
  if (name == "sliding_window") return windows(layer, field, group, pool);
  if (name == "token_str") return tokens(journal, group, pool);
  if (name != "bucket" && name != "position") return vectors(journal, layer, field, group, pool);
  std::vector<int32_t> values;
  PageDropper dropper(journal);
  for (const RowPiece& piece : group) {
    const JournalSet::Columns columns = journal.columns(piece.entry);
    const auto rows = part(name == "bucket" ? columns.buckets : columns.positions, piece);
    values.insert(values.end(), rows.begin(), rows.end());
    dropper.used(piece.entry, 0);
  }
  return numbers<arrow::Int32Array>(std::move(values));
}

}  // namespace qk
