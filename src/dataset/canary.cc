#include "dataset/canary.h"

#include <algorithm>
#include <bit>
#include <tuple>
#include <utility>

#include "base/error.h"
#include "dataset/schema.h"

namespace qk {

double canary_dot(std::span<const float> query, std::span<const float> key) {
  QK_CHECK(query.size() == key.size());
  double sum = 0;
  for (size_t i = 0; i < query.size(); ++i) {
    sum += static_cast<double>(query[i]) * static_cast<double>(key[i]);
  }
  return sum;
}

namespace {

using Group = JournalSet::Group;

const Group* find_group(const JournalSet& journal, int32_t layer, Kind kind) {
  for (const Group& group : journal.groups()) {
    if (group.layer == layer && group.kind == kind) return &group;
  }
  return nullptr;
}

bool has_head(const JournalSet::Entry& entry, int32_t head) {
  return std::ranges::binary_search(entry.heads, head);
}

// Counts, while documents ascend, the rows of one head before them.
class RowCounter {
 public:
  explicit RowCounter(const JournalSet& journal) : journal_(journal) {}
  // The row in the file of row `row` of the document, -1 if it has none.
  int64_t file_row(int32_t layer, Kind kind, int32_t head, int64_t document, int32_t row) {
    State& state = states_[{layer, kind, head}];
    if (state.group == nullptr) state.group = find_group(journal_, layer, kind);
    if (state.group == nullptr) return -1;
    const auto& records = state.group->records;
    for (; state.next < records.size() && records[state.next].document < document; ++state.next) {
      const JournalSet::Entry entry = journal_.entry(records[state.next]);
      if (has_head(entry, head)) state.rows += entry.rows;
      journal_.drop_head(entry);
    }
    if (state.next == records.size() || records[state.next].document != document) return -1;
    const JournalSet::Entry entry = journal_.entry(records[state.next]);
    return has_head(entry, head) && row < entry.rows ? state.rows + row : -1;
  }

 private:
  struct State {
    const Group* group = nullptr;
    size_t next = 0;   // of its records
    int64_t rows = 0;  // of the records before
  };
  const JournalSet& journal_;
  std::map<std::tuple<int32_t, Kind, int32_t>, State> states_;
};

}  // namespace

std::vector<RowPair> canary_pairs(const JournalSet& journal, int64_t most) {
  std::vector<const DocumentEnd*> with;
  for (const DocumentEnd& end : journal.documents()) {
    if (end.canary.layer >= 0) with.push_back(&end);
  }
  std::vector<RowPair> pairs;
  RowCounter counter(journal);
  const int64_t count = std::min(most, std::ssize(with));
  for (int64_t i = 0; i < count; ++i) {
    const DocumentEnd& end = *with[static_cast<size_t>(i * std::ssize(with) / count)];
    const Canary& canary = end.canary;
    const int64_t query_row = counter.file_row(canary.layer, Kind::kQuery, canary.query_head,
                                               end.document, canary.query_row);
    const int64_t key_row =
        counter.file_row(canary.layer, Kind::kKey, canary.key_head, end.document, canary.key_row);
    if (query_row < 0 || key_row < 0) {
      fail("{}: document {} lacks the rows of its canary in layer {}",
           journal.file_of(end.document).path().string(), end.document, canary.layer);
    }
    pairs.push_back({config_name(canary.layer, canary.query_head, Kind::kQuery),
                     config_name(canary.layer, canary.key_head, Kind::kKey), query_row, key_row,
                     canary.dot});
  }
  return pairs;
}

RowWatch::RowWatch(const std::vector<int64_t>& rows) {
  for (const int64_t row : rows) rows_.try_emplace(row);
}

void RowWatch::pass(int64_t first, int64_t dim, std::span<const float> numbers) {
  if (rows_.empty() || dim <= 0) return;
  const int64_t count = std::ssize(numbers) / dim;
  for (auto it = rows_.lower_bound(first); it != rows_.end() && it->first < first + count; ++it) {
    const float* vector = numbers.data() + (it->first - first) * dim;
    it->second.assign(vector, vector + dim);
  }
}

std::span<const float> RowWatch::vector(int64_t row) const {
  const auto it = rows_.find(row);
  return it == rows_.end() ? std::span<const float>() : std::span<const float>(it->second);
}

std::map<std::string, RowWatch> watch_rows(const std::vector<RowPair>& pairs) {
  std::map<std::string, std::vector<int64_t>> wanted;
  for (const RowPair& pair : pairs) {
    wanted[pair.query_config].push_back(pair.query_row);
    wanted[pair.key_config].push_back(pair.key_row);
  }
  std::map<std::string, RowWatch> watches;
  for (const auto& [config, rows] : wanted) watches.emplace(config, RowWatch(rows));
  return watches;
}

std::string canary_fault(const RowPair& pair, const std::map<std::string, RowWatch>& rows) {
  const auto vector = [&](const std::string& config, int64_t row) {
    const auto it = rows.find(config);
    return it == rows.end() ? std::span<const float>() : it->second.vector(row);
  };
  const std::span<const float> query = vector(pair.query_config, pair.query_row);
  const std::span<const float> key = vector(pair.key_config, pair.key_row);
  const std::string name = fmt::format("canary: row {} of {} times row {} of {}", pair.query_row,
                                       pair.query_config, pair.key_row, pair.key_config);
  if (query.empty() || query.size() != key.size()) return name + ": there is no such pair";
  const double dot = canary_dot(query, key);
  if (std::bit_cast<uint64_t>(dot) == std::bit_cast<uint64_t>(pair.dot)) return "";
  return fmt::format("{} gives {:.17g}, it was {:.17g} when it was captured", name, dot, pair.dot);
}

}  // namespace qk
