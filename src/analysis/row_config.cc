#include "analysis/row_config.h"

#include <array>
#include <string>
#include <utility>
#include <vector>

#include "base/atomic_file.h"
#include "base/error.h"
#include "base/home_path.h"

namespace qk {
namespace {

constexpr int64_t kWidestBucket = int64_t{1} << 53;  // as the largest position

std::vector<std::string> lines_of(const std::string& file, const std::string& option) {
  constexpr size_t kLargestList = size_t{256} << 20;
  std::string text = read_file(expand_home(file), kLargestList);
  constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
  if (text.starts_with(kByteOrderMark)) text.erase(0, kByteOrderMark.size());
  std::vector<std::string> out;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    std::string line = text.substr(begin, end - begin);
    if (line.ends_with('\r')) line.pop_back();
    if (!line.empty()) out.push_back(std::move(line));
    begin = end + 1;
  }
  if (out.empty()) fail("{}: {}: expected one document a line, found none", option, file);
  return out;
}

std::string document_of(const MappingReader& top, const YamlValue& value) {
  const bool is_scalar = value.kind != YamlValue::Kind::kNull &&
                         value.kind != YamlValue::Kind::kList &&
                         value.kind != YamlValue::Kind::kMapping;
  if (!is_scalar || value.text.empty()) {
    fail("{}: {}: expected the name or example_id of a document, found {}", value.place,
         top.full_name(kDocumentsKey), value.describe());
  }
  return value.text;
}

void read_documents(MappingReader& top, AnalysisConfig& out) {
  const YamlValue* value = top.any(kDocumentsKey);
  if (value == nullptr || value->kind == YamlValue::Kind::kNull) return;
  out.rows.documents.emplace();
  if (value->kind != YamlValue::Kind::kList) {
    out.rows.documents->push_back(document_of(top, *value));
    return;
  }
  for (const YamlValue& item : value->items) {
    out.rows.documents->push_back(document_of(top, item));
  }
  if (out.rows.documents->empty()) top.refuse_with(kDocumentsKey, "names no document");
}

}  // namespace

YamlValue documents_value(const ConfigSource::Override& option) {
  YamlValue out;
  out.kind = YamlValue::Kind::kList;
  const auto add = [&](std::string text) {
    YamlValue item;
    item.kind = YamlValue::Kind::kText;
    item.place = option.option;
    item.text = std::move(text);
    out.items.push_back(std::move(item));
  };
  for (const std::string& word : option.words) {
    if (word.empty() || word == "@") {
      fail(
          "{}: expected the name or example_id of a document, or @ and the name of a file, found {}",
          option.option, word.empty() ? "nothing" : word);
    }
    if (!word.starts_with('@')) {
      add(word);
      continue;
    }
    for (std::string& line : lines_of(word.substr(1), option.option)) add(std::move(line));
  }
  return out;
}

void read_row_options(MappingReader& top, AnalysisConfig& out) {
  constexpr std::array<std::string_view, 2> kVectors = {"post_rope", "pre_rope"};
  if (const auto word = top.text_or_null("vector")) {
    out.rows.vector = static_cast<VectorKind>(top.choice("vector", *word, kVectors));
  }
  out.rows.bucket_width = top.integer_or_null("bucket_width", 1, kWidestBucket);
  if (out.rows.bucket_width && out.measure.compat_reference) {
    top.refuse_with("bucket_width",
                    "cannot be given with compat: reference, which keeps the dataset's buckets");
  }
  read_documents(top, out);
}

}  // namespace qk
