#include "capture/earlier_work.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>
#include <string>
#include <utility>

#include "base/error.h"
#include "capture/resume.h"
#include "dataset/journal_files.h"
#include "dataset/overwrite.h"
#include "journal/journal.h"

namespace qk {
namespace {

bool is_whole(const JournalSet& journals, int64_t document) {
  return std::ranges::binary_search(journals.documents(), document, {}, &DocumentEnd::document);
}

// A process by itself begins documents in order: one that is not whole, below one that is, was
// lost with all its records.
std::vector<int64_t> vanished_documents(const JournalReader& journal) {
  std::vector<int64_t> vanished;
  int64_t expected = 0;
  for (const DocumentEnd& end : journal.documents()) {
    for (; expected < end.document; ++expected) vanished.push_back(expected);
    ++expected;
  }
  return vanished;
}

// Documents that damage of this journal took, and that no journal has.
std::vector<int64_t> lost_documents(const JournalSet& journals, const JournalReader& journal) {
  std::set<int64_t> lost(journal.lost().begin(), journal.lost().end());
  if (journals.files().size() == 1 && journal.path().extension().empty()) {
    for (const int64_t document : vanished_documents(journal)) lost.insert(document);
  }
  std::erase_if(lost, [&](int64_t document) { return is_whole(journals, document); });
  return {lost.begin(), lost.end()};
}

// What comes of documents that no journal has any more.
std::string documents_are(const std::vector<int64_t>& documents, const char* what) {
  const bool is_one = documents.size() == 1;
  return fmt::format("document{} {} {} {}", is_one ? "" : "s", fmt::join(documents, ", "),
                     is_one ? "is" : "are", what);
}

std::string lost_text(const std::vector<int64_t>& lost, const RunOptions& options) {
  if (lost.empty()) return "the lost documents have already been recomputed";
  std::vector<int64_t> ours, others;
  for (const int64_t document : lost) {
    const bool is_ours = !options.finish && (!options.shard || options.shard->has(document));
    (is_ours ? ours : others).push_back(document);
  }
  std::vector<std::string> out;
  if (!ours.empty()) out.push_back(documents_are(ours, "computed again"));
  if (!others.empty()) out.push_back(documents_are(others, "missing now"));
  return fmt::format("{}", fmt::join(out, ", "));
}

std::string damage_text(const JournalSet& journals, const JournalReader& journal,
                        const RunOptions& options) {
  const size_t num_places = journal.damage().size();
  return fmt::format("{}: damaged at byte {}{}; {}", journal.path().string(),
                     journal.damage().front(),
                     num_places == 1 ? "" : fmt::format(" and in {} more places", num_places - 1),
                     lost_text(lost_documents(journals, journal), options));
}

CaptureCounts counts_of(const JournalSet& journals, const std::optional<Shard>& shard) {
  const auto is_ours = [&](int64_t document) { return !shard || shard->has(document); };
  CaptureCounts out;
  for (const DocumentEnd& end : journals.documents()) {
    if (!is_ours(end.document)) continue;
    ++out.num_documents;
    out.num_tokens += end.num_tokens;
  }
  for (const JournalSet::Group& group : journals.groups()) {
    for (const JournalSet::Record& record : group.records) {
      if (!is_ours(record.document)) continue;
      const JournalSet::Entry entry = journals.entry(record);
      out.num_rows += entry.rows * std::ssize(entry.heads);
      journals.drop_head(entry);
    }
  }
  out.num_documents_before = out.num_documents;
  out.num_tokens_before = out.num_tokens;
  return out;
}

JournalHeader checked_header(const std::string& text, const std::filesystem::path& path,
                             const RunContext& context, const RunRecord& record) {
  JournalHeader header = parse_journal_header(text, path);
  const std::string difference =
      provenance_difference(header.provenance, record.provenance, context.options.device_reason());
  if (!difference.empty()) {
    fail("{}: is the journal of another run: {}; {}", path.string(), difference,
         context.options.shard ? "to begin anew, remove the output folder, or run once with "
                                 "--overwrite and without --shard"
                               : "--overwrite discards it");
  }
  return header;
}

bool is_of_a_sibling(const JournalHeader& header, const Shard& shard) {
  const std::optional<Shard>& other = header.shard;
  return other && other->count == shard.count && other->index != shard.index;
}

// Those of other runs are refused, also where nothing else of them is read.
std::vector<std::filesystem::path> journals_to_read(std::vector<std::filesystem::path> paths,
                                                    const RunContext& context,
                                                    const RunRecord& record) {
  const std::optional<Shard>& shard = context.options.shard;
  if (!shard) return paths;
  std::erase_if(paths, [&](const auto& path) {
    return is_of_a_sibling(checked_header(JournalReader::header_of(path), path, context, record),
                           *shard);
  });
  return paths;
}

bool all_are_there(const std::vector<std::filesystem::path>& paths) {
  std::error_code error;
  return std::ranges::all_of(
      paths, [&](const auto& path) { return std::filesystem::exists(path, error) || error; });
}

}  // namespace

EarlierWork earlier_work(const JournalSet& journals, const RunContext& context,
                         const RunRecord& record) {
  EarlierWork out;
  std::set<int64_t> shard_counts;
  for (const JournalReader& journal : journals.files()) {
    const JournalHeader header = checked_header(journal.header(), journal.path(), context, record);
    out.overwrite |= header.overwrite;
    shard_counts.insert(header.shard ? header.shard->count : 0);
  }
  if (shard_counts.size() == 1) out.num_shards = *shard_counts.begin();
  for (const JournalReader& journal : journals.files()) {
    if (journal.damage().empty() || !context.options.warn) continue;
    context.options.warn(damage_text(journals, journal, context.options));
  }
  for (const DocumentEnd& end : journals.documents()) out.done.push_back(end.document);
  out.counts = counts_of(journals, context.options.shard);
  return out;
}

bool overwrites(const std::vector<std::filesystem::path>& journals, const RunContext& context,
                const RunRecord& record) {
  bool out = false;
  std::error_code error;
  for (const std::filesystem::path& path : journals) {
    if (std::filesystem::is_empty(path, error)) continue;  // a crash took its header
    out |= checked_header(JournalReader::header_of(path), path, context, record).overwrite;
  }
  return out;
}

std::optional<JournalSet> open_earlier_journals(const RunContext& context,
                                                const RunRecord& record) {
  while (true) {
    const auto paths = journal_paths(context.run.config.output.data_root);
    try {
      const auto read = journals_to_read(paths, context, record);
      if (read.empty()) return std::nullopt;
      return JournalSet(read);
    } catch (const Error&) {
      // Another start may have removed an empty one meanwhile.
      if (all_are_there(paths)) throw;
    }
  }
}

}  // namespace qk
