// The fields of the configuration that choose rows: vector, bucket_width and documents.
#pragma once

#include <string_view>

#include "analysis/analysis_config.h"
#include "yaml/yaml_reader.h"

namespace qk {

inline constexpr std::string_view kDocumentsKey = "documents";

// The words of the option --documents as a list of texts; @FILE stands for the lines of that file.
// Throws Error: the file cannot be read or has no line.
YamlValue documents_value(const ConfigSource::Override& option);

// Fills out.rows. Throws Error as load_analysis_config(). REQUIRES: compat has been read.
void read_row_options(MappingReader& top, AnalysisConfig& out);

}  // namespace qk
