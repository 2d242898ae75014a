// A head's files, checked and sampled, as a table.
#pragma once

#include <cstdint>

#include "dataset/head_rows.h"
#include "heads/head_table.h"
#include "heads/row_sample.h"
#include "random/seed_words.h"

namespace qk {

struct LoadOptions {
  int64_t max_rows = 0;
  SeedWords seed;                         // of the sample
  bool compat_reference = false;          // windows of the sample only; rows may occur twice
  KeyOrientation* orientation = nullptr;  // is told all rows, if not null
};

// Reads all rows and keeps the sampled ones. Throws Error "<file>: ..." as HeadRowReader does; and
// with the name of `folder` if there is no row, if a position is not in 0..2^53, if sliding_window
// has several values, or if a row (example_id, bucket, position and vector) occurs twice.
HeadTable load_table(HeadRowReader& reader, const std::string& folder, const LoadOptions& options);

// Bytes that a table of so many rows needs, at most.
int64_t table_bytes(int64_t rows, int64_t head_dim);

// Bytes that finding rows that occur twice needs while a head with so many rows is read.
int64_t repeat_bytes(int64_t rows);

}  // namespace qk
