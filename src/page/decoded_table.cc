#include "page/decoded_table.h"

#include <algorithm>
#include <limits>

namespace qk {

const Table* table_named(const NamedTables& tables, std::string_view name) {
  const auto it = std::ranges::find(tables, name, &NamedTables::value_type::first);
  return it == tables.end() ? nullptr : &it->second;
}

Table* table_named(NamedTables& tables, std::string_view name) {
  const auto it = std::ranges::find(tables, name, &NamedTables::value_type::first);
  return it == tables.end() ? nullptr : &it->second;
}

const Column* DecodedTable::column(const std::string& name) const {
  if (table_ == nullptr) return nullptr;
  const auto it = std::ranges::find(table_->columns, name, &std::pair<std::string, Column>::first);
  return it == table_->columns.end() ? nullptr : &it->second;
}

const std::vector<double>& DecodedTable::numbers(const std::string& name) {
  const auto [it, is_new] = numbers_.try_emplace(name);
  const Column* found = is_new ? column(name) : nullptr;
  if (found != nullptr && !found->strings && found->width == 1) it->second = numbers_of(*found);
  it->second.resize(num_rows(), std::numeric_limits<double>::quiet_NaN());
  return it->second;
}

const std::vector<std::string>& DecodedTable::texts(const std::string& name) {
  const auto [it, is_new] = texts_.try_emplace(name);
  const Column* found = is_new ? column(name) : nullptr;
  if (found != nullptr && found->strings) it->second = texts_of(*found);
  it->second.resize(num_rows());
  return it->second;
}

std::map<HeadKey, std::vector<size_t>> rows_by_head(DecodedTable& table) {
  const auto& layers = table.numbers("layer");
  const auto& heads = table.numbers("q_head");
  std::map<HeadKey, std::vector<size_t>> out;
  for (size_t row = 0; row < table.num_rows(); ++row) {
    out[{layers[row], heads[row]}].push_back(row);
  }
  return out;
}

}  // namespace qk
