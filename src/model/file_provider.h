// Files of a model's folder that come when they are asked for, from a repository of which the model
// knows nothing.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace qk {

struct FileProvider {
  std::vector<std::string> names;  // all that the folder can have, relative to it, sorted
  // Returns when the files are in the folder.
  std::function<void(const std::vector<std::string>&)> bring;
  // The bytes that bring() would have to fetch.
  std::function<int64_t(const std::vector<std::string>&)> missing_bytes;
  bool plan_only = false;  // weights are not brought: Model::unbrought
};

}  // namespace qk
