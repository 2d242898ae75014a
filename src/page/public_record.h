// What a page may say about the machine on which an analysis was made: nothing. Names of files stay,
// those of the folders above them go; documents become running numbers.
#pragma once

#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace qk {

// The record without folders, and unless `with_ids`, without names and ids of documents.
nlohmann::json public_record(const nlohmann::json& record, bool with_ids);

// The last name of a path; other text as it is. A slash or a backslash makes a path, and "~" at its
// begin.
std::string public_name(std::string_view text);

// A sentence that may name paths, at its begin up to ": " or as words.
std::string public_sentence(std::string_view text);

// The value of a setting (compare/settings.h), which may be JSON.
std::string public_setting(std::string_view name, const std::string& value, bool with_ids);

// The text with every occurrence of the first of a pair replaced by the second.
std::string replaced(std::string text,
                     std::span<const std::pair<std::string, std::string>> replacements);

}  // namespace qk
