// Tokens that the files beside a tokenizer.json add to it. Internal to tokenizer/.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace qk {

// The text of a tokenizer.json with what transformers 5 adds to its added_tokens when it loads the
// folder, in its order:
//   1. added_tokens_decoder of tokenizer_config.json, by id; a token that is there already gets
//      these flags. Without that key: added_tokens.json
//   2. bos_token, eos_token, unk_token, sep_token, pad_token, cls_token, mask_token and any other
//      *_token of tokenizer_config.json, then extra_special_tokens (or additional_special_tokens),
//      those that are not added tokens yet. Without added_tokens_decoder, special_tokens_map.json
//      replaces them
// Empty if nothing is added. Throws Error if a file has not the form that transformers writes, or
// if split_special_tokens is on.
std::string with_appended_tokens(const std::filesystem::path& folder,
                                 std::string_view tokenizer_json);

}  // namespace qk
