// The fields of the configuration that docs/methods.md explains.
#pragma once

#include <string>
#include <string_view>

#include "analysis/analysis_config.h"
#include "yaml/yaml_reader.h"

namespace qk {

// Whether two names mean the same file, judging by the names alone: out/a.csv and
// ./out/../out/a.csv do.
bool is_same_path(const std::string& a, const std::string& b);

// A field that is given but has no effect: a warning, or Error if it was given with --set.
void note_no_effect(const MappingReader& top, std::string_view key, std::string_view why,
                    AnalysisConfig& out);

// Reads min_queries, online_*, error_bars, bootstrap, confidence and interval, and checks ci_csv.
// Throws Error as load_analysis_config(). REQUIRES: method and output files have been read.
void read_method_options(MappingReader& top, AnalysisConfig& out);

}  // namespace qk
