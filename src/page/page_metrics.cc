#include "page/page_metrics.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <utility>

#include "base/error.h"
#include "base/json_value.h"
#include "page/decoded_table.h"

namespace qk {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

constexpr double kNoNumber = std::numeric_limits<double>::quiet_NaN();
constexpr double kLowestShare = 0.02;  // of the heads, below the limits of colours

bool is_metric(std::string_view column) {
  constexpr std::array<std::string_view, 5> kOthers = {"layer", "q_head", "k_head", "warning",
                                                       "rope_pair"};
  constexpr std::array<std::string_view, 3> kEnds = {"_low", "_high", "_std_error"};
  const auto ends = [&](std::string_view end) { return column.ends_with(end); };
  return std::ranges::find(kOthers, column) == kOthers.end() && !column.starts_with("scale_") &&
         std::ranges::none_of(kEnds, ends);
}

bool is_signed(std::string_view id) {
  constexpr std::array<std::string_view, 4> kWords = {"skew", "kurt", "slope", "difference"};
  const auto has = [&](std::string_view word) { return id.find(word) != std::string_view::npos; };
  if (has("_abs_") || id == "score_skew") return false;  // absolute values
  return id.starts_with("trend:") || std::ranges::any_of(kWords, has);
}

struct Interval {
  double low = kNoNumber;
  double high = kNoNumber;
};

struct Metric {
  std::string id, table, unit;
  std::vector<double> values, low, high;  // by row of the heads
  bool has_intervals = false;
  bool has_wide_intervals = false;  // of 64 bits
};

class MetricList {
 public:
  explicit MetricList(const NamedTables& tables) : tables_(tables), heads_(table("heads")) {
    for (const auto& [key, rows] : rows_by_head(heads_)) rows_[key] = rows.front();
    warnings_.resize(heads_.num_rows());
  }

  // The columns of single numbers.
  void read_columns(const std::string& name) {
    if (table_named(tables_, name) == nullptr) return;
    DecodedTable from = table(name);
    for (const auto& [id, column] : table_named(tables_, name)->columns) {
      if (!is_metric(id) || column.width != 1 || column.strings || find(id) != nullptr) continue;
      Metric& metric = add(id, name);
      const auto& values = from.numbers(id);
      const auto& low = from.numbers(id + "_low");
      const auto& high = from.numbers(id + "_high");
      each_row(from, [&](size_t row, size_t head) {
        set(metric, head, values[row], {low[row], high[row]});
      });
      metric.has_wide_intervals = name == "heads";
    }
  }

  void read_intervals(const std::string& first_method) {
    DecodedTable from = table("intervals");
    const auto& low = from.numbers("ci_low");
    const auto& high = from.numbers("ci_high");
    each_row(from, [&](size_t row, size_t head) {
      const std::string& id = from.texts("metric")[row];
      Metric* metric = find(id);
      if (metric == nullptr) return;
      if (id == "ap_overall" && from.texts("method")[row] != first_method) return;
      set(*metric, head, metric->values[head], {low[row], high[row]});
      metric->has_wide_intervals = true;
    });
  }

  void read_methods(const std::vector<std::string>& methods) {
    DecodedTable from = table("methods");
    each_row(from, [&](size_t row, size_t head) {
      const std::string& method = from.texts("method")[row];
      const auto it = std::ranges::find(methods, method);
      if (it == methods.end() || it == methods.begin()) return;
      set(found_or_added("method:" + method, "methods"), head, from.numbers("ap_overall")[row],
          {from.numbers("ci_low")[row], from.numbers("ci_high")[row]});
    });
  }

  void read_trends(const std::string& method) {
    DecodedTable from = table("trends");
    each_row(from, [&](size_t row, size_t head) {
      if (from.texts("method")[row] != method || !std::isnan(from.numbers("reach")[row])) return;
      Metric& metric = found_or_added("trend:" + from.texts("trend")[row], "trends");
      metric.unit = from.texts("unit")[row];
      set(metric, head, from.numbers("slope")[row],
          {from.numbers("ci_low")[row], from.numbers("ci_high")[row]});
    });
  }

  void read_warnings(const std::string& name) {
    DecodedTable from = table(name);
    each_row(from, [&](size_t row, size_t head) {
      const std::string& method = from.texts("method")[row];
      std::string_view rest = from.texts("warning")[row];
      while (!rest.empty()) {
        const size_t end = std::min(rest.find("; "), rest.size());
        std::string& all = warnings_[head];
        if (end > 0) {
          all += (all.empty() ? "" : "; ") + (method.empty() ? "" : method + " ");
          all += rest.substr(0, end);
        }
        rest.remove_prefix(std::min(end + 2, rest.size()));
      }
    });
  }

  void write(Table& heads) const;
  ordered_json json_list() const;

 private:
  DecodedTable table(std::string_view name) const {
    return DecodedTable(table_named(tables_, name));
  }

