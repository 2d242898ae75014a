// Commands of mathtext that are no symbols, without the backslash.
#pragma once

#include <array>
#include <string_view>
#include <utility>

#include "report/math_text.h"

namespace qk {

using MathPair = std::pair<std::string_view, std::string_view>;

// Combining characters for accents, drawn over the character before them.
inline constexpr std::array<MathPair, 20> kAccents = {
    {{"hat", "\u0302"},     {"widehat", "\u0302"},   {"bar", "\u0304"},
     {"widebar", "\u0304"}, {"overline", "\u0305"},  {"underline", "\u0332"},
     {"tilde", "\u0303"},   {"widetilde", "\u0303"}, {"dot", "\u0307"},
     {"ddot", "\u0308"},    {"acute", "\u0301"},     {"grave", "\u0300"},
     {"breve", "\u0306"},   {"check", "\u030C"},     {"mathring", "\u030A"},
     {"vec", "\u20D7"},     {"\"", "\u0308"},        {"`", "\u0300"},
     {"'", "\u0301"},       {"^", "\u0302"}}};
inline constexpr std::array<MathPair, 15> kSpaces = {{{",", kThinSpace},
                                                      {"thinspace", kThinSpace},
                                                      {"/", kThinSpace},
                                                      {">", kThinSpace},
                                                      {":", kThinSpace},
                                                      {";", kWordSpace},
                                                      {" ", kWordSpace},
                                                      {"enspace", kWordSpace},
                                                      {"quad", kWideSpace},
                                                      {"qquad", "\uFDD6\uFDD6"},
                                                      {"!", ""},
                                                      {"displaystyle", ""},
                                                      {"rm", ""},
                                                      {"it", ""},
                                                      {"sf", ""}}};
inline constexpr std::array<std::string_view, 32> kFunctions = {
    "csc",    "Pr",  "log", "dim", "gcd", "sinh",   "limsup", "cot", "sin", "min",   "arcsin",
    "deg",    "hom", "cos", "tan", "arg", "liminf", "ln",     "lg",  "exp", "cosh",  "sec",
    "arctan", "lim", "det", "sup", "ker", "coth",   "tanh",   "inf", "max", "arccos"};
// Upright and italic letters look the same here: the font has one style.
inline constexpr std::array<std::string_view, 7> kPlainFonts = {
    "mathrm", "mathit", "mathsf", "mathdefault", "mathregular", "mathnormal", "operatorname"};
inline constexpr std::array<std::string_view, 4> kBoldFonts = {"mathbf", "boldsymbol", "mathbfit",
                                                               "bm"};
inline constexpr std::array<std::string_view, 4> kPlainText = {"text", "textrm", "textit", "mbox"};
inline constexpr std::array<std::string_view, 4> kOtherFonts = {"mathcal", "mathscr", "mathfrak",
                                                                "mathtt"};
inline constexpr std::array<MathPair, 26> kDoubleStruck = {
    {{"A", "𝔸"}, {"B", "𝔹"}, {"C", "ℂ"}, {"D", "𝔻"}, {"E", "𝔼"}, {"F", "𝔽"}, {"G", "𝔾"},
     {"H", "ℍ"}, {"I", "𝕀"}, {"J", "𝕁"}, {"K", "𝕂"}, {"L", "𝕃"}, {"M", "𝕄"}, {"N", "ℕ"},
     {"O", "𝕆"}, {"P", "ℙ"}, {"Q", "ℚ"}, {"R", "ℝ"}, {"S", "𝕊"}, {"T", "𝕋"}, {"U", "𝕌"},
     {"V", "𝕍"}, {"W", "𝕎"}, {"X", "𝕏"}, {"Y", "𝕐"}, {"Z", "ℤ"}}};
inline constexpr std::array<MathPair, 8> kScript = {{{"B", "ℬ"},
                                                     {"E", "ℰ"},
                                                     {"F", "ℱ"},
                                                     {"H", "ℋ"},
                                                     {"I", "ℐ"},
                                                     {"L", "ℒ"},
                                                     {"M", "ℳ"},
                                                     {"R", "ℛ"}}};

}  // namespace qk
