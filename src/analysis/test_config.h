// Configurations of an analysis from fields, for tests only.
#pragma once

#include <string>
#include <vector>

#include "analysis/analysis_config.h"
#include "base/error.h"

namespace qk {

inline AnalysisConfig config_of(const std::vector<std::string>& sets) {
  ConfigSource source;
  for (const std::string& set : sets) source.overrides.push_back({"--set", "", set});
  return load_analysis_config(source);
}

// What load_analysis_config() says of the fields, or "no error".
inline std::string error_of(const std::vector<std::string>& sets) {
  try {
    config_of(sets);
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

}  // namespace qk
