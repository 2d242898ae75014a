#include "analysis/method_list.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "analysis/method_config.h"
#include "plasticity/plasticity_method.h"

namespace qk {
namespace {

// The parts between commas, without blanks around them.
std::vector<std::string> split_names(const std::string& text) {
  constexpr std::string_view kBlanks = " \t";
  std::vector<std::string> out;
  size_t begin = 0;
  while (begin <= text.size()) {
    const size_t comma = std::min(text.find(',', begin), text.size());
    std::string_view part = std::string_view(text).substr(begin, comma - begin);
    const size_t first = part.find_first_not_of(kBlanks);
    part = first == std::string_view::npos ? std::string_view() : part.substr(first);
    out.emplace_back(part.substr(0, part.find_last_not_of(kBlanks) + 1));
    begin = comma + 1;
  }
  return out;
}

// Nothing if the field is absent or null.
std::vector<std::string> names_given(MappingReader& top) {
  const YamlValue* value = top.any("method");
  if (value == nullptr || value->kind != YamlValue::Kind::kList) {
    const auto text = top.text_or_null("method");
    return text ? split_names(*text) : std::vector<std::string>();
  }
  std::vector<std::string> out;
  for (const YamlValue& item : value->items) {
    if (item.kind != YamlValue::Kind::kText) top.refuse("method", "a method or a list of methods");
    out.push_back(item.text);
  }
  if (out.empty()) top.refuse("method", "at least one method");
  return out;
}

void read_method_names(MappingReader& top, MeasureOptions& out) {
  std::vector<std::string_view> known;
  for (const PlasticityMethod& method : plasticity_methods()) known.push_back(method.name);
  const std::vector<std::string> given = names_given(top);
  if (given.empty()) {
    if (out.compat_reference) out.methods = {"linear"};
    return;
  }
  out.methods.clear();
  for (const std::string& name : given) {
    if (name.empty()) top.refuse_with("method", "has an empty name between its commas");
    const std::string_view method = known[top.choice("method", name, known)];
    if (has_method(out, method)) {
      top.refuse_with("method", fmt::format("names {} twice", method));
    }
    out.methods.emplace_back(method);
  }
}

}  // namespace

bool has_method(const MeasureOptions& options, std::string_view name) {
  return std::find(options.methods.begin(), options.methods.end(), name) != options.methods.end();
}

void read_methods(MappingReader& top, AnalysisConfig& out) {
  MeasureOptions& measure = out.measure;
  read_method_names(top, measure);
  if (const auto word = top.text_or_null("covariance")) {
    constexpr std::array<std::string_view, 2> kCovariances = {"diagonal", "full"};
    measure.covariance = static_cast<Covariance>(top.choice("covariance", *word, kCovariances));
    if (!has_method(measure, "linear")) {
      note_no_effect(top, "covariance",
                     fmt::format("only the method linear has a choice, and the method is {}",
                                 fmt::join(measure.methods, ", ")),
                     out);
    }
  }
  if (const auto word = top.text_or_null("queries")) {
    constexpr std::array<std::string_view, 2> kQueries = {"all", "same_document"};
    measure.counted_queries = static_cast<CountedQueries>(top.choice("queries", *word, kQueries));
    if (!has_method(measure, "counted")) {
      note_no_effect(top, "queries",
                     fmt::format("it is a choice of the method counted, and the method is {}",
                                 fmt::join(measure.methods, ", ")),
                     out);
    }
  }
}

std::string methods_text(const MeasureOptions& options) {
  std::vector<std::string> out;
  for (const std::string& name : options.methods) {
    std::string text = name;
    if (name == "linear" && options.covariance == Covariance::kFull) text += " (covariance full)";
    if (name == "counted" && options.counted_queries == CountedQueries::kSameDocument) {
      text += " (queries of the same document)";
    }
    out.push_back(std::move(text));
  }
  return fmt::format("{}", fmt::join(out, ", "));
}

}  // namespace qk
