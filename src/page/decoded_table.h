// The columns of a page's table as numbers and texts again.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "page/container.h"

namespace qk {

// The table of this name; null: there is none.
const Table* table_named(const NamedTables& tables, std::string_view name);
Table* table_named(NamedTables& tables, std::string_view name);

// Threads: not safe; columns are decoded when they are asked for.
class DecodedTable {
 public:
  // Null: a table without rows. The table must outlive this.
  explicit DecodedTable(const Table* table) : table_(table) {}

  size_t num_rows() const { return table_ == nullptr ? 0 : table_->num_rows; }
  // Of every row; NaN where there is no such column, or no number.
  const std::vector<double>& numbers(const std::string& name);
  // Of every row; empty where there is no such column, or no text.
  const std::vector<std::string>& texts(const std::string& name);

 private:
  const Column* column(const std::string& name) const;

  const Table* table_;
  std::map<std::string, std::vector<double>> numbers_;
  std::map<std::string, std::vector<std::string>> texts_;
};

// Rows by head, in order: (layer, q_head).
using HeadKey = std::pair<double, double>;
std::map<HeadKey, std::vector<size_t>> rows_by_head(DecodedTable& table);

}  // namespace qk
