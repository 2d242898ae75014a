// Formulas in the texts of figures: what matplotlib's mathtext reads between dollar signs.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace qk {

// Marks in a text that is drawn: noncharacters of Unicode, in UTF-8. rust/figures_c/src/markup.rs
// reads them.
inline constexpr std::string_view kSuperscript = "\uFDD0";
inline constexpr std::string_view kSubscript = "\uFDD1";
inline constexpr std::string_view kScriptEnd = "\uFDD2";
inline constexpr std::string_view kBold = "\uFDD3";
inline constexpr std::string_view kBoldEnd = "\uFDD4";
inline constexpr std::string_view kThinSpace = "\uFDD5";
inline constexpr std::string_view kWideSpace = "\uFDD6";
inline constexpr std::string_view kWordSpace = "\uFDD7";  // no place for a line break
inline constexpr std::string_view kBase = "\uFDD8";       // nothing, with scripts of its own

struct MathText {
  std::string text;                // with marks
  std::vector<std::string> notes;  // what is not drawn as a formula, and why
};

// As matplotlib decides it: an even number of dollar signs without a backslash before them encloses
// formulas; with an odd number there are none. "\$" is a dollar sign. A formula that cannot be read
// stays as it is written, with a note. REQUIRES: valid UTF-8 without noncharacters.
MathText read_math(std::string_view text);

enum class SymbolKind : uint8_t { kOrdinary, kBinary, kRelation, kPunctuation };

struct MathSymbol {
  std::string_view text;  // one character
  SymbolKind kind = SymbolKind::kOrdinary;
};

// By the name that TeX has for it, without the backslash: alpha, leq, rightarrow.
std::optional<MathSymbol> math_symbol(std::string_view name);

}  // namespace qk
