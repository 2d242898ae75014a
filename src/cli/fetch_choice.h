// Which files of a repository `qkscope fetch` brings.
#pragma once

#include <string>
#include <vector>

#include "hub/repo.h"

namespace qk {

// Patterns as of Python's fnmatch: '*' is any text ('/' too), '?' one character, [abc], [a-z], [!abc].
struct FetchWishes {
  std::vector<std::string> heads{};  // of names of heads: "l0[0-3]h*"
  std::vector<std::string> files{};  // of paths
};

// Of these files, in their order. Without wishes a dataset is whole; of a model with safetensors
// weights in other formats are left out, as are the folders original/ and onnx/. With heads: all files
// of the heads, and the card, the table of documents and the original's state file beside them.
//   title  of the repository, for messages
// Throws Error if a pattern matches nothing, naming what there is.
std::vector<std::string> choose_files(RepoKind kind, const std::vector<std::string>& names,
                                      const FetchWishes& wishes, const std::string& title);

}  // namespace qk
