// Tokens that tokenizer_config.json adds to those of tokenizer.json. Internal to tokenizer/.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>

namespace qk {

// The text of a tokenizer.json with the tokens of added_tokens_decoder (beside it, in
// tokenizer_config.json) that it lacks at the end of its added_tokens, in the order of their ids:
// as transformers appends them. Empty if it lacks none.
//   has_token  whether the tokenizer as it stands has this content at this id: no need to look
// Throws Error if the file has not the form that transformers writes.
std::string with_appended_tokens(
    const std::filesystem::path& folder, std::string_view tokenizer_json,
    const std::function<bool(int64_t id, const std::string& content)>& has_token);

}  // namespace qk
