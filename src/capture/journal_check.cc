#include "capture/journal_check.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>

#include "base/error.h"
#include "sampling/row_selection.h"

namespace qk {
namespace {

using Entry = JournalSet::Entry;
using Group = JournalSet::Group;

class JournalChecker {
 public:
  JournalChecker(const JournalSet& journal, const CapturePlan& plan)
      : journal_(journal),
        plan_(plan),
        selector_(plan.capture.row_rules(),
                  plan.compat_reference ? BucketRule::kFloat32 : BucketRule::kExact),
        groups_(plan.layers.size()) {
    for (const Group& group : journal.groups()) {
      if (group.layer >= std::ssize(plan.layers)) {
        fail("{}: it has rows of layer {}, the model has {} layers", journal.name(), group.layer,
             plan.layers.size());
      }
      groups_[static_cast<size_t>(group.layer)][index(group.kind)] = &group;
    }
  }

  void check_document(const DocumentEnd& end) const {
    const bool captured = end.outcome == DocumentOutcome::kCaptured;
    int64_t num_records = 0;
    for (size_t layer = 0; layer < plan_.layers.size(); ++layer) {
      for (const Kind kind : {Kind::kQuery, Kind::kKey}) {
        const std::vector<int32_t>& heads = plan_.layers[layer].heads(kind);
        const auto entry = find(layer, kind, end.document);
        RowSelection rows;
        if (captured && !heads.empty()) {
          rows = selector_.select(end.example_id, static_cast<int>(layer), kind, heads.front(),
                                  end.num_tokens);
        }
        check(end, layer, kind, entry, rows);
        if (!entry) continue;
        ++num_records;
        journal_.drop_head(*entry);
      }
    }
    if (num_records != end.num_records) {
      fail("{}: document {} has {} records, expected {}", path_of(end), end.document,
           end.num_records, num_records);
    }
  }

 private:
  std::string path_of(const DocumentEnd& end) const {
    return journal_.file_of(end.document).path().string();
  }
  static size_t index(Kind kind) { return kind == Kind::kQuery ? 0 : 1; }

  std::optional<Entry> find(size_t layer, Kind kind, int64_t document) const {
    const Group* group = groups_[layer][index(kind)];
    if (group == nullptr) return std::nullopt;
    const auto it =
        std::ranges::lower_bound(group->records, document, {}, &JournalSet::Record::document);
    if (it == group->records.end() || it->document != document) return std::nullopt;
    return journal_.entry(*it);
  }

  void check(const DocumentEnd& end, size_t layer, Kind kind, const std::optional<Entry>& entry,
             const RowSelection& rows) const {
    const auto refuse = [&](std::string_view what) {
      fail("{}: document {}, layer {}, {}: {}", path_of(end), end.document, layer,
           kind == Kind::kQuery ? "queries" : "keys", what);
    };
    if (!entry && rows.positions.empty()) return;
    if (!entry) refuse(fmt::format("expected {} rows, found none", rows.positions.size()));
    if (entry->rows != std::ssize(rows.positions)) {
      refuse(fmt::format("expected {} rows, found {}", rows.positions.size(), entry->rows));
    }
    if (entry->heads != plan_.layers[layer].heads(kind)) refuse("other heads than planned");
    if (entry->example_id != end.example_id) refuse("another example id than the document's");
    const JournalSet::Columns columns = journal_.columns(*entry);
    if (!std::ranges::equal(columns.positions, rows.positions)) {
      refuse("other positions than planned");
    }
    if (!std::ranges::equal(columns.buckets, rows.buckets)) refuse("other buckets than planned");
  }

  const JournalSet& journal_;
  const CapturePlan& plan_;
  RowSelector selector_;
  std::vector<std::array<const Group*, 2>> groups_;  // [layers][kind]
};

}  // namespace

void check_journal_rows(const JournalSet& journal, const CapturePlan& plan, ThreadPool& pool,
                        const std::function<void()>& step) {
  const JournalChecker checker(journal, plan);
  const std::vector<DocumentEnd>& documents = journal.documents();
  pool.parallel_for(std::ssize(documents), [&](int64_t index, int) {
    if (step) step();
    checker.check_document(documents[static_cast<size_t>(index)]);
  });
}

}  // namespace qk
