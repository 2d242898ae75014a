#include "cli/dotenv.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdio>
#include <cstdlib>
#include <fstream>

#include "base/path_text.h"

namespace qk {
namespace {

constexpr std::uintmax_t kMostBytes = 1 << 20;

// The text without a byte order mark, its line ends as LF.
std::string with_plain_lines(std::string_view text) {
  constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  std::string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    const bool is_pair = text[i] == '\r' && i + 1 < text.size() && text[i + 1] == '\n';
    if (!is_pair) out += text[i] == '\r' ? '\n' : text[i];
  }
  return out;
}

// The bytes of the white space at the begin of the text, as Python's str.isspace() has it; 0: none.
size_t space_bytes(std::string_view text) {
  if (text.empty()) return 0;
  const auto first = static_cast<unsigned char>(text[0]);
  if (first == ' ' || (first >= 0x09 && first <= 0x0d) || (first >= 0x1c && first <= 0x1f))
    return 1;
  constexpr std::array<std::string_view, 8> kWide = {"\xC2\x85",     "\xC2\xA0",     "\xE1\x9A\x80",
                                                     "\xE2\x80\xA8", "\xE2\x80\xA9", "\xE2\x80\xAF",
                                                     "\xE2\x81\x9F", "\xE3\x80\x80"};
  for (const std::string_view space : kWide) {
    if (text.starts_with(space)) return space.size();
  }
  const bool is_quad = text.size() >= 3 && text.starts_with("\xE2\x80") &&
                       static_cast<unsigned char>(text[2]) >= 0x80 &&
                       static_cast<unsigned char>(text[2]) <= 0x8a;  // U+2000 to U+200A
  return is_quad ? 3 : 0;
}

// Reads one file, statement by statement.
class DotenvParser {
 public:
  explicit DotenvParser(std::string_view text) : text_(text) {}

  DotenvText parse() {
    DotenvText out;
    while (at_ < text_.size()) {
      const size_t begin = at_;
      DotenvEntry entry;
      if (!read_statement(entry)) {
        out.bad_lines.push_back(line_of(begin));
        at_ = std::min(text_.find('\n', at_), text_.size() - 1) + 1;
      } else if (!entry.name.empty()) {
        out.entries.push_back(std::move(entry));
      }
    }
    return out;
  }

 private:
  std::string_view rest() const { return text_.substr(at_); }
  char next() const { return at_ < text_.size() ? text_[at_] : '\0'; }

  void skip_space(bool lines) {
    while (at_ < text_.size() && (lines || next() != '\n')) {
      const size_t count = space_bytes(rest());
      if (count == 0) return;
      at_ += count;
    }
  }

  // The line of the first character of the statement that begins at or after `begin`.
  int64_t line_of(size_t begin) const {
    while (begin < text_.size() && space_bytes(text_.substr(begin)) > 0) {
      begin += space_bytes(text_.substr(begin));
    }
    return 1 + std::count(text_.begin(), text_.begin() + static_cast<std::ptrdiff_t>(begin), '\n');
  }

  // False: it is no statement. The name stays empty at a comment and at the end.
  bool read_statement(DotenvEntry& entry) {
    skip_space(true);
    if (at_ == text_.size()) return true;
    skip_export();
    if (next() != '#' && !read_name(entry.name)) return false;
    skip_space(false);
    if (next() == '=') {
      ++at_;
      skip_space(false);
      entry.value.emplace();
      if (!read_value(*entry.value)) return false;
    }
    skip_comment();
    skip_space(false);
    if (at_ == text_.size()) return true;
    if (next() != '\n') return false;
    ++at_;
    return true;
  }

  void skip_export() {
    constexpr std::string_view kExport = "export";
    if (!rest().starts_with(kExport)) return;
    const std::string_view after = rest().substr(kExport.size());
    if (after.empty() || after[0] == '\n' || space_bytes(after) == 0) return;
    at_ += kExport.size();
    skip_space(false);
  }

