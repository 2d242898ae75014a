// The methods of an analysis: the fields `method`, `covariance` and `queries`.
#pragma once

#include <string_view>

#include "analysis/analysis_config.h"
#include "yaml/yaml_reader.h"

namespace qk {

// `method` is a name, names with commas between them, or a list of names; absent: bucket, with
// compat: reference linear. Throws Error: an unknown name, a name that occurs twice, an empty list.
// REQUIRES: compat has been read.
void read_methods(MappingReader& top, AnalysisConfig& out);

bool has_method(const MeasureOptions& options, std::string_view name);

// "bucket, counted", with what else decides the numbers: "linear (covariance full)".
std::string methods_text(const MeasureOptions& options);

}  // namespace qk
