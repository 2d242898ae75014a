#include "dataset/head_plan.h"

#include <map>
#include <set>
#include <string_view>
#include <utility>

#include "base/error.h"

namespace qk {
namespace {

using Entry = JournalReader::Entry;

LayerPlan begin_plan(const Entry& entry) {
  return {.layer = entry.layer,
          .kind = entry.kind,
          .head_dim = entry.head_dim,
          .sliding_window = entry.sliding_window,
          .has_tokens = entry.has_tokens,
          .has_pre_rope = entry.has_pre_rope,
          .entries = {}};
}

void check_agreement(const JournalReader& journal, const LayerPlan& plan, const Entry& entry) {
  std::string_view what;
  if (entry.head_dim != plan.head_dim) what = "head_dim";
  if (entry.sliding_window != plan.sliding_window) what = "sliding_window";
  if (entry.has_tokens != plan.has_tokens) what = "token strings";
  if (entry.has_pre_rope != plan.has_pre_rope) what = "pre-RoPE vectors";
  if (what.empty()) return;
  fail("{}: documents {} and {} differ in the {} of layer {}, {}", journal.path().string(),
       plan.entries.front()->document, entry.document, what, entry.layer,
       entry.kind == Kind::kQuery ? "queries" : "keys");
}

}  // namespace

DatasetPlan plan_dataset(const JournalReader& journal) {
  std::map<std::pair<int32_t, Kind>, LayerPlan> layers;
  for (const Entry& entry : journal.entries()) {
    if (entry.rows == 0) continue;
    const auto [it, is_new] = layers.try_emplace({entry.layer, entry.kind}, begin_plan(entry));
    if (!is_new) check_agreement(journal, it->second, entry);
    it->second.entries.push_back(&entry);
  }
  DatasetPlan plan;
  for (auto& [key, layer] : layers) plan.layers.push_back(std::move(layer));
  for (const LayerPlan& layer : plan.layers) {
    std::set<int32_t> heads;
    for (const Entry* entry : layer.entries) heads.insert(entry->heads.begin(), entry->heads.end());
    for (const int32_t head : heads) plan.heads.push_back({&layer, head});
  }
  return plan;
}

}  // namespace qk
