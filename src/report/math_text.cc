#include "report/math_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <utility>

#include "base/error.h"
#include "report/math_words.h"

namespace qk {
namespace {

template <size_t N>
const std::string_view* find_in(const std::array<MathPair, N>& pairs, std::string_view key) {
  for (const auto& [name, value] : pairs) {
    if (name == key) return &value;
  }
  return nullptr;
}

template <size_t N>
bool is_one_of(const std::array<std::string_view, N>& words, std::string_view word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

// The bytes of the UTF-8 character at the start; the text is not empty.
size_t first_size(std::string_view text) {
  size_t size = 1;
  while (size < text.size() && (static_cast<unsigned char>(text[size]) & 0xC0) == 0x80) ++size;
  return size;
}

bool is_single(std::string_view text) { return !text.empty() && first_size(text) == text.size(); }

struct Unreadable {
  std::string reason;
};

// Reads one formula. Throws Unreadable.
class Parser {
 public:
  explicit Parser(std::string_view source) : rest_(source) {}

  std::string formula() {
    std::string out = list();
    if (!rest_.empty()) throw Unreadable{"a closing brace has no opening one"};
    return out;
  }

  std::vector<std::string> take_notes() { return std::move(notes_); }

 private:
  // Up to the end or a closing brace.
  std::string list() {
    if (++depth_ > kDeepest) throw Unreadable{"it is nested too deeply"};
    std::string out;
    bool is_bold = false;
    bool had_operand = false;  // before: an operator is spaced as one between two operands
    while (!rest_.empty() && rest_[0] != '}') {
      if (skip("\\bf") && !is_bold) {
        is_bold = true;
        out += kBold;
        continue;
      }
      if (rest_[0] == '^' || rest_[0] == '_') {
        scripts(out);
        continue;
      }
      const Piece piece = next();
      if (piece.text.empty()) continue;
      append(piece, had_operand, out);
    }
    if (is_bold) out += kBoldEnd;
    --depth_;
    return out;
  }

  struct Piece {
    std::string text;
    SymbolKind kind = SymbolKind::kOrdinary;
  };

  void append(const Piece& piece, bool& had_operand, std::string& out) const {
    const bool is_operator =
        piece.kind == SymbolKind::kBinary || piece.kind == SymbolKind::kRelation;
    const bool is_spaced = is_operator && had_operand && script_depth_ == 0;
    if (is_spaced) out += kThinSpace;
    out += piece.text;
    if (is_spaced || (piece.kind == SymbolKind::kPunctuation && !rest_.empty())) out += kThinSpace;
    had_operand = !is_operator && piece.kind != SymbolKind::kPunctuation && piece.text != "(" &&
                  piece.text != "[" && piece.text != "{";
  }

  // Removes the command from the front if it is there, with the blanks behind it.
  bool skip(std::string_view command) {
    if (!rest_.starts_with(command)) return false;
    if (rest_.size() > command.size() && is_letter(rest_[command.size()])) return false;
    rest_.remove_prefix(command.size());
    skip_blanks();
    return true;
  }

  void skip_blanks() { rest_.remove_prefix(std::min(rest_.find_first_not_of(' '), rest_.size())); }

  // All superscripts and subscripts of what stands in `out`; a superscript and a subscript are
  // drawn one above the other.
  void scripts(std::string& out) {
    bool has[2] = {false, false};
    if (out.empty() || out.ends_with(kScriptEnd)) out += kBase;
    while (!rest_.empty() && (rest_[0] == '^' || rest_[0] == '_')) {
      const bool is_super = rest_[0] == '^';
      if (has[is_super ? 1 : 0]) {
        throw Unreadable{is_super ? "it has a double superscript" : "it has a double subscript"};
      }
      has[is_super ? 1 : 0] = true;
      rest_.remove_prefix(1);
      ++script_depth_;
      const std::string content = argument();
      --script_depth_;
      out += is_super ? kSuperscript : kSubscript;
      out += content;
      out += kScriptEnd;
      skip_blanks();
    }
  }

  // A group in braces, or the next symbol.
  std::string argument() {
    skip_blanks();
    if (rest_.empty() || rest_[0] == '}' || rest_[0] == '^' || rest_[0] == '_') {
      throw Unreadable{"something is missing behind a command, ^ or _"};
    }
    return next().text;
  }

  std::string group() {
    rest_.remove_prefix(1);
    std::string out = list();
    if (rest_.empty()) throw Unreadable{"an opening brace has no closing one"};
    rest_.remove_prefix(1);
    return out;
  }

  Piece next() {
    switch (rest_[0]) {
      case '{':
        return {group()};
      case '\\':
        return command();
      default:
        return character();
    }
  }

  Piece character() {
    const std::string_view text = rest_.substr(0, first_size(rest_));
    rest_.remove_prefix(text.size());
    switch (text[0]) {
      case ' ':
        return {};
      case '~':
        return {std::string(kWordSpace)};
      case '-':
        return {"\u2212", SymbolKind::kBinary};
      case '*':
        return {"\u2217", SymbolKind::kBinary};
      case '\'':
        return {"\u2032"};
      case '+':
        return {"+", SymbolKind::kBinary};
      case '=':
      case '<':
      case '>':
      case ':':
        return {std::string(text), SymbolKind::kRelation};
      case ',':
      case ';':
        return {std::string(text),
                is_thousand() ? SymbolKind::kOrdinary : SymbolKind::kPunctuation};
      default:
        return {std::string(text)};
    }
  }

  // A comma before a digit is one within a number.
  bool is_thousand() const { return !rest_.empty() && rest_[0] >= '0' && rest_[0] <= '9'; }

  std::string_view name() {
    rest_.remove_prefix(1);
    if (rest_.empty()) throw Unreadable{"it ends with a backslash"};
    size_t size = 0;
    while (size < rest_.size() && is_letter(rest_[size])) ++size;
    if (size == 0) size = first_size(rest_);
    const std::string_view out = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return out;
  }

  Piece command() {
    const std::string_view word = name();
    if (const auto* space = find_in(kSpaces, word)) return {std::string(*space)};
    if (std::string_view("$%&#_{}").find(word) != std::string_view::npos)
      return {std::string(word)};
    if (word == "|") return {"\u2016"};
    if (word == "left" || word == "right" || word == "middle") return delimiter();
    if (is_one_of(kFunctions, word)) return function(word);
    if (is_one_of(kPlainFonts, word)) return {argument()};
    if (is_one_of(kPlainText, word)) return {plain_text()};
    if (is_one_of(kBoldFonts, word)) return {bold(argument())};
    if (word == "mathbb") return {letters(word, argument(), kDoubleStruck)};
    if (word == "mathcal" || word == "mathscr") return {letters(word, argument(), kScript)};
    if (is_one_of(kOtherFonts, word)) return {in_plain_letters(word, argument())};
    if (word == "frac" || word == "dfrac" || word == "tfrac") return {fraction()};
    if (word == "sqrt") return {root()};
    if (const auto* accent = find_in(kAccents, word)) return {accented(word, *accent)};
    if (const auto symbol = math_symbol(word)) return {std::string(symbol->text), symbol->kind};
    throw Unreadable{fmt::format("\\{} is not known", word)};
  }

  Piece delimiter() {
    skip_blanks();
    if (rest_.empty()) throw Unreadable{"a delimiter is missing"};
    if (rest_[0] != '.') return {next().text};
    rest_.remove_prefix(1);
    return {};
  }

  Piece function(std::string_view word) {
    skip_blanks();
    const bool is_spaced =
        !rest_.empty() && std::string_view("^_({[)]},").find(rest_[0]) == std::string_view::npos;
    return {std::string(word) + std::string(is_spaced ? kThinSpace : "")};
  }

  static std::string bold(const std::string& text) {
    return std::string(kBold) + text + std::string(kBoldEnd);
  }

  // The text in the braces as it stands.
  std::string plain_text() {
    skip_blanks();
    const size_t end = rest_.find('}');
    if (!rest_.starts_with('{') || end == std::string_view::npos) {
      throw Unreadable{"\\text has no braces behind it"};
    }
    std::string out;
    for (const char c : rest_.substr(1, end - 1)) {
      if (c == ' ') {
        out += kWordSpace;
      } else if (c != '\\') {
        out += c;
      }
    }
    rest_.remove_prefix(end + 1);
    return out;
  }

  std::string in_plain_letters(std::string_view word, const std::string& text) {
    notes_.push_back(fmt::format("the built-in font has no \\{}: drawn in plain letters", word));
    return text;
  }

  template <size_t N>
  std::string letters(std::string_view word, const std::string& text,
                      const std::array<MathPair, N>& table) {
    std::string out;
    for (std::string_view rest = text; !rest.empty();) {
      const std::string_view letter = rest.substr(0, first_size(rest));
      const auto* found = find_in(table, letter);
      if (found == nullptr && std::isalnum(static_cast<unsigned char>(letter[0])) != 0)
        return in_plain_letters(word, text);
      out += found != nullptr ? *found : letter;
      rest.remove_prefix(letter.size());
    }
    return out;
  }

  static std::string in_parentheses(const std::string& text) {
    return is_single(text) || text.find_first_not_of("0123456789.") == std::string::npos
               ? text
               : "(" + text + ")";
  }

  std::string fraction() {
    const std::string above = argument();
    const std::string below = argument();
    notes_.emplace_back("\\frac is drawn on one line");
    return in_parentheses(above) + "/" + in_parentheses(below);
  }

  std::string root() {
    std::string degree;
    skip_blanks();
    if (rest_.starts_with('[')) {
      const size_t end = rest_.find(']');
      if (end == std::string_view::npos) throw Unreadable{"\\sqrt[ is not closed"};
      degree = rest_.substr(1, end - 1);
      rest_.remove_prefix(end + 1);
    }
    std::string sign = "\u221A";
    if (degree == "3") {
      sign = "\u221B";
    } else if (degree == "4") {
      sign = "\u221C";
    } else if (!degree.empty() && degree != "2") {
      sign = std::string(kSuperscript) + degree + std::string(kScriptEnd) + sign;
    }
    return sign + in_parentheses(argument());
  }

  std::string accented(std::string_view word, std::string_view accent) {
    const std::string base = argument();
    const bool is_line = word == "overline" || word == "underline";
    if (!is_line && !is_single(base)) {
      throw Unreadable{fmt::format("\\{} over more than one character is not known", word)};
    }
    std::string out;
    for (std::string_view rest = base; !rest.empty();) {
      const size_t size = first_size(rest);
      out += rest.substr(0, size);
      out += accent;
      rest.remove_prefix(size);
    }
    return out;
  }

  static constexpr int kDeepest = 20;
  std::string_view rest_;
  int depth_ = 0;
  int script_depth_ = 0;
  std::vector<std::string> notes_;
};

// "\$" as "$".
std::string without_escapes(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 1 < text.size() && text[i + 1] == '$') ++i;
    out += text[i];
  }
  return out;
}

// The place of the next dollar sign without a backslash before it, or the end.
size_t next_dollar(std::string_view text) {
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 1 < text.size() && text[i + 1] == '$') {
      ++i;
    } else if (text[i] == '$') {
      return i;
    }
  }
  return text.size();
}

size_t count_dollars(std::string_view text) {
  size_t count = 0;
  for (size_t at = next_dollar(text); at < text.size(); at = next_dollar(text)) {
    ++count;
    text.remove_prefix(at + 1);
  }
  return count;
}

void append_formula(std::string_view source, MathText& out) {
  Parser parser(source);
  try {
    out.text += parser.formula();
    for (std::string& note : parser.take_notes()) out.notes.push_back(std::move(note));
  } catch (const Unreadable& unreadable) {
    out.text += fmt::format("${}$", source);
    out.notes.push_back(
        fmt::format("${}$ is drawn as written: {}", printable(source), unreadable.reason));
  }
}

}  // namespace

MathText read_math(std::string_view text) {
  const size_t count = count_dollars(text);
  if (count == 0 || count % 2 == 1) return {without_escapes(text), {}};
  MathText out;
  while (true) {
    const size_t begin = next_dollar(text);
    out.text += without_escapes(text.substr(0, begin));
    if (begin == text.size()) return out;
    text.remove_prefix(begin + 1);
    const size_t end = next_dollar(text);
    append_formula(text.substr(0, end), out);
    text.remove_prefix(end + 1);
  }
}

}  // namespace qk
