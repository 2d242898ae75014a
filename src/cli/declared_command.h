// What the command line declares to CLI11, as data: shell completions and manual pages are made of
// it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace qk {

// Which paths an option or argument may be.
enum class PathKind : uint8_t { kNone, kFolder, kAny };

struct DeclaredOption {
  std::vector<std::string> names;  // "--output", "-o", long ones first; empty: only by its place
  bool is_positional = false;      // may be given by its place, without a name
  std::string help;
  std::string type;                  // of the value, as the help shows it; empty: a flag
  std::vector<std::string> choices;  // words that may stand there; not all, if there are paths too
  PathKind paths = PathKind::kNone;
  bool repeats = false;  // several values, or given several times
  std::string group;     // heading in the help

  bool takes_value() const { return !type.empty(); }
};

struct DeclaredCommand {
  std::vector<std::string> path;  // {"qkscope", "plot", "heatmap"}
  std::string about;              // one sentence
  std::vector<DeclaredOption> options;
  std::vector<DeclaredCommand> commands;
  std::string footer;  // examples and remarks, as --help shows them

  std::string name() const;  // "qkscope plot heatmap"
  std::string key() const;   // the same without the program: "plot heatmap"; of the program empty
};

// Of the type of a value as it is declared: "TYPE:{dataset,model}" and "auto|off|FILE" name choices
// (in small letters) and what else may stand there (in capitals).
void read_value_type(const std::string& declared, DeclaredOption& option);

// The command and all below it. What is hidden from the help is left out.
DeclaredCommand declared_command(const CLI::App& app);

// Itself, then everything below it, in the order of the help.
std::vector<const DeclaredCommand*> all_commands(const DeclaredCommand& command);

}  // namespace qk
