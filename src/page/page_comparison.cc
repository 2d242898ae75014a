#include "page/page_comparison.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "base/error.h"
#include "base/path_text.h"
#include "page/page_summary.h"
#include "page/public_record.h"

namespace qk {
namespace {

using nlohmann::ordered_json;

using Names = std::vector<std::pair<std::string, std::string>>;

// In a sentence the page calls the tables by the names of their analyses.
Names names_of(const PageAnalysis& a, const PageAnalysis& b) {
  Names out;
  for (const PageAnalysis* one : {&a, &b}) {
    out.emplace_back(path_text(one->found.csv), one->name);
  }
  if (out[0].first.size() < out[1].first.size()) std::swap(out[0], out[1]);
  return out;
}

std::string plain(const std::string& sentence, const Names& names) {
  return public_sentence(replaced(sentence, names));
}

struct Attempt {
  std::optional<Comparison> comparison;
  std::string refusal;
};

Attempt try_to_compare(const AnalysisResults& a, const AnalysisResults& b,
                       const CompareOptions& options) {
  try {
    return {compare_results(a, b, options), ""};
  } catch (const Error& error) {
    return {{}, error.what()};
  }
}

const char* errors_name(Pairing pairing) {
  switch (pairing) {
    case Pairing::kPaired:
      return "paired";
    case Pairing::kIndependent:
      return "not paired";
    case Pairing::kNone:
      break;
  }
  return "none";
}

// Without those that read the same once folders are cut off.
ordered_json differs_json(const SettingsComparison& settings, bool with_ids) {
  ordered_json out = ordered_json::array();
  for (const SettingDifference& one : settings.different) {
    const auto a = public_setting(one.a.name, *one.a.value, with_ids);
    const auto b = public_setting(one.b.name, *one.b.value, with_ids);
    if (a == b) continue;
    out.push_back({{"what", one.a.name}, {"group", name_of(one.a.group)}, {"a", a}, {"b", b}});
  }
  return out;
}

// "model: A x, B y; layers: A 2, B 4". `notes`: the settings that decide no number (folder, version), or else
// those that do.
std::string settings_text(const ordered_json& differs, bool notes) {
  const auto text = [](const ordered_json& value) {
    return value.is_string() ? value.get<std::string>() : value.dump();
  };
  std::vector<std::string> out;
  for (const ordered_json& one : differs) {
    if ((one["group"] == "notes") != notes) continue;
    out.push_back(fmt::format("{}: A {}, B {}", text(one["what"]), text(one["a"]), text(one["b"])));
  }
  return fmt::format("{}", fmt::join(out, "; "));
}

std::string with_more(const std::string& text, const std::string& more) {
  return more.empty() ? text : fmt::format("{} ({})", text, more);
}

// What View Compare says above its figures.
void add_words(const AnalysisResults& of_a, const AnalysisResults& of_b, const PageAnalysis& a,
               const PageAnalysis& b, ordered_json& directory) {
  const std::string settings = settings_text(directory["differs"], false);
  const std::string notes = settings_text(directory["differs"], true);
  const std::string several =
      "More than one thing differs, so no difference of numbers can be ascribed to one of them, and "
      "none is shown: ";
  directory["what"] = directory["several"] == true ? several + settings + "."
                      : settings.empty()           ? "The records name nothing that differs."
                                                   : "What differs: " + settings + ".";
  directory["remarks"] = ordered_json::array();
  if (!notes.empty()) {
    directory["remarks"].push_back("Differs too, but decides no number by itself: " + notes + ".");
  }
  const std::string errors = directory["errors"].get<std::string>();
  directory["remarks"].push_back(fmt::format(
      "{} \u00b7 {} \u00b7 {}", with_more("A: " + a.name, of_a.method),
      with_more("B: " + b.name, of_b.method),
      with_more("errors of differences: " + errors, directory["reason"].get<std::string>())));
}

std::string several_subjects(const std::vector<SettingGroup>& subjects) {
  std::vector<std::string_view> names;
  names.reserve(subjects.size());
  for (const SettingGroup group : subjects) names.push_back(name_of(group));
  return fmt::format(
      "they differ in {} things ({}), so a difference cannot be ascribed to one of them",
      names.size(), fmt::join(names, ", "));
}

// compare.csv as columns, of the heads that are shown.
Table table_of(const Comparison& comparison, const HeadChoice& choice) {
  constexpr std::array<const char*, 10> kNumbers = {"layer",     "q_head",     "k_head", "a",
                                                    "b",         "difference", "ci_low", "ci_high",
                                                    "std_error", "p_value"};
  constexpr size_t kNumIndexes = 3;
  std::array<std::vector<double>, kNumbers.size()> numbers;
  std::vector<std::string> metrics;
  std::vector<std::string> names;
  std::vector<std::string> verdicts;
  std::vector<double> unsure;
  std::vector<std::string> notes;
  for (const MetricComparison& metric : comparison.metrics) {
    for (const HeadDifference& head : metric.heads) {
      if (!choice.has({head.layer, head.q_head, head.k_head})) continue;
      const DifferenceError& error = head.error;
      const std::array<double, kNumbers.size()> row = {static_cast<double>(head.layer),
                                                       static_cast<double>(head.q_head),
                                                       static_cast<double>(head.k_head),
                                                       head.a,
                                                       head.b,
                                                       head.difference,
                                                       error.low,
                                                       error.high,
                                                       error.std_error,
                                                       error.p_value};
      for (size_t i = 0; i < row.size(); ++i) numbers[i].push_back(row[i]);
      metrics.push_back(metric.metric);
      names.push_back(fmt::format("{}.{}", head.layer, head.q_head));
      verdicts.emplace_back(std::isnan(error.p_value) ? "not tested"
                            : head.is_significant     ? "changed"
                                                      : "not surely changed");
      unsure.push_back(is_unsure(error) ? 1 : 0);
      notes.push_back(error.note);
    }
  }
  Table out;
  out.num_rows = metrics.size();
  for (size_t i = 0; i < kNumbers.size(); ++i) {
    out.columns.emplace_back(kNumbers[i], i < kNumIndexes
                                              ? number_column(numbers[i])
                                              : float_column(numbers[i], FloatType::kF64));
  }
  out.columns.emplace_back("metric", text_column(metrics));
  out.columns.emplace_back("head", text_column(names));
  out.columns.emplace_back("verdict", text_column(verdicts));
  out.columns.emplace_back("unsure", number_column(unsure));
  out.columns.emplace_back("note", text_column(notes));
  return out;
}

void add_lonely_heads(const std::vector<HeadNumbers>& heads, const std::string& name,
                      std::vector<std::string>& notes) {
  if (heads.empty()) return;
  notes.push_back(
      fmt::format("Only {} has {} of the heads, the first one layer {}, query head {}; "
                  "they are not compared.",
                  name, heads.size(), heads.front().layer, heads.front().q_head));
}

}  // namespace

bool is_unsure(const DifferenceError& error) {
  const bool is_zero = error.low == 0 && error.high == 0;
  return !(error.low > 0 || error.high < 0 || is_zero);
}

ordered_json changes_text(const MetricComparison& metric, const CompareOptions& options) {
  const auto differs = [](const HeadDifference& head) {
    return !std::isnan(head.difference) && head.difference != 0;
  };
  if (metric.num_pairs > 0 && std::ranges::none_of(metric.heads, differs)) {
    return {"", fmt::format("Nothing differs: the difference is 0 for each of the {}.",
                            counted(metric.num_pairs, "head"))};
  }
  if (metric.num_tested == 0) {
    return {"", "Without intervals it cannot be said which heads changed."};
  }
  const int64_t num_outside = std::ranges::count_if(metric.heads, [&](const HeadDifference& head) {
    return differs(head) && !std::isnan(head.error.p_value) && !is_unsure(head.error);
  });
  return {
      fmt::format("{} of {} changed", counted(metric.num_significant, "head"), metric.num_tested),
      fmt::format(", corrected for the number of heads (Benjamini-Hochberg: at most {:.4g} % of "
                  "them are expected to be false). Without the correction {} on one side of 0; "
                  "chance alone would give about {}.",
                  100 * options.fdr,
                  counted(num_outside, "interval") + (num_outside == 1 ? " lies" : " lie"),
                  std::lround(static_cast<double>(metric.num_tested) * (1 - options.confidence)))};
}

PageComparison compare_for_page(const PageAnalysis& a, const PageAnalysis& b,
                                const PageWishes& wishes) {
  const AnalysisResults of_a = read_results(a.found.csv, {});
  const AnalysisResults of_b = read_results(b.found.csv, {});
  const Names names = names_of(a, b);
  CompareOptions options;
  Attempt attempt = try_to_compare(of_a, of_b, options);
  const SettingsComparison settings = compare_settings(of_a.settings, of_b.settings);
  const std::vector<SettingGroup> subjects = settings.subjects();
  bool is_by_head = true;
  if (!attempt.comparison) {
    options.anyway = true;  // do at least their heads correspond?
    is_by_head = try_to_compare(of_a, of_b, options).comparison.has_value();
  } else if (subjects.size() > 1) {
    attempt = {{}, several_subjects(subjects)};
  }
  PageComparison out;
  out.directory = {{"differs", differs_json(settings, wishes.ids)},
                   {"matching", is_by_head ? "heads" : "depth"},
                   {"several", subjects.size() > 1},
                   {"errors", "none"},
                   {"reason", ""},
                   {"changes", ordered_json::object()}};
  if (!attempt.comparison) {
    std::string reason = attempt.refusal;
    reason.resize(std::min(reason.find("; --anyway"), reason.size()));
    out.directory["reason"] = plain(reason, names);
    out.notes.push_back(fmt::format("{} and {} are shown side by side, without differences: {}.",
                                    a.name, b.name, plain(reason, names)));
    add_words(of_a, of_b, a, b, out.directory);
    return out;
  }
  const Comparison& comparison = *attempt.comparison;
  out.directory["errors"] = errors_name(comparison.pairing);
  out.directory["reason"] = plain(comparison.pairing_reason, names);
  add_words(of_a, of_b, a, b, out.directory);
  for (const std::string& warning : comparison.warnings) {
    out.notes.push_back(plain(warning, names) + ".");
  }
  add_lonely_heads(comparison.only_a, a.name, out.notes);
  add_lonely_heads(comparison.only_b, b.name, out.notes);
  if (subjects.size() == 1) out.subject = name_of(subjects.front());
  for (const MetricComparison& metric : comparison.metrics) {
    out.directory["changes"][metric.metric] = changes_text(metric, options);
  }
  out.table = table_of(comparison, wishes.heads);
  return out;
}

}  // namespace qk
