// The fields of the configuration that docs/methods.md explains.
#pragma once

#include "plasticity/analysis_config.h"
#include "yaml/yaml_reader.h"

namespace qk {

// Reads min_queries, online_*, bootstrap, confidence, interval and ci_csv. Throws Error as
// load_analysis_config().
void read_method_options(MappingReader& top, AnalysisConfig& out);

}  // namespace qk
