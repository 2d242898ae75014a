#include "heads/document_choice.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "base/error.h"
#include "base/hash.h"
#include "base/nearest.h"
#include "dataset/document_table.h"
#include "dataset/schema.h"
#include "heads/head_survey.h"

namespace qk {
namespace {

namespace fs = std::filesystem;

constexpr size_t kMostShown = 200;  // bytes of a document's name

// Ids of one head, and the first fault.
struct HeadIds {
  ExampleIds ids;
  std::string fault;
};

HeadIds ids_of_head(const fs::path& folder, bool compat_reference) {
  HeadIds out;
  std::optional<ExampleId> last;  // rows of a document follow each other
  try {
    for (const fs::path& file : files_to_read(folder, compat_reference).files) {
      read_example_ids(file, [&](const ExampleId& id) {
        if (last == id) return;
        out.ids.insert(id);
        last = id;
      });
    }
  } catch (const Error& error) {  // reported again when the head is read
    out.fault = error.what();
  }
  return out;
}

std::vector<fs::path> head_folders(const HeadCatalog& catalog) {
  std::vector<fs::path> out;
  const auto add = [&](int64_t layer, int64_t head, Kind kind) {
    out.push_back(catalog.folder /
                  config_name(static_cast<int>(layer), static_cast<int>(head), kind));
  };
  for (const HeadGroup& group : catalog.groups) {
    add(group.layer, group.k_head, Kind::kKey);
    for (const int64_t q_head : group.q_heads) add(group.layer, q_head, Kind::kQuery);
  }
  return out;
}

ExampleIds ids_of_rows(const HeadCatalog& catalog, bool compat_reference, ThreadPool& pool) {
  const std::vector<fs::path> folders = head_folders(catalog);
  std::vector<HeadIds> found(folders.size());
  pool.parallel_for(std::ssize(folders), [&](int64_t index, int) {
    const auto i = static_cast<size_t>(index);
    found[i] = ids_of_head(folders[i], compat_reference);
  });
  ExampleIds out;
  for (HeadIds& head : found) out.merge(head.ids);
  for (const HeadIds& head : found) {
    if (out.empty() && !head.fault.empty()) fail("documents: {}", head.fault);
  }
  if (out.empty()) fail("documents: {}: no head has rows", catalog.folder.string());
  return out;
}

std::vector<std::string_view> parts_of(std::string_view text) {
  std::vector<std::string_view> out;
  while (true) {
    const size_t comma = text.find(',');
    std::string_view part = text.substr(0, comma);
    const auto is_blank = [](char c) { return c == ' ' || c == '\t'; };
    while (!part.empty() && is_blank(part.front())) part.remove_prefix(1);
    while (!part.empty() && is_blank(part.back())) part.remove_suffix(1);
    if (!part.empty()) out.push_back(part);
    if (comma == std::string_view::npos) return out;
    text.remove_prefix(comma + 1);
  }
}

}  // namespace

DocumentFinder::DocumentFinder(const HeadCatalog& catalog, bool compat_reference, ThreadPool& pool)
    : folder_(catalog.folder.string()), in_rows_(ids_of_rows(catalog, compat_reference, pool)) {
  auto table = read_document_table(catalog.folder);
  if (!table) return;
  by_name_.emplace();
  for (DocumentRow& row : *table) {
    const ExampleId id = as_in_rows(row.example_id);
    in_table_.insert(id);
    by_name_->emplace(std::move(row.document), id);
  }
}

ExampleId DocumentFinder::as_in_rows(int64_t id) const {
  const ExampleId whole{id, false};
  const ExampleId low{low_32_bits(id), false};  // of a capture with compat: reference
  return !in_rows_.contains(whole) && in_rows_.contains(low) ? low : whole;
}

ExampleIds DocumentFinder::candidates(const std::string& text) const {
  ExampleIds out;
  if (by_name_) {
    const auto [begin, end] = by_name_->equal_range(text);
    for (auto it = begin; it != end; ++it) out.insert(it->second);
  } else if (const ExampleId hashed = as_in_rows(blake2b8(text)); in_rows_.contains(hashed)) {
    out.insert(hashed);
  }
  if (const auto number = parse_example_id(text)) {
    if (in_rows_.contains(*number) || in_table_.contains(*number)) out.insert(*number);
  }
  return out;
}

std::optional<ChosenDocument> DocumentFinder::find_one(std::string_view text) const {
  const std::string name(text);
  const ExampleIds found = candidates(name);
  if (found.empty()) return {};
  if (found.size() > 1) {
    fail(
        "documents: {} is ambiguous: it means the documents with the example_ids {} and {}; give "
        "one of these numbers",
        printable(text, kMostShown), id_text(*found.begin()), id_text(*found.rbegin()));
  }
  return ChosenDocument{*found.begin(), name};
}

void DocumentFinder::refuse_unknown(std::string_view text) const {
  std::vector<std::string> known;
  if (by_name_) {
    for (const auto& [name, id] : *by_name_) {
      if (!name.empty()) known.push_back(name);
    }
  }
  if (parse_example_id(text)) {
    for (const ExampleId& id : in_rows_) known.push_back(id_text(id));
  }
  const std::vector<std::string_view> views(known.begin(), known.end());
  fail("documents: {} has no document {}{}{}", folder_, printable(text, kMostShown),
       by_name_ ? "" : " (it has no documents.parquet; texts were looked up by their hash)",
       did_you_mean(text, views));
}

std::vector<ChosenDocument> DocumentFinder::find(std::string_view text) const {
  if (auto whole = find_one(text)) return {std::move(*whole)};
  const std::vector<std::string_view> parts = parts_of(text);
  if (parts.size() <= 1 && (parts.empty() || parts.front() == text)) refuse_unknown(text);
  std::vector<ChosenDocument> out;
  for (const std::string_view part : parts) {
    auto document = find_one(part);
    if (!document) refuse_unknown(part);
    out.push_back(std::move(*document));
  }
  return out;
}

void DocumentFinder::check_rows(HeadCatalog& catalog) const {
  std::vector<std::string> without;
  for (const ChosenDocument& document : catalog.rows.documents) {
    if (!in_rows_.contains(document.id)) without.push_back(printable(document.name, kMostShown));
  }
  if (without.empty()) return;
  const bool is_one = without.size() == 1;
  const std::string named =
      is_one ? without.front() : fmt::format("{} and {} more", without.front(), without.size() - 1);
  if (without.size() == catalog.rows.documents.size()) {
    fail("documents: {}: no rows of {} were captured", folder_, named);
  }
  catalog.warnings.push_back(fmt::format("documents: no rows of {} were captured", named));
}

int64_t DocumentFinder::num_documents() const {
  return static_cast<int64_t>(by_name_ ? by_name_->size() : in_rows_.size());
}

}  // namespace qk
