#include "heads/load_table.h"

#include <algorithm>
#include <set>
#include <utility>

#include "base/error.h"
#include "base/hash.h"

namespace qk {
namespace {

constexpr int64_t kLargestPosition = int64_t{1} << 53;  // float64 represents every integer up to it

// A row of the files, and its row of the table.
struct Slot {
  int64_t row = 0;
  size_t slot = 0;
};

using Digest = std::pair<uint64_t, int64_t>;  // of a row, and its position

std::string window_text(const std::optional<int64_t>& window) {
  return window ? std::to_string(*window) : "null";
}

class TableLoader {
 public:
  TableLoader(HeadRowReader& reader, const std::string& folder, const LoadOptions& options)
      : reader_(reader), folder_(folder), options_(options) {
    const auto sample = sample_rows(reader.num_rows(), options.max_rows, options.seed);
    if (!sample) return;
    is_sampled_ = true;
    for (size_t i = 0; i < sample->size(); ++i) slots_.push_back({(*sample)[i], i});
    std::sort(slots_.begin(), slots_.end(),
              [](const Slot& a, const Slot& b) { return a.row < b.row; });
  }

  HeadTable load() {
    constexpr int64_t kMostReserved = int64_t{1} << 32;  // footers may say anything
    if (!options_.compat_reference) {
      digests_.reserve(
          static_cast<size_t>(std::clamp<int64_t>(reader_.num_rows(), 0, kMostReserved)));
    }
    HeadRowBatch batch;
    while (reader_.next(batch)) take(batch);
    if (num_rows_ == 0) fail("{}: expected rows, found none", folder_);
    check_windows();
    check_repeats();
    shift_large_ids();
    return std::move(table_);
  }

 private:
  void take(const HeadRowBatch& batch) {
    if (table_.head_dim == 0) {
      table_.head_dim = batch.head_dim;
      if (is_sampled_) resize(slots_.size(), !batch.example_ids.empty());
    }
    const auto dim = static_cast<size_t>(batch.head_dim);
    if (options_.orientation != nullptr) {
      for (size_t row = 0; row < batch.buckets.size(); ++row) {
        options_.orientation->add(batch.buckets[row], batch.vectors.subspan(row * dim, dim));
      }
    }
    if (!options_.compat_reference) digest(batch);
    if (!options_.compat_reference) windows_.insert(batch.windows.begin(), batch.windows.end());
    check_positions(batch);
    has_large_ids_ = has_large_ids_ || batch.has_large_ids;
    has_negative_ids_ = has_negative_ids_ || batch.has_negative_ids;
    const size_t base = table_.positions.size();
    if (is_sampled_) {
      take_sampled(batch);
    } else {
      resize(base + batch.buckets.size(), !batch.example_ids.empty());
      for (size_t row = 0; row < batch.buckets.size(); ++row) put(batch, row, base + row);
    }
    num_rows_ += batch.num_rows();
  }

  void check_positions(const HeadRowBatch& batch) const {
    for (const int64_t position : batch.positions) {
      if (position >= 0 && position <= kLargestPosition) continue;
      fail("{}: column position: expected 0 to 2^53, found {}", folder_, position);
    }
  }

  // Keeps large ids apart and in order.
  void shift_large_ids() {
    if (!has_large_ids_) return;
    if (has_negative_ids_) {
      fail("{}: column example_id: expected ids below 2^63, or none below 0; found both", folder_);
    }
    constexpr auto kHighest = uint64_t{1} << 63;
    for (int64_t& id : table_.example_ids) {
      id = static_cast<int64_t>(static_cast<uint64_t>(id) ^ kHighest);
    }
    table_.has_large_ids = true;
  }

  void take_sampled(const HeadRowBatch& batch) {
    for (; next_slot_ < slots_.size(); ++next_slot_) {
      const int64_t row = slots_[next_slot_].row - num_rows_;
      if (row >= batch.num_rows()) break;
      put(batch, static_cast<size_t>(row), slots_[next_slot_].slot);
    }
  }

  void resize(size_t rows, bool with_ids) {
    table_.positions.resize(rows);
    table_.buckets.resize(rows);
    if (with_ids) table_.example_ids.resize(rows);
    table_.vectors.resize(rows * static_cast<size_t>(table_.head_dim));
  }

  void put(const HeadRowBatch& batch, size_t row, size_t slot) {
    table_.positions[slot] = batch.positions[row];
    table_.buckets[slot] = batch.buckets[row];
    if (!batch.example_ids.empty()) table_.example_ids[slot] = batch.example_ids[row];
    if (options_.compat_reference && !batch.windows.empty()) windows_.insert(batch.windows[row]);
    const auto dim = static_cast<size_t>(table_.head_dim);
    std::copy_n(batch.vectors.begin() + static_cast<int64_t>(row * dim), dim,
                table_.vectors.begin() + static_cast<int64_t>(slot * dim));
  }

  void digest(const HeadRowBatch& batch) {
    if (batch.example_ids.empty()) return;  // without ids, rows of different documents may be equal
    const auto dim = static_cast<size_t>(batch.head_dim);
    for (size_t row = 0; row < batch.buckets.size(); ++row) {
      const uint64_t vector = xxh3_64(std::as_bytes(batch.vectors.subspan(row * dim, dim)));
      const uint64_t words[] = {vector, static_cast<uint64_t>(batch.example_ids[row]),
                                static_cast<uint64_t>(batch.buckets[row]),
                                static_cast<uint64_t>(batch.positions[row])};
      digests_.emplace_back(xxh3_64(std::as_bytes(std::span(words))), batch.positions[row]);
    }
  }

  void check_windows() {
    // The original does not look at the keys' windows.
    if (options_.compat_reference && options_.orientation != nullptr) return;
    if (windows_.size() > 1) {
      fail("{}: column sliding_window: expected one value for the head, found {} and {}", folder_,
           window_text(*windows_.begin()), window_text(*windows_.rbegin()));
    }
    if (!windows_.empty()) table_.window = *windows_.begin();
  }

  void check_repeats() {
    std::sort(digests_.begin(), digests_.end());
    const auto twice = std::adjacent_find(digests_.begin(), digests_.end());
    if (twice == digests_.end()) return;
    fail("{}: a row at position {} occurs twice, with the same example_id, bucket and vector",
         folder_, twice->second);
  }

  HeadRowReader& reader_;
  const std::string& folder_;
  const LoadOptions& options_;
  bool is_sampled_ = false;
  std::vector<Slot> slots_;
  size_t next_slot_ = 0;
  int64_t num_rows_ = 0;  // read so far
  std::set<std::optional<int64_t>> windows_;
  std::vector<Digest> digests_;
  bool has_large_ids_ = false;
  bool has_negative_ids_ = false;
  HeadTable table_;
};

}  // namespace

HeadTable load_table(HeadRowReader& reader, const std::string& folder, const LoadOptions& options) {
  return TableLoader(reader, folder, options).load();
}

int64_t table_bytes(int64_t rows, int64_t head_dim) {
  constexpr int64_t kColumnBytes = 24;
  const int64_t row_bytes = head_dim * static_cast<int64_t>(sizeof(float)) + kColumnBytes;
  int64_t out = 0;
  if (__builtin_mul_overflow(rows, row_bytes, &out)) return INT64_MAX / 4;
  return std::min(out, INT64_MAX / 4);
}

int64_t repeat_bytes(int64_t rows) {
  constexpr int64_t kMostRows = int64_t{1} << 40;
  return std::clamp<int64_t>(rows, 0, kMostRows) * static_cast<int64_t>(sizeof(Digest));
}

}  // namespace qk
