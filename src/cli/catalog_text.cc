#include "cli/catalog_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/number_text.h"

namespace qk {

std::string catalog_text(const HeadCatalog& catalog) {
  std::string out = fmt::format(
      "Dataset   {}{}: {} of {} heads "
      "({}, {}, {}{})",
      catalog.origin ? printable(catalog.origin->repo) + "@" + printable(catalog.origin->revision)
                     : catalog.folder.string(),
      catalog.model.empty() ? "" : " of " + printable(catalog.model), count_text(catalog.num_heads),
      count_text(catalog.num_layers * catalog.num_q_heads), plural(catalog.num_layers, "layer"),
      plural(catalog.num_q_heads, "query head"), plural(catalog.num_k_heads, "key head"),
      catalog.is_counted ? ", by the folders" : "");
  if (catalog.without_keys.empty()) return out + "\n";
  std::vector<std::string> names;
  names.reserve(catalog.without_keys.size());
  for (const ConfigName& head : catalog.without_keys) {
    names.push_back(config_name(head.layer, head.head, head.kind));
  }
  constexpr size_t kMostNamed = 8;
  out += fmt::format(
      "; skipped {} without keys ({}{})", plural(std::ssize(names), "head"),
      fmt::join(names.begin(), names.begin() + std::min(names.size(), kMostNamed), ", "),
      names.size() > kMostNamed ? ", ..." : "");
  return out + "\n";
}

}  // namespace qk
