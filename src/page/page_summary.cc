#include "page/page_summary.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "base/json_value.h"
#include "page/decoded_table.h"

namespace qk {
namespace {

using nlohmann::json;

constexpr int kManyDocuments = 50;    // intervals over fewer are to be read with care
constexpr size_t kNamedFailures = 5;  // heads that failed, by name

std::string grouped(int64_t number) {
  std::string out = std::to_string(number);
  for (auto at = std::ssize(out) - 3; at > 0; at -= 3) {
    out.insert(static_cast<size_t>(at), "\u202f");
  }
  return out;
}

std::string word_in(const json& record, std::initializer_list<const char*> path) {
  const json value = value_at(record, path);
  return value.is_string() ? value.get<std::string>() : value.is_null() ? "" : value.dump();
}

// The most of any head; 0: not known.
int64_t documents_behind(const NamedTables& tables) {
  for (const char* name : {"heads", "intervals"}) {
    DecodedTable table(table_named(tables, name));
    double most = 0;
    for (const double number : table.numbers("documents")) {
      if (number > most) most = number;
    }
    if (most > 0) return static_cast<int64_t>(most);
  }
  return 0;
}

std::string heads_text(DecodedTable& heads) {
  const auto& layers = heads.numbers("layer");
  const auto& windows = heads.numbers("window");
  const auto has_window = [](double window) { return !std::isnan(window); };
  const int64_t num_windows = std::ranges::count_if(windows, has_window);
  std::string out =
      fmt::format("{} in {}", counted(std::ssize(layers), "query head"),
                  counted(std::ssize(std::set<double>(layers.begin(), layers.end())), "layer"));
  if (num_windows > 0) out += fmt::format(", {} with a window", grouped(num_windows));
  return out;
}

std::string vectors_text(const std::string& vector) {
  if (vector.empty()) return "";
  return vector == "pre_rope" ? "before RoPE" : "after RoPE";
}

std::string buckets_text(const json& record) {
  const std::string type = word_in(record, {"buckets", "type"});
  return type == "uniform" ? fmt::format("of {} tokens", word_in(record, {"buckets", "width"}))
                           : type;
}

std::string bars_text(const json& record) {
  const json confidence = value_at(record, {"confidence"});
  const std::string level =
      confidence.is_number() ? fmt::format(", {:.4g} %", 100 * confidence.get<double>()) : "";
  const std::string kind = word_in(record, {"interval"});
  return word_in(record, {"error_bars"}) + level +
         (kind.empty() || kind == "t" ? "" : fmt::format(" ({})", kind));
}

std::string corpus_text(const json& record) {
  const std::string digest = word_in(record, {"dataset", "corpus", "sha256"});
  return digest.empty() ? "" : fmt::format("sha256 {}\u2026", digest.substr(0, 16));
}

std::string failures(const json& failed) {
  std::vector<std::string> some;
  for (const json& head : failed) {
    if (some.size() == kNamedFailures) break;
    some.push_back(fmt::format("layer {}, head {} ({})", word_in(head, {"layer"}),
                               word_in(head, {"q_head"}), word_in(head, {"reason"})));
  }
  return fmt::format("{} could not be measured: {}{}", counted(std::ssize(failed), "head"),
                     fmt::join(some, "; "), failed.size() > kNamedFailures ? "; \u2026" : ".");
}

// How many heads each warning concerns, in order of appearance.
std::vector<std::pair<std::string, int64_t>> warning_kinds(DecodedTable& heads) {
  std::vector<std::pair<std::string, int64_t>> out;
  for (const std::string& all : heads.texts("warnings")) {
    std::set<std::string> seen;
    for (size_t at = 0; at < all.size();) {
      const size_t end = std::min(all.find("; ", at), all.size());
      const std::string text = all.substr(at, end - at);
      at = end + 2;
      if (!seen.insert(text).second) continue;
      auto it = std::ranges::find(out, text, &std::pair<std::string, int64_t>::first);
      if (it == out.end()) it = out.insert(out.end(), {text, 0});
      ++it->second;
    }
  }
  return out;
}

bool has_intervals(const Table& heads) {
  return std::ranges::any_of(heads.columns,
                             [](const auto& column) { return column.first.ends_with(":low"); });
}

void add_method_warnings(const json& record, std::vector<std::string>& out) {
  if (word_in(record, {"method"}) != "linear") return;
  out.emplace_back(
      "Plasticity is by the method linear, which misleads where RoPE turns the mean query; bucket "
      "and counted assume less.");
  if (word_in(record, {"covariance"}) != "diagonal") return;
  out.emplace_back(
      "The covariance is diagonal: the result depends on the basis in which the weights are "
      "written, and can be far off.");
}

void add_head_warnings(const json& record, DecodedTable& heads, std::vector<std::string>& out) {
  const json failed = value_at(record, {"heads", "failed"});
  if (failed.is_array() && !failed.empty()) out.push_back(failures(failed));
  const auto add_count = [&](const char* key, const char* words) {
    const json number = value_at(record, {"heads", key});
    if (!number.is_number_integer() || number == 0) return;
    out.push_back(fmt::format("{} {}.", counted(number.get<int64_t>(), "head"), words));
  };
  add_count("not_captured", "of the model not captured");
  add_count("without_keys", "without captured keys");
  for (const auto& [text, number] : warning_kinds(heads)) {
    out.push_back(fmt::format("{} of {}: {}.", counted(number, "head"),
                              grouped(static_cast<int64_t>(heads.num_rows())), text));
  }
}

}  // namespace

std::string counted(int64_t number, const std::string& one) {
  return grouped(number) + " " + one + (number == 1 ? "" : "s");
}

PageSummary page_summary(const json& record, const std::vector<std::string>& methods,
                         const NamedTables& tables) {
  DecodedTable heads(table_named(tables, "heads"));
  const int64_t documents = documents_behind(tables);
  const std::string model = word_in(record, {"dataset", "model"});
  PageSummary out;
  out.facts = {{"Model", model.substr(model.rfind('/') + 1)},
               {"Heads", heads_text(heads)},
               {"Documents", documents > 0 ? counted(documents, "document") : ""},
               {"Vectors", vectors_text(word_in(record, {"vector"}))},
               {"Buckets", buckets_text(record)},
               {"Methods", fmt::format("{}", fmt::join(methods, ", "))},
               {"Error bars", bars_text(record)},
               {"Corpus", corpus_text(record)}};
  std::erase_if(out.facts, [](const auto& fact) { return fact.second.empty(); });
  if (documents > 0 && documents < kManyDocuments) {
    const std::string kind = word_in(record, {"interval"});
    const bool is_t = kind.empty() || kind == "t";
    out.warnings.push_back(fmt::format(
        "{}, fewer than {}: {}, and late buckets rest on few texts. What rests on fewer than {} "
        "documents is hatched, hollow or dotted.",
        counted(documents, "document"), kManyDocuments,
        is_t ? "intervals are wide" : fmt::format("intervals of the kind {} are too narrow", kind),
        kFewBehind));
  }
  if (documents == 0) {
    out.warnings.emplace_back(
        "The number of documents is not known, so nothing is marked that rests on few of them.");
  }
  if (!has_intervals(*table_named(tables, "heads"))) {
    out.warnings.emplace_back(
        "No error bars: differences between heads may be chance. qkscope analyze with --error_bars "
        "jackknife makes them.");
  }
  add_method_warnings(record, out.warnings);
  add_head_warnings(record, heads, out.warnings);
  return out;
}

}  // namespace qk
