// The columns of one row group of a head's file, gathered from the journal. Includes Arrow: for .cc
// files of this folder only.
#pragma once

#include <arrow/array.h>
#include <arrow/memory_pool.h>

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "dataset/head_records.h"
#include "dataset/journal.h"

namespace qk {

// Rows [first, first + rows) of the head at head_idx in a record.
struct RowPiece {
  const JournalReader::Entry* entry = nullptr;
  size_t head_idx = 0;
  int64_t first = 0;
  int64_t rows = 0;
};

// All rows of a head, in the order of the file.
std::vector<RowPiece> pieces_of(const HeadRecords& head);

// Takes the next row group's pieces off `rest`, whose front may be cut in two.
std::vector<RowPiece> take_group(std::span<RowPiece>& rest, int64_t rows_per_group);

int64_t count_rows(std::span<const RowPiece> pieces);

// The values of the column `field` (of head_schema) in the rows of `group`. The journal's pages are
// dropped after use. Throws Error if a token string is not UTF-8 or memory does not suffice.
// REQUIRES: rows * head_dim fits in 31 bits.
std::shared_ptr<arrow::Array> gather_column(const JournalReader& journal, const LayerRecords& layer,
                                            const arrow::Field& field,
                                            const std::vector<RowPiece>& group,
                                            arrow::MemoryPool* pool);

}  // namespace qk
