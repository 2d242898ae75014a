#include "dataset/head_records.h"

#include <map>
#include <set>
#include <string_view>
#include <utility>

#include "base/error.h"

namespace qk {
namespace {

using Entry = JournalReader::Entry;

LayerRecords begin_layer(const Entry& entry) {
  return {.layer = entry.layer,
          .kind = entry.kind,
          .head_dim = entry.head_dim,
          .sliding_window = entry.sliding_window,
          .has_tokens = entry.has_tokens,
          .has_pre_rope = entry.has_pre_rope,
          .entries = {}};
}

void check_agreement(const JournalReader& journal, const LayerRecords& layer, const Entry& entry) {
  std::string_view what;
  if (entry.head_dim != layer.head_dim) what = "head_dim";
  if (entry.sliding_window != layer.sliding_window) what = "sliding_window";
  if (entry.has_tokens != layer.has_tokens) what = "token strings";
  if (entry.has_pre_rope != layer.has_pre_rope) what = "pre-RoPE vectors";
  if (what.empty()) return;
  fail("{}: documents {} and {} differ in the {} of layer {}, {}", journal.path().string(),
       layer.entries.front()->document, entry.document, what, entry.layer,
       entry.kind == Kind::kQuery ? "queries" : "keys");
}

}  // namespace

DatasetRecords sort_records(const JournalReader& journal) {
  std::map<std::pair<int32_t, Kind>, LayerRecords> layers;
  for (const Entry& entry : journal.entries()) {
    if (entry.rows == 0) continue;
    const auto [it, is_new] = layers.try_emplace({entry.layer, entry.kind}, begin_layer(entry));
    if (!is_new) check_agreement(journal, it->second, entry);
    it->second.entries.push_back(&entry);
  }
  DatasetRecords records;
  for (auto& [key, layer] : layers) records.layers.push_back(std::move(layer));
  for (const LayerRecords& layer : records.layers) {
    std::set<int32_t> heads;
    for (const Entry* entry : layer.entries) heads.insert(entry->heads.begin(), entry->heads.end());
    for (const int32_t head : heads) records.heads.push_back({&layer, head});
  }
  return records;
}

}  // namespace qk
