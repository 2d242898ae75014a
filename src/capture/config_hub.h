// The keys of `output` that say where the dataset is published.
#pragma once

#include "capture/config.h"
#include "yaml/yaml_reader.h"

namespace qk {

// Throws Error: a name that is none, or a key that needs hf_repo_id without it.
void read_hub_keys(MappingReader& section, OutputSection& out);

}  // namespace qk