  template <typename Use>
  void each_row(DecodedTable& from, const Use& use) const {
    for (const auto& [key, rows] : rows_by_head(from)) {
      const auto head = rows_.find(key);
      if (head == rows_.end()) continue;
      for (const size_t row : rows) use(row, head->second);
    }
  }

  Metric* find(const std::string& id) {
    const auto it = std::ranges::find(metrics_, id, &Metric::id);
    return it == metrics_.end() ? nullptr : &*it;
  }

  Metric& add(const std::string& id, const std::string& table) {
    Metric& metric = metrics_.emplace_back();
    metric.id = id;
    metric.table = table;
    for (auto* list : {&metric.values, &metric.low, &metric.high}) {
      list->assign(heads_.num_rows(), kNoNumber);
    }
    return metric;
  }

  Metric& found_or_added(const std::string& id, const std::string& table) {
    Metric* metric = find(id);
    return metric == nullptr ? add(id, table) : *metric;
  }

  static void set(Metric& metric, size_t head, double value, Interval interval) {
    metric.values[head] = value;
    if (std::isnan(interval.low)) return;
    metric.low[head] = interval.low;
    metric.high[head] = interval.high;
    metric.has_intervals = true;
  }

  const NamedTables& tables_;
  DecodedTable heads_;
  std::map<HeadKey, size_t> rows_;  // of the heads
  std::vector<Metric> metrics_;
  std::vector<std::string> warnings_;
};

double percentile(const std::vector<double>& sorted, double share) {
  const double at = share * static_cast<double>(sorted.size() - 1);
  const auto low = static_cast<size_t>(at);
  const size_t high = std::min(low + 1, sorted.size() - 1);
  return sorted[low] + (at - static_cast<double>(low)) * (sorted[high] - sorted[low]);
}

// Of colours: a signed metric has 0 in the middle.
std::array<double, 2> robust_limits(std::vector<double> values, bool has_signs) {
  std::erase_if(values, [](double value) { return !std::isfinite(value); });
  if (values.empty()) return {0, 1};
  std::ranges::sort(values);
  double low = percentile(values, kLowestShare);
  double high = percentile(values, 1 - kLowestShare);
  if (has_signs) {
    high = std::max(std::abs(low), std::abs(high));
    low = -high;
  }
  if (low < high) return {low, high};
  const auto room = [](double end) { return (end == 0 ? 1 : std::abs(end)) / 2; };
  return {low - room(low), high + room(high)};
}

void MetricList::write(Table& heads) const {
  for (const Metric& metric : metrics_) {
    if (metric.table != "heads")
      heads.columns.emplace_back(metric.id, number_column(metric.values));
    if (!metric.has_intervals) continue;
    const auto add_ends = [&](const char* name, const std::vector<double>& ends) {
      heads.columns.emplace_back(metric.id + name, metric.has_wide_intervals
                                                       ? float_column(ends, FloatType::kF64)
                                                       : number_column(ends));
    };
    add_ends(":low", metric.low);
    add_ends(":high", metric.high);
  }
  heads.columns.emplace_back("warnings", text_column(warnings_));
}

ordered_json MetricList::json_list() const {
  ordered_json out = ordered_json::array();
  for (const Metric& metric : metrics_) {
    const bool has_signs = is_signed(metric.id);
    out.push_back({{"id", metric.id},
                   {"table", metric.table},
                   {"unit", metric.unit},
                   {"signed", has_signs},
                   {"limits", robust_limits(metric.values, has_signs)}});
  }
  return out;
}

}  // namespace

std::vector<std::string> page_methods(const json& record, const NamedTables& tables) {
  std::vector<std::string> out;
  const json recorded = record.is_object() ? value_at(record, {"methods"}) : json();
  for (const json& method : recorded.is_array() ? recorded : json::array()) {
    if (method.is_string()) out.push_back(method.get<std::string>());
  }
  for (const char* name : {"details", "positions", "methods", "trends", "intervals"}) {
    if (!out.empty()) break;
    DecodedTable table(table_named(tables, name));
    for (const std::string& method : table.texts("method")) {
      if (!method.empty() && std::ranges::find(out, method) == out.end()) out.push_back(method);
    }
  }
  if (out.empty()) out.emplace_back();
  return out;
}

ordered_json join_metrics(NamedTables& tables, const std::vector<std::string>& methods) {
  MetricList metrics(tables);
  for (const char* name : {"heads", "diagnostics", "profiles"}) metrics.read_columns(name);
  metrics.read_intervals(methods.front());
  metrics.read_methods(methods);
  metrics.read_trends(methods.front());
  metrics.read_warnings("diagnostics");
  metrics.read_warnings("methods");
  Table* heads = table_named(tables, "heads");
  QK_CHECK(heads != nullptr);
  metrics.write(*heads);
  return metrics.json_list();
}

}  // namespace qk
