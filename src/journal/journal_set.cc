#include "journal/journal_set.h"

#include <algorithm>
#include <functional>
#include <map>
#include <string_view>
#include <utility>

#include "base/error.h"
#include "journal/journal_scan.h"

namespace qk {
namespace {

using Group = JournalReader::Group;

// A whole document and the index of its file.
struct Owned {
  const DocumentEnd* end = nullptr;
  uint32_t file = 0;
};

// All whole documents of all files; copies after one another, by their files.
std::vector<Owned> sorted_documents(std::span<const JournalReader> files) {
  std::vector<Owned> all;
  for (uint32_t file = 0; file < files.size(); ++file) {
    for (const DocumentEnd& end : files[file].documents()) all.push_back({&end, file});
  }
  std::ranges::stable_sort(all, {}, [](const Owned& owned) { return owned.end->document; });
  return all;
}

std::string_view name_of(Kind kind) { return kind == Kind::kQuery ? "queries" : "keys"; }

// A document's records in one group, of one file.
std::vector<JournalReader::Entry> entries_of_document(const JournalReader& file, const Group& group,
                                                      int64_t document) {
  const auto found =
      std::ranges::equal_range(group.records, document, {}, &JournalReader::Record::document);
  std::vector<JournalReader::Entry> entries;
  for (const JournalReader::Record& record : found) entries.push_back(file.entry(record));
  std::ranges::sort(entries, {}, &JournalReader::Entry::offset);
  return entries;
}

bool are_equal(const JournalReader& a_file, const JournalReader::Entry& a,
               const JournalReader& b_file, const JournalReader::Entry& b) {
  const bool equal = a.bytes == b.bytes && a_file.checksum(a) == b_file.checksum(b);
  a_file.drop_head(a);
  b_file.drop_head(b);
  return equal;
}

// The first layer and kind in which `b` does not have the blocks of a document that `a` has; empty:
// there is none.
std::string missing_blocks(const JournalReader& a, const JournalReader& b, int64_t document) {
  for (const Group& group : a.groups()) {
    const auto expected = entries_of_document(a, group, document);
    if (expected.empty()) continue;
    const auto it = std::ranges::find_if(b.groups(), [&](const Group& other) {
      return other.layer == group.layer && other.kind == group.kind;
    });
    const auto found = it == b.groups().end() ? std::vector<JournalReader::Entry>()
                                              : entries_of_document(b, *it, document);
    const bool equal = std::ranges::equal(
        expected, found, [&](const auto& x, const auto& y) { return are_equal(a, x, b, y); });
    if (!equal) return fmt::format("{} of layer {}", name_of(group.kind), group.layer);
  }
  return "";
}

// In what two copies of a document differ; empty if in nothing.
std::string copy_difference(std::span<const JournalReader> files, const Owned& a, const Owned& b) {
  if (*a.end != *b.end) return "its counts or its canary";
  const JournalReader& a_file = files[a.file];
  const JournalReader& b_file = files[b.file];
  const std::string difference = missing_blocks(a_file, b_file, a.end->document);
  return difference.empty() ? missing_blocks(b_file, a_file, a.end->document) : difference;
}

void check_copy(std::span<const JournalReader> files, const Owned& first, const Owned& copy) {
  const std::string difference = copy_difference(files, first, copy);
  if (difference.empty()) return;
  fail(
      "{}: document {} is not the same in {}: {} differ; one of the two was computed by another "
      "program or on faulty hardware: remove that journal and start again",
      files[copy.file].path().string(), copy.end->document, files[first.file].path().string(),
      difference);
}

// Adds a group of `file` to those of its layer and kind before, the first of which `origin` has.
void add_group(const JournalReader& file, const Group& group, const JournalReader& origin,
               Group& into) {
  if (const std::string_view what = group_difference(into, group); !what.empty()) {
    fail("{}: differs from {} in the {} of layer {}, {}", file.path().string(),
         origin.path().string(), what, group.layer, name_of(group.kind));
  }
  add_heads(into, group.heads);
  into.records.insert(into.records.end(), group.records.begin(), group.records.end());
}

//   is_read  whether a document is read from the file of this index
std::vector<Group> merged_groups(
    std::span<const JournalReader> files,
    const std::function<bool(uint32_t file, int64_t document)>& is_read) {
  std::map<std::pair<int32_t, Kind>, std::pair<Group, const JournalReader*>> merged;
  for (uint32_t file = 0; file < files.size(); ++file) {
    for (const Group& all : files[file].groups()) {
      Group group = all;
      std::erase_if(group.records, [&](const JournalReader::Record& record) {
        return !is_read(file, record.document);
      });
      const auto [it, is_new] = merged.try_emplace({group.layer, group.kind}, group, &files[file]);
      if (!is_new) add_group(files[file], group, *it->second.second, it->second.first);
    }
  }
  std::vector<Group> groups;
  for (auto& [key, found] : merged) {
    std::ranges::stable_sort(found.first.records, {}, &JournalReader::Record::document);
    groups.push_back(std::move(found.first));
  }
  return groups;
}

}  // namespace

JournalSet::JournalSet(const std::vector<std::filesystem::path>& paths)
    : JournalSet(std::vector<JournalReader>(paths.begin(), paths.end())) {}

JournalSet::JournalSet(std::vector<JournalReader> files) : files_(std::move(files)) {
  QK_CHECK(!files_.empty());
  if (files_.size() > 1) merged_ = merge(files_);
}

JournalSet::Merged JournalSet::merge(std::span<const JournalReader> files) {
  Merged merged;
  Owned first;
  for (const Owned& owned : sorted_documents(files)) {
    if (first.end != nullptr && first.end->document == owned.end->document) {
      check_copy(files, first, owned);
      ++merged.num_copies;
      continue;
    }
    first = owned;
    merged.documents.push_back(*owned.end);
    merged.files.push_back(owned.file);
  }
  merged.groups = merged_groups(files, [&](uint32_t file, int64_t document) {
    const auto it =
        std::ranges::lower_bound(merged.documents, document, {}, &DocumentEnd::document);
    return merged.files[static_cast<size_t>(it - merged.documents.begin())] == file;
  });
  return merged;
}

std::string JournalSet::name() const {
  std::string name;
  for (const JournalReader& file : files_) {
    name += fmt::format("{}{}", name.empty() ? "" : ", ", file.path().string());
  }
  return name;
}

const std::vector<DocumentEnd>& JournalSet::documents() const {
  return merged_ ? merged_->documents : files_.front().documents();
}

const std::vector<Group>& JournalSet::groups() const {
  return merged_ ? merged_->groups : files_.front().groups();
}

size_t JournalSet::file_index(int64_t document) const {
  if (!merged_) return 0;
  const auto it =
      std::ranges::lower_bound(merged_->documents, document, {}, &DocumentEnd::document);
  QK_CHECK(it != merged_->documents.end() && it->document == document);
  return merged_->files[static_cast<size_t>(it - merged_->documents.begin())];
}

void JournalSet::check_lost() const {
  for (const JournalReader& file : files_) {
    for (const int64_t document : file.lost()) {
      const bool whole =
          std::ranges::binary_search(documents(), document, {}, &DocumentEnd::document);
      if (whole) continue;
      fail("{}: damaged at byte {}: document {} is lost", file.path().string(),
           file.damage().front(), document);
    }
  }
}

}  // namespace qk
