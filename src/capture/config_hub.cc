#include "capture/config_hub.h"

#include <fmt/format.h>

#include "base/error.h"
#include "hub/repo.h"

namespace qk {
namespace {

// Null and the empty text are none, as in the original.
std::optional<std::string> name_or_none(MappingReader& section, std::string_view key) {
  std::optional<std::string> out = section.text_or_null(key);
  if (out && out->empty()) out.reset();
  return out;
}

}  // namespace

void read_hub_keys(MappingReader& section, OutputSection& out) {
  out.hf_repo_id = name_or_none(section, "hf_repo_id");
  out.hf_branch = name_or_none(section, "hf_branch");
  out.hf_replace = section.boolean("hf_replace");
  out.is_private = section.boolean("private").value_or(false);
  constexpr const char* kNoRepo = "has no effect: there is no hf_repo_id";
  if (!out.hf_repo_id && out.hf_branch) section.refuse_with("hf_branch", kNoRepo);
  if (!out.hf_repo_id && out.hf_replace) section.refuse_with("hf_replace", kNoRepo);
  if (out.hf_repo_id && !is_repo_id(*out.hf_repo_id)) {
    section.refuse_with("hf_repo_id",
                        fmt::format("expected the name of a repository like org/name (letters, "
                                    "digits, '-', '_' and '.'), found \"{}\"",
                                    printable(*out.hf_repo_id)));
  }
  const std::string fault = out.hf_branch ? branch_name_fault(*out.hf_branch) : "";
  if (fault.empty()) return;
  section.refuse_with("hf_branch", fmt::format("\"{}\" cannot be the name of a branch: {}",
                                               printable(*out.hf_branch), fault));
}

}  // namespace qk
