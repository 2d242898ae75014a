// The columns of one row group of a head's file, gathered from the journals. Includes Arrow: for
// .cc files of this folder only.
#pragma once

#include <arrow/array.h>
#include <arrow/memory_pool.h>

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "dataset/head_records.h"
#include "dataset/row_digest.h"
#include "journal/journal_set.h"

namespace qk {

// Rows [first, first + rows) of the head at head_idx in a record.
struct RowPiece {
  JournalSet::Entry entry;
  size_t head_idx = 0;
  int64_t first = 0;
  int64_t rows = 0;
};

// The rows of a head in the order of the file, some at a time.
class RowPieces {
 public:
  RowPieces(const JournalSet& journal, const HeadRecords& head) : journal_(journal), head_(head) {}
  // The next rows, at most so many; none at the end.
  std::vector<RowPiece> take(int64_t most_rows);

 private:
  bool next_record();
  const JournalSet& journal_;
  const HeadRecords& head_;
  size_t next_ = 0;   // of the records
  RowPiece current_;  // what is left of the one before
};

// Adds bucket, example id (its low 32 bits if int32_ids) and position of every row to a digest, as
// the journals have them.
void add_to_digest(const JournalSet& journal, const std::vector<RowPiece>& group, bool int32_ids,
                   RowDigest& digest);

int64_t count_rows(std::span<const RowPiece> pieces);

// The values of the column `field` (of head_schema) in the rows of `group`. The journals' pages are
// dropped after use. Throws Error if a token string is not UTF-8 or memory does not suffice.
// REQUIRES: rows * head_dim fits in 31 bits.
std::shared_ptr<arrow::Array> gather_column(const JournalSet& journal,
                                            const JournalSet::Group& layer,
                                            const arrow::Field& field,
                                            const std::vector<RowPiece>& group,
                                            arrow::MemoryPool* pool);

}  // namespace qk
