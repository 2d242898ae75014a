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
  bool compat_reference = false;          // checks windows of the sample only, not repeated rows
  KeyOrientation* orientation = nullptr;  // if not null, receives all rows
};

// Reads all rows and keeps the sampled ones. Throws Error "<file>: ..." as HeadRowReader does; and
// with the name of `folder` if there are no rows, if a position is not in 0..2^53, if
// sliding_window has several values, if some ids are negative and others 2^63 or more, or if a row
// (example_id, bucket, position and vector) occurs twice.
HeadTable load_table(HeadRowReader& reader, const std::string& folder, const LoadOptions& options);

// Upper bound of the bytes that a table of this many rows needs.
int64_t table_bytes(int64_t rows, int64_t head_dim);

// Bytes needed to find rows that occur twice while a head with this many rows is read.
int64_t repeat_bytes(int64_t rows);

}  // namespace qk
