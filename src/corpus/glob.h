// Patterns over paths of files, with the meaning that `datasets` gives them (fsspec's glob):
//   *      any run of characters inside one component     ?      one character
//   [abc]  one of them, [a-z] a range, [!abc] none        **     as a whole component: any number
//   of components (zero too); as the last one: everything below
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace qk {

// Whether the text contains one of * ? [.
bool has_wildcards(std::string_view pattern);

class Glob {
 public:
  // Empty components and "." are dropped. Throws Error: "**" beside other characters in a
  // component.
  explicit Glob(std::string_view pattern);
  // Path: components separated by '/', as text in UTF-8.
  bool matches(std::string_view path) const;

 private:
  std::vector<std::u32string> components_;
};

// The components of a path, without empty ones and ".".
std::vector<std::string> path_components(std::string_view path);

}  // namespace qk
