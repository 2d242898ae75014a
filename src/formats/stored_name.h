// Names out of model files: of tensors and of metadata keys.
#pragma once

#include <string_view>

namespace qk {

// True if `text` is well-formed UTF-8 (no overlong forms, no surrogates).
bool is_utf8(std::string_view text);

// Throws Error "<place>: <what> '...': ..." if the name is not UTF-8 or holds a control character,
// NUL included. An empty name passes: only who binds names to a model can judge it.
void check_stored_name(std::string_view place, std::string_view what, std::string_view name);

}  // namespace qk