  bool read_name(std::string& name) {
    if (next() == '\'') {
      const size_t end = text_.find('\'', at_ + 1);
      if (end == std::string_view::npos || end == at_ + 1) return false;
      name = text_.substr(at_ + 1, end - at_ - 1);
      at_ = end + 1;
      return true;
    }
    const size_t begin = at_;
    while (at_ < text_.size() && next() != '=' && next() != '#' && space_bytes(rest()) == 0) ++at_;
    name = text_.substr(begin, at_ - begin);
    return !name.empty();
  }

  bool read_value(std::string& value) {
    if (next() == '\'' || next() == '"') return read_quoted(value, next());
    const size_t end = std::min(text_.find('\n', at_), text_.size());
    value = plain_value(text_.substr(at_, end - at_));
    at_ = end;
    return true;
  }

  // Up to a '#' after white space; white space at the end does not count.
  static std::string plain_value(std::string_view line) {
    size_t end = 0;  // of what counts so far
    for (size_t i = 0; i < line.size();) {
      const size_t count = space_bytes(line.substr(i));
      if (count == 0) {
        const bool is_comment = line[i] == '#' && i > end;
        if (is_comment) break;
        end = ++i;
      } else {
        i += count;
      }
    }
    return std::string(line.substr(0, end));
  }

  // A quote after '\' does not end the value, unless none follows that does.
  bool read_quoted(std::string& value, char quote) {
    const size_t begin = at_ + 1;
    size_t end = std::string_view::npos;
    for (size_t i = begin; i < text_.size(); ++i) {
      if (text_[i] == quote) {
        end = i;
        break;
      }
      const bool is_escaped = text_[i] == '\\' && i + 1 < text_.size() && text_[i + 1] == quote;
      if (is_escaped) end = ++i;
    }
    if (end == std::string_view::npos) return false;
    value = unescape(text_.substr(begin, end - begin), quote);
    at_ = end + 1;
    return true;
  }

  static std::string unescape(std::string_view text, char quote) {
    constexpr std::string_view kNames = "\\'\"abfnrtv";
    constexpr std::string_view kMeanings = "\\'\"\a\b\f\n\r\t\v";
    const std::string_view names = quote == '\'' ? kNames.substr(0, 2) : kNames;
    std::string out;
    for (size_t i = 0; i < text.size(); ++i) {
      const size_t which =
          text[i] == '\\' && i + 1 < text.size() ? names.find(text[i + 1]) : names.npos;
      out += which == names.npos ? text[i] : kMeanings[which];
      if (which != names.npos) ++i;
    }
    return out;
  }

  void skip_comment() {
    const size_t before = at_;
    skip_space(false);
    if (next() == '#') {
      at_ = std::min(text_.find('\n', at_), text_.size());
    } else {
      at_ = before;
    }
  }

