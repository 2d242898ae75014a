// The Hub's JSON answers as structs. The text may be anything: every function throws Error, one
// clause that says what is wrong with it ("'sha': expected 40 hex digits, found 12").
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "hub/hub_api.h"

namespace qk {

// JSON as Python reads it, at most 100 deep. Text that is not JSON is quoted by its first bytes.
nlohmann::json parse_answer(std::string_view text);

RepoInfo parse_repo_info(const nlohmann::json& answer);
// All pages of a tree together: files only, sorted. A file that is listed twice is an error.
std::vector<RemoteFile> parse_tree(const nlohmann::json& pages);
RepoRefs parse_refs(const nlohmann::json& answer);
WhoAmI parse_who_am_i(const nlohmann::json& answer);

// Why a path of a repository cannot be used as one below a folder ("it leads out of the
// repository"); empty: it can.
std::string path_fault(std::string_view path);

// What an error's body says: {"error": text or list}, {"errors": [{"message": text}]}, or text that
// is neither JSON nor HTML. One line, of any length; empty if it says nothing.
std::string words_of_error(std::string_view body);

}  // namespace qk
