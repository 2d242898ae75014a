#include "dataset/footer_projection.h"

#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "dataset/thrift_compact.h"

namespace qk {
namespace {

// Field numbers of parquet.thrift.
enum FileField : uint8_t { kSchema = 2, kRowGroups = 4, kKeyValues = 5, kColumnOrders = 7 };
enum ElementField : uint8_t { kElementName = 4, kNumChildren = 5 };
enum GroupField : uint8_t { kChunks = 1, kSortingColumns = 4 };
enum PairField : uint8_t { kKey = 1, kValue = 2 };

constexpr int kDeepestColumn = 64;

// The schema is a tree in depth-first order; its leaves are the chunks of a row group, in order.
class SchemaCut {
 public:
  SchemaCut(const std::vector<std::string_view>& schema,
            const std::function<bool(std::string_view)>& is_wanted)
      : schema_(schema) {
    if (schema.empty()) fail("no schema");
    ThriftStruct root(schema.front());
    next_ = 1;
    int64_t num_kept = 0;
    for (int64_t child = root.integer(kNumChildren); child > 0; --child) {
      if (next_ >= schema.size()) fail("columns are missing");
      columns.emplace_back(ThriftStruct(schema[next_]).text(kElementName));
      const bool is_kept = is_wanted(columns.back());
      if (is_kept) ++num_kept;
      take_element(is_kept, 0);
    }
    if (next_ != schema.size()) fail("too many columns");
    root.set_integer(kNumChildren, num_kept);
    elements.insert(elements.begin(), root.write());
  }

  std::vector<std::string> columns;   // top-level names
  std::vector<std::string> elements;  // root and what is kept
  std::vector<bool> is_kept_leaf;

 private:
  void take_element(bool is_kept, int depth) {
    if (depth > kDeepestColumn) fail("a column is nested too deeply");
    if (next_ >= schema_.size()) fail("columns are missing");
    const std::string_view bytes = schema_[next_++];
    if (is_kept) elements.emplace_back(bytes);
    const ThriftStruct element(bytes);
    int64_t children = element.has(kNumChildren) ? element.integer(kNumChildren) : 0;
    if (children <= 0) is_kept_leaf.push_back(is_kept);
    for (; children > 0; --children) take_element(is_kept, depth + 1);
  }

  const std::vector<std::string_view>& schema_;
  size_t next_ = 0;
};

std::string cut_row_group(std::string_view bytes, const std::vector<bool>& is_kept_leaf) {
  ThriftStruct group(bytes);
  const std::vector<std::string_view> chunks = group.list(kChunks);
  if (chunks.size() != is_kept_leaf.size()) fail("a row group has other columns");
  std::vector<std::string> kept;
  for (size_t leaf = 0; leaf < is_kept_leaf.size(); ++leaf) {
    if (is_kept_leaf[leaf]) kept.emplace_back(chunks[leaf]);
  }
  group.set_list(kChunks, kept);
  group.remove(kSortingColumns);  // numbers of columns
  return group.write();
}

void cut_key_values(ThriftStruct& file, std::string& arrow_schema) {
  if (!file.has(kKeyValues)) return;
  std::vector<std::string> kept;
  const std::vector<std::string_view> pairs = file.list(kKeyValues);
  for (const std::string_view bytes : pairs) {
    const ThriftStruct pair(bytes);
    if (pair.text(kKey) != "ARROW:schema") {
      kept.emplace_back(bytes);
    } else if (pair.has(kValue)) {
      arrow_schema = pair.text(kValue);
    }
  }
  file.set_list(kKeyValues, kept);
}

}  // namespace

std::optional<ProjectedFooter> project_footer(
    std::string_view footer, const std::function<bool(std::string_view)>& is_wanted) {
  try {
    ThriftStruct file(footer);
    const std::vector<std::string_view> schema = file.list(kSchema);
    SchemaCut cut(schema, is_wanted);
    file.set_list(kSchema, cut.elements);
    std::vector<std::string> groups;
    const std::vector<std::string_view> row_groups = file.list(kRowGroups);
    groups.reserve(row_groups.size());
    for (const std::string_view bytes : row_groups) {
      groups.push_back(cut_row_group(bytes, cut.is_kept_leaf));
    }
    file.set_list(kRowGroups, groups);
    file.remove(kColumnOrders);
    ProjectedFooter out{.columns = std::move(cut.columns), .bytes = {}, .arrow_schema = {}};
    cut_key_values(file, out.arrow_schema);
    out.bytes = file.write();
    return out;
  } catch (const Error&) {
    return std::nullopt;
  }
}

}  // namespace qk
