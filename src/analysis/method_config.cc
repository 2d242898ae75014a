#include "analysis/method_config.h"

#include <fmt/format.h>

#include <array>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "analysis/method_list.h"
#include "base/error.h"
#include "yaml/overrides.h"

namespace qk {
namespace {

constexpr int64_t kMostReplicates = 100'000;
constexpr int64_t kDefaultReplicates = 1000;
constexpr int64_t kMostTimes = 1'000'000;

using Words = std::array<std::string_view, 2>;

// Which of two words the field holds; the first if it is absent.
bool is_second(MappingReader& top, std::string_view key, const Words& words) {
  const std::optional<std::string> word = top.text_or_null(key);
  return word && top.choice(key, *word, words) == 1;
}

// A number with 0 < number, and number < limit or number <= limit.
std::optional<double> fraction(MappingReader& top, std::string_view key, double limit,
                               bool with_limit, std::string_view expected) {
  const std::optional<double> value = top.number(key);
  if (!value) return {};
  const bool fits = *value > 0 && (with_limit ? *value <= limit : *value < limit);
  if (!fits) top.refuse(key, expected);
  return value;
}

void read_online(MappingReader& top, MethodOptions& out) {
  out.online_alpha = fraction(top, "online_alpha", 1, true, "a number above 0, at most 1");
  out.online_half_life =
      fraction(top, "online_half_life", 1e15, true, "a number of steps above 0, at most 1e15");
  if (out.online_alpha && out.online_half_life) {
    top.refuse_with("online_half_life",
                    "sets the same quantity as online_alpha; give only one of them");
  }
  if (is_second(top, "online_clock", {"position", "observation"})) {
    out.online_clock = OnlineClock::kObservation;
  }
  if (is_second(top, "online_start", {"first", "zero"})) out.online_start = ForgettingStart::kZero;
  out.online_times = top.integer("online_times", 1, kMostTimes).value_or(out.online_times);
  out.online_reach = fraction(top, "online_reach", 1, true, "a number above 0, at most 1")
                         .value_or(out.online_reach);
  if (is_second(top, "online_reach_unit", {"keys", "tokens"})) {
    out.online_reach_unit = ReachUnit::kTokens;
  }
}

// Options of other methods.
void note_unused(MappingReader& top, AnalysisConfig& out) {
  const std::string methods = fmt::format("{}", fmt::join(out.measure.methods, ", "));
  const bool is_online = has_method(out.measure, "online");
  const auto unused = [&](const char* key, const std::string& why) {
    if (top.any(key) != nullptr) note_no_effect(top, key, why, out);
  };
  if (!is_online && !has_method(out.measure, "bucket")) {
    unused("min_queries", fmt::format("the method is {}, not bucket or online", methods));
  }
  if (!is_online) {
    for (const char* key : {"online_alpha", "online_half_life", "online_clock", "online_start",
                            "online_times", "online_reach", "online_reach_unit"}) {
      unused(key, fmt::format("the method is {}, not online", methods));
    }
  }
}

// Options of error bars that are not wanted, or of another kind.
void note_unused_bars(MappingReader& top, AnalysisConfig& out) {
  const auto unused = [&](const char* key, const char* why) {
    if (top.any(key) != nullptr) note_no_effect(top, key, why, out);
  };
  switch (out.measure.error_bars.kind) {
    case ErrorBars::kNone:
      if (top.any("error_bars") != nullptr) unused("bootstrap", "error_bars is none");
      for (const char* key : {"confidence", "interval", "ci_csv"}) {
        unused(key, "there are no error bars; error_bars or bootstrap asks for them");
      }
      break;
    case ErrorBars::kJackknife:
      unused("bootstrap", "error_bars is jackknife");
      if (out.measure.error_bars.interval != IntervalKind::kT) {
        unused("interval", "the jackknife has t intervals only");
      }
      break;
    case ErrorBars::kBootstrap:
      break;
  }
}

int64_t read_replicates(MappingReader& top) {
  const auto replicates = top.integer("bootstrap", 0, kMostReplicates);
  if (replicates == 1) top.refuse("bootstrap", "0 (no error bars) or at least 2 replicates");
  return replicates.value_or(0);
}

// `bootstrap` alone asks for the bootstrap.
void read_error_bars(MappingReader& top, AnalysisConfig& out) {
  ErrorBarOptions& bars = out.measure.error_bars;
  bars.replicates = read_replicates(top);
  bars.kind = bars.replicates > 0 ? ErrorBars::kBootstrap : ErrorBars::kNone;
  if (const auto word = top.text_or_null("error_bars")) {
    constexpr std::array<std::string_view, 3> kKinds = {"none", "jackknife", "bootstrap"};
    bars.kind = static_cast<ErrorBars>(top.choice("error_bars", *word, kKinds));
  }
  if (bars.kind == ErrorBars::kBootstrap && bars.replicates == 0) {
    if (top.any("bootstrap") != nullptr) {
      top.refuse("bootstrap", "at least 2 replicates, since error_bars is bootstrap");
    }
    bars.replicates = kDefaultReplicates;
  }
  bars.confidence =
      fraction(top, "confidence", 1, false, "a number above 0, below 1").value_or(bars.confidence);
  if (const auto word = top.text_or_null("interval")) {
    constexpr std::array<std::string_view, 3> kIntervals = {"t", "percentile", "bias-corrected"};
    bars.interval = static_cast<IntervalKind>(top.choice("interval", *word, kIntervals));
  }
  note_unused_bars(top, out);
}

}  // namespace

void note_no_effect(const MappingReader& top, std::string_view key, std::string_view why,
                    AnalysisConfig& out) {
  std::string sentence = top.sentence(key, fmt::format("has no effect: {}", why));
  if (sentence.starts_with(kOverrideOption)) throw Error(sentence);
  out.warnings.push_back(std::move(sentence));
}

bool is_same_path(const std::string& a, const std::string& b) {
  namespace fs = std::filesystem;
  return fs::absolute(a).lexically_normal() == fs::absolute(b).lexically_normal();
}

void read_method_options(MappingReader& top, AnalysisConfig& out) {
  constexpr int64_t kMostRows = int64_t{1} << 40;
  out.measure.method_options.min_queries =
      top.integer("min_queries", 2, kMostRows).value_or(out.measure.method_options.min_queries);
  read_online(top, out.measure.method_options);
  note_unused(top, out);
  read_error_bars(top, out);
}

}  // namespace qk
