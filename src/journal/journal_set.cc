#include "journal/journal_set.h"

#include <algorithm>
#include <map>
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

std::vector<Owned> sorted_documents(std::span<const JournalReader> files) {
  std::vector<Owned> all;
  for (uint32_t file = 0; file < files.size(); ++file) {
    for (const DocumentEnd& end : files[file].documents()) all.push_back({&end, file});
  }
  const auto document = [](const Owned& owned) { return owned.end->document; };
  std::ranges::sort(all, {}, document);
  const auto twice = std::ranges::adjacent_find(all, {}, document);
  if (twice != all.end()) {
    const auto [first, second] = std::minmax(twice[0].file, twice[1].file);
    fail("{}: document {} is in {} too", files[second].path().string(), document(*twice),
         files[first].path().string());
  }
  return all;
}

// Adds a group of `file` to those of its layer and kind before, the first of which `origin` has.
void add_group(const JournalReader& file, const Group& group, const JournalReader& origin,
               Group& into) {
  if (const std::string_view what = group_difference(into, group); !what.empty()) {
    fail("{}: differs from {} in the {} of layer {}, {}", file.path().string(),
         origin.path().string(), what, group.layer,
         group.kind == Kind::kQuery ? "queries" : "keys");
  }
  add_heads(into, group.heads);
  into.records.insert(into.records.end(), group.records.begin(), group.records.end());
}

std::vector<Group> merged_groups(std::span<const JournalReader> files) {
  std::map<std::pair<int32_t, Kind>, std::pair<Group, const JournalReader*>> merged;
  for (const JournalReader& file : files) {
    for (const Group& group : file.groups()) {
      const auto [it, is_new] = merged.try_emplace({group.layer, group.kind}, group, &file);
      if (!is_new) add_group(file, group, *it->second.second, it->second.first);
    }
  }
  std::vector<Group> groups;
  for (auto& [key, found] : merged) {
    std::ranges::sort(found.first.records, {}, &JournalReader::Record::document);
    groups.push_back(std::move(found.first));
  }
  return groups;
}

}  // namespace

JournalSet::JournalSet(const std::vector<std::filesystem::path>& paths) {
  QK_CHECK(!paths.empty());
  for (const std::filesystem::path& path : paths) files_.emplace_back(path);
  if (files_.size() > 1) merged_ = merge(files_);
}

JournalSet::Merged JournalSet::merge(std::span<const JournalReader> files) {
  Merged merged;
  for (const Owned& owned : sorted_documents(files)) {
    merged.documents.push_back(*owned.end);
    merged.files.push_back(owned.file);
  }
  merged.groups = merged_groups(files);
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
