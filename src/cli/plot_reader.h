// Reads the options of a figure by type: null means absent.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cli/plot_options.h"
#include "report/analysis_tables.h"
#include "report/figure_positions.h"
#include "report/head_filter.h"
#include "yaml/yaml_reader.h"

namespace qk {

// All getters throw Error "place: key: expected ..., found ...".
class PlotReader {
 public:
  PlotReader(const std::string& config, const PlotFlagValues& flags);

  bool has(const char* key) { return given(key) != nullptr; }
  std::string text(const char* key, std::string otherwise);  // any scalar, as written
  std::vector<std::string> words(const char* key);           // a list, or a text with commas
  bool boolean(const char* key) { return has(key) && *reader_.boolean(key); }
  std::optional<double> number(const char* key);  // finite
  std::optional<double> positive(const char* key);
  std::optional<double> not_negative(const char* key);
  std::optional<double> part(const char* key);  // 0 to 1
  std::optional<int64_t> positive_integer(const char* key);
  // The index of the value in `words`; nothing if the option is not given.
  std::optional<size_t> choice(const char* key, std::span<const std::string_view> words);
  std::optional<std::filesystem::path> path(const char* key);

  // The CSV file, which must be given, and the output.
  PlotFiles files(const char* csv_key, const char* default_name);
  // Tables of the analysis: by options such as detail_csv, else by the record beside `csv`. None
  // with compat: reference. Refuses tables, `csv` too, that are not as their record counts them.
  AnalysisTables tables(const std::filesystem::path& csv);
  // layers, heads, window. The windows come from `tables`.
  HeadFilter filter(const AnalysisTables& tables);
  // Where the buckets of `csv` lie: by `bounds` of its own or of other tables of the analysis, else by
  // its record, else by the options, else not at all. Refuses options that contradict them.
  BucketScale scale(const std::filesystem::path& csv,
                    const std::map<int64_t, BucketBounds>& bounds);
  bool is_reference();

  [[noreturn]] void refuse(const char* key, std::string_view sentence) {
    reader_.refuse_with(key, sentence);
  }
  void warn(std::string sentence) { warnings_.push_back(std::move(sentence)); }
  // To be called after all options have been read.
  std::vector<std::string> warnings();

 private:
  const YamlValue* given(const char* key);
  std::vector<IndexRange> ranges(const char* key);
  std::optional<BucketScale> known_scale(const std::filesystem::path& csv,
                                         const std::map<int64_t, BucketBounds>& bounds);

  std::string config_;
  YamlValue tree_;
  MappingReader reader_;
  std::vector<std::string> warnings_;
};

}  // namespace qk
