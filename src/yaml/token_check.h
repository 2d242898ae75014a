// Tokens have no place in a configuration: it is shared, and what it says is recorded in results.
#pragma once

#include <string>
#include <string_view>

#include "yaml/yaml_reader.h"

namespace qk {

// Throws Error "place: ..." if the text holds what looks like a token of the Hugging Face Hub; it is
// not shown.
void refuse_token_text(std::string_view text, const std::string& place);
// The same for the text of a file, with the line: "name:line: ...".
void refuse_token_lines(std::string_view text, const std::string& name);

// Whether a key is one that tokens and passwords are written under.
bool is_token_key(std::string_view key);
// Whether the text holds such a key with ':' after it, maybe quoted: a mapping that has it, even if
// the rest is not YAML.
bool names_token_key(std::string_view text);
// Throws Error if a key or a text anywhere in the value is a token, or if the value of a
// is_token_key() is something other than nothing, true or false.
void refuse_token_values(const YamlValue& value);

}  // namespace qk