  std::string_view text_;
  size_t at_ = 0;
};

// ${NAME} or ${NAME:-otherwise} at the begin of a text.
struct Reference {
  std::string name, otherwise;
  size_t size = 0;
};
std::optional<Reference> reference_at(std::string_view text) {
  if (!text.starts_with("${")) return std::nullopt;
  const size_t name_end = text.find_first_of("}:", 2);
  if (name_end == std::string_view::npos) return std::nullopt;
  Reference found{std::string(text.substr(2, name_end - 2)), "", name_end + 1};
  if (text[name_end] == '}') return found;
  const size_t end = text.find('}', name_end);
  if (!text.substr(name_end).starts_with(":-") || end == std::string_view::npos)
    return std::nullopt;
  found.otherwise = text.substr(name_end + 2, end - name_end - 2);
  found.size = end + 1;
  return found;
}

using DotenvValues = std::map<std::string, std::optional<std::string>>;

std::string value_of(const Reference& reference, const DotenvValues& earlier) {
  if (const char* value = std::getenv(reference.name.c_str())) return value;
  const auto entry = earlier.find(reference.name);
  return entry == earlier.end() ? reference.otherwise : entry->second.value_or("");
}

std::string expanded(std::string_view value, const DotenvValues& earlier) {
  std::string out;
  for (size_t i = 0; i < value.size();) {
    const auto reference = reference_at(value.substr(i));
    if (reference) {
      out += value_of(*reference, earlier);
      i += reference->size;
    } else {
      out += value[i++];
    }
  }
  return out;
}

bool has_zero(const std::string& text) { return text.find('\0') != std::string::npos; }

bool is_disabled() {
  const char* value = std::getenv("PYTHON_DOTENV_DISABLED");
  if (value == nullptr) return false;
  std::string text = value;
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  constexpr std::array<std::string_view, 5> kTrue = {"1", "true", "t", "yes", "y"};
  return std::find(kTrue.begin(), kTrue.end(), text) != kTrue.end();
}

// Of this user, of root, or of anyone if this is root.
bool is_trusted(const std::filesystem::path& path) {
  struct stat status{};
  if (::stat(path.c_str(), &status) != 0) return false;
  return status.st_uid == ::geteuid() || status.st_uid == 0 || ::geteuid() == 0;
}

// Whether the value of this variable is a library that is loaded, so that code would run of whoever
// wrote the file.
bool names_code(std::string_view name) {
  constexpr std::array<std::string_view, 4> kLibraries = {
      "QKSCOPE_MPI_LIB", "QKSCOPE_MPI_SHIM", "QKSCOPE_TORCH_DIR", "QKSCOPE_TORCH_PLUGIN"};
  return name.starts_with("LD_") || std::ranges::find(kLibraries, name) != kLibraries.end();
}

void set_variable(const std::filesystem::path& path, const std::string& name,
                  const std::string& value) {
  if (!names_code(name)) {
    ::setenv(name.c_str(), value.c_str(), 0);
  } else if (std::getenv(name.c_str()) == nullptr) {
    fmt::print(stderr,
               "qkscope: warning: {}: {} names code to load, which a .env may not; set it in the "
               "environment\n",
               path_text(path), name);
  }
}

}  // namespace

DotenvText parse_dotenv(std::string_view text) {
  const std::string plain = with_plain_lines(text);
  return DotenvParser(plain).parse();
}

std::map<std::string, std::optional<std::string>> dotenv_values(
    const std::vector<DotenvEntry>& entries) {
  DotenvValues values;
  for (const DotenvEntry& entry : entries) {
    std::optional<std::string> value;
    if (entry.value) value = expanded(*entry.value, values);
    values[entry.name] = std::move(value);
  }
  return values;
}

std::optional<std::filesystem::path> find_dotenv(const std::filesystem::path& folder) {
  for (std::filesystem::path here = folder;; here = here.parent_path()) {
    std::filesystem::path path = here / ".env";
    std::error_code ignored;
    const bool is_file = std::filesystem::is_regular_file(path, ignored);
    if (is_file && (here == folder || is_trusted(path))) return path;
    if (here == here.parent_path()) return std::nullopt;
  }
}

void read_dotenv(const std::filesystem::path& path) {
  std::error_code error;
  if (is_disabled() || !std::filesystem::is_regular_file(path, error)) return;
  if (std::filesystem::file_size(path, error) > kMostBytes || error) return;
  std::ifstream file(path, std::ios::binary);
  const std::string bytes(std::istreambuf_iterator<char>(file), {});
  const DotenvText text = parse_dotenv(bytes);
  for (const int64_t line : text.bad_lines) {
    fmt::print(stderr, "qkscope: {}:{}: expected NAME=value; the line is not used\n",
               path_text(path), line);
  }
  for (const auto& [name, value] : dotenv_values(text.entries)) {
    if (value && !has_zero(name) && !has_zero(*value)) set_variable(path, name, *value);
  }
}

}  // namespace qk
