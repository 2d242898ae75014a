// Products of stored queries and keys, computed twice: when they leave the model, and from the
// finished files. That both are equal to the last bit shows that rows, heads and documents are
// where they belong.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "journal/journal_set.h"

namespace qk {

// A pair of rows of a dataset and the product that they must have.
struct RowPair {
  std::string query_config, key_config;  // "l03h02q", "l03h00k"
  int64_t query_row = 0, key_row = 0;    // of the files
  double dot = 0;
  bool operator==(const RowPair&) const = default;
};

// The sum of double(query[i]) * double(key[i]) over i, ascending, from 0. REQUIRES: equal sizes.
double canary_dot(std::span<const float> query, std::span<const float> key);

// Canaries of up to `most` documents of the journals, evenly spread, as rows of the files that will
// be written from them.
std::vector<RowPair> canary_pairs(const JournalSet& journal, int64_t most);

// Collects the vectors of some rows of one file while it is read.
class RowWatch {
 public:
  RowWatch() = default;
  // rows: in any order, twice is fine.
  explicit RowWatch(const std::vector<int64_t>& rows);
  // The rows [first, first + numbers.size() / dim) of the file pass by.
  void pass(int64_t first, int64_t dim, std::span<const float> numbers);
  // The vector of a row that was asked for, or nothing if it did not pass.
  std::span<const float> vector(int64_t row) const;

 private:
  std::map<int64_t, std::vector<float>> rows_;
};

// Which rows of which files the pairs need.
std::map<std::string, RowWatch> watch_rows(const std::vector<RowPair>& pairs);

// What is wrong with a pair, one sentence without the folder; empty if its product is as it must
// be.
std::string canary_fault(const RowPair& pair, const std::map<std::string, RowWatch>& rows);

}  // namespace qk
