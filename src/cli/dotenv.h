// The file .env, as python-dotenv reads it for the original tool: docs/hub.md, "Environment".
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace qk {

// One statement of the file: NAME=value, or NAME alone.
struct DotenvEntry {
  std::string name;
  std::optional<std::string> value;  // as written: quotes and escapes resolved, ${...} not yet
};

struct DotenvText {
  std::vector<DotenvEntry> entries;
  std::vector<int64_t> bad_lines;  // where a statement begins that cannot be read; from 1
};

// Statements are separated by line breaks; "export " before a name, blanks around '=', comments, and
// values in '...' (escapes \\ and \') or "..." (those of C as well), which may go over several
// lines. A byte order mark is skipped; CR LF and CR count as LF.
DotenvText parse_dotenv(std::string_view text);

// What the file sets, by name: of a name that occurs twice the last value, ${NAME} and
// ${NAME:-otherwise} replaced by the variable of the environment, else by the value of an earlier
// entry, else by `otherwise` or nothing. A NAME alone has no value.
std::map<std::string, std::optional<std::string>> dotenv_values(
    const std::vector<DotenvEntry>& entries);

// The file .env in the folder, or in the nearest folder above it that has one. Above it only files
// of this user or of root count: a stranger's may lead the token elsewhere. Nothing: there is none.
std::optional<std::filesystem::path> find_dotenv(const std::filesystem::path& folder);

// Sets the variables of the file that are not set; a variable that is set and empty is left so.
// A line that cannot be read is named on stderr, never its text, and so is a variable that names a
// library to load: whoever wrote the file would run code. Nothing happens if there is no file,
// or if it is larger than 1 MiB, or if PYTHON_DOTENV_DISABLED is true.
void read_dotenv(const std::filesystem::path& path);

}  // namespace qk
