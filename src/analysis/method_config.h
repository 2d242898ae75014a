// The fields of the configuration that docs/methods.md explains.
#pragma once

#include <string>

#include "analysis/analysis_config.h"
#include "yaml/yaml_reader.h"

namespace qk {

// Whether two names mean the same file, judging by the names alone: out/a.csv and
// ./out/../out/a.csv do.
bool is_same_path(const std::string& a, const std::string& b);

// Reads min_queries, online_*, bootstrap, confidence, interval and ci_csv. Throws Error as
// load_analysis_config().
void read_method_options(MappingReader& top, AnalysisConfig& out);

}  // namespace qk
