#include "cli/plot_reader.h"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <utility>

#include "base/atomic_file.h"
#include "base/error.h"
#include "base/home_path.h"
#include "base/nearest.h"
#include "report/analysis_record.h"
#include "report/detail_tables.h"

namespace qk {
namespace {

using ValueKind = YamlValue::Kind;

YamlValue read_file_options(const std::string& config) {
  YamlValue tree;
  if (!config.empty()) tree = parse_yaml(read_file(expand_home(config), size_t{1} << 20), config);
  if (tree.kind == ValueKind::kNull) tree.kind = ValueKind::kMapping;
  if (tree.kind != ValueKind::kMapping) {
    fail("{}: expected a mapping of options, found {}", config, tree.describe());
  }
  return tree;
}

YamlValue flag_value(const PlotFlag& flag, const std::string& text) {
  YamlValue value;
  value.kind = ValueKind::kText;
  value.text = text;
  if (flag.kind != PlotFlagKind::kText) value = resolve_scalar(text);
  value.place = fmt::format("--{} {}", flag.name, printable(text));
  return value;
}

// The file's options, replaced or extended by those of the command line.
YamlValue all_options(const std::string& config, const PlotFlagValues& flags) {
  YamlValue tree = read_file_options(config);
  for (const auto& [flag, text] : flags) {
    YamlValue value = flag_value(*flag, text);
    if (YamlValue* old = tree.find(flag->name)) {
      *old = std::move(value);
    } else {
      tree.entries.push_back({flag->name, value.place, std::move(value)});
    }
  }
  return tree;
}

// "a", "a or b", "a, b or c", with what may have been meant.
std::string expected_words(std::span<const std::string_view> words, const std::string& found) {
  const auto near = nearest(found, words);
  return one_of(words) + (near ? fmt::format(" (did you mean {}?)", *near) : "");
}

}  // namespace

PlotReader::PlotReader(const std::string& config, const PlotFlagValues& flags)
    : config_(config), tree_(all_options(config, flags)), reader_(tree_, "") {}

const YamlValue* PlotReader::given(const char* key) {
  const YamlValue* value = reader_.any(key);
  return value == nullptr || value->kind == ValueKind::kNull ? nullptr : value;
}

std::string PlotReader::text(const char* key, std::string otherwise) {
  const YamlValue* value = given(key);
  if (value == nullptr) return otherwise;
  if (value->kind == ValueKind::kList || value->kind == ValueKind::kMapping)
    reader_.refuse(key, "text");
  return value->text;
}

std::vector<std::string> PlotReader::words(const char* key) {
  const YamlValue* value = given(key);
  if (value == nullptr) return {};
  std::vector<std::string> out;
  if (value->kind == ValueKind::kList) {
    for (const YamlValue& item : value->items) out.push_back(item.text);
    return out;
  }
  std::string rest = text(key, "");
  for (size_t end = 0; end != std::string::npos;) {
    end = rest.find(',');
    std::string word = rest.substr(0, end);
    const size_t begin = std::min(word.find_first_not_of(' '), word.size());
    out.push_back(word.substr(begin, word.find_last_not_of(' ') + 1 - begin));
    if (end != std::string::npos) rest.erase(0, end + 1);
  }
  return out;
}

std::optional<double> PlotReader::number(const char* key) {
  if (given(key) == nullptr) return {};
  const double value = *reader_.number(key);
  constexpr double kLargest = 1e100;
  if (!(std::abs(value) <= kLargest)) reader_.refuse(key, "a finite number");
  return value;
}

std::optional<double> PlotReader::positive(const char* key) {
  const auto value = number(key);
  if (value && *value <= 0) reader_.refuse(key, "a number above 0");
  return value;
}

std::optional<double> PlotReader::not_negative(const char* key) {
  const auto value = number(key);
  if (value && *value < 0) reader_.refuse(key, "a number of at least 0");
  return value;
}

std::optional<double> PlotReader::part(const char* key) {
  const auto value = number(key);
  if (value && (*value < 0 || *value > 1)) reader_.refuse(key, "a number from 0 to 1");
  return value;
}

std::optional<int64_t> PlotReader::positive_integer(const char* key) {
  if (given(key) == nullptr) return {};
  return reader_.integer(key, 1, int64_t{1} << 30);
}

std::optional<size_t> PlotReader::choice(const char* key, std::span<const std::string_view> words) {
  const YamlValue* value = given(key);
  if (value == nullptr) return {};
  for (size_t i = 0; i < words.size(); ++i) {
    if (value->kind == ValueKind::kText && value->text == words[i]) return i;
  }
  reader_.refuse(key, expected_words(words, value->text));
}

std::optional<std::filesystem::path> PlotReader::path(const char* key) {
  const std::string name = text(key, "");
  if (name.empty()) return {};
  return expand_home(name);
}

PlotFiles PlotReader::files(const char* csv_key, const char* default_name) {
  PlotFiles out;
  out.csv = path(csv_key).value_or("");
  if (out.csv.empty()) {
    fail("{} is required: the CSV file to draw, as --{} FILE or as a key of the --config file",
         csv_key, csv_key);
  }
  out.output = path("output").value_or(out.csv.parent_path() / default_name);
  figure_format(out.output);
  return out;
}

bool PlotReader::is_reference() {
  constexpr std::array<std::string_view, 2> kWords = {"none", "reference"};
  return choice("compat", kWords) == 1;
}

AnalysisTables PlotReader::tables(const std::filesystem::path& csv) {
  refuse_cut_table(csv);
  if (is_reference()) return {};
  AnalysisTables out = find_analysis_tables(csv);
  const std::array<std::pair<const char*, std::filesystem::path*>, 5> options = {
      {{"detail_csv", &out.details},
       {"position_csv", &out.positions},
       {"trend_csv", &out.trends},
       {"curve_csv", &out.curves},
       {"diagnostic_csv", &out.diagnostics}}};
  for (const auto& [key, table] : options) {
    *table = path(key).value_or(*table);
    if (!table->empty()) refuse_cut_table(*table);
  }
  return out;
}

std::vector<IndexRange> PlotReader::ranges(const char* key) {
  std::string all;
  for (const std::string& word : words(key)) all += (all.empty() ? "" : ",") + word;
  if (all.empty()) return {};
  const auto out = parse_ranges(all);
  if (!out) reader_.refuse(key, "numbers and ranges such as 0-5,7");
  return *out;
}

HeadFilter PlotReader::filter(const AnalysisTables& tables) {
  HeadFilter out;
  out.layers = ranges("layers");
  out.heads = ranges("heads");
  out.window = text("window", "all");
  if (out.window == "all") return out;
  const auto tokens = parse_ranges(out.window);
  const bool is_number = tokens && tokens->size() == 1 && tokens->front().first > 0 &&
                         tokens->front().first == tokens->front().last;
  if (out.window != "none" && !is_number) {
    reader_.refuse("window", "all, none or a number of tokens");
  }
  if (is_number) out.window = std::to_string(tokens->front().first);
  if (tables.diagnostics.empty()) {
    refuse("window",
           "the windows of the heads are not known: they are in head_diagnostics.csv, which the "
           "record beside the table does not name, nor diagnostic_csv");
  }
  out.windows = read_windows(tables.diagnostics);
  return out;
}

std::optional<BucketScale> PlotReader::known_scale(const std::filesystem::path& csv,
                                                   const std::map<int64_t, BucketBounds>& bounds) {
  if (is_reference()) return {};
  const std::vector<BucketScale> records = recorded_buckets(csv);
  if (!bounds.empty()) {
    const BucketScale own = scale_of_bounds(bounds);
    // Few buckets may fit a uniform and a logarithmic scale.
    const bool is_log = records.size() == 1 && records[0].type == BucketType::kLog;
    return is_log && are_log_bounds(bounds) ? records[0] : own;
  }
  if (records.size() == 1) return records[0];
  if (records.size() > 1 && !has("bucket_min_size") && !has("bucket_type")) {
    warn(
        "records of analyses beside the table contradict each other about its buckets, so the "
        "figure shows bucket numbers; bucket_type and bucket_min_size give positions");
  }
  return {};
}

BucketScale PlotReader::scale(const std::filesystem::path& csv,
                              const std::map<int64_t, BucketBounds>& bounds) {
  constexpr std::array<std::string_view, 2> kTypes = {"uniform", "log"};
  const auto type = choice("bucket_type", kTypes);
  const auto size = positive("bucket_min_size");
  const auto known = known_scale(csv, bounds);
  const bool is_reference_scale = is_reference();
  BucketScale out;
  if (known) {
    out = *known;
    const bool is_log = out.type == BucketType::kLog;
    const auto wanted = type == 1 ? BucketType::kLog : BucketType::kUniform;
    if (type && wanted != out.type) {
      refuse("bucket_type",
             fmt::format("expected what the analysis says of its buckets, {}, found {}",
                         scale_text(out), kTypes[*type]));
    }
    if (size && !is_log && *size != out.min_size) {
      refuse("bucket_min_size",
             fmt::format("expected what the analysis says of its buckets, {}, found {:g}",
                         scale_text(out), *size));
    }
  } else {
    out.multiply_log = is_reference_scale;
    out.type = type == 1 ? BucketType::kLog : BucketType::kUniform;
    out.min_size = size.value_or(1);
    const bool is_known = size || is_reference_scale;
    if (out.type == BucketType::kUniform && !is_known) out.type = BucketType::kNumber;
  }
  if (out.type == BucketType::kLog && size && *size != 1 && !out.multiply_log) {
    warn(
        "bucket_min_size has no effect on log buckets, whose numbers are already exponents "
        "(compat: reference multiplies by it, as the original does)");
  }
  return out;
}

std::vector<std::string> PlotReader::warnings() {
  std::vector<std::string> out = reader_.unknown_keys();
  out.insert(out.end(), warnings_.begin(), warnings_.end());
  return out;
}

}  // namespace qk
