#include "cli/declared_command.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <cctype>
#include <sstream>
#include <string_view>
#include <utility>

namespace qk {
namespace {

// Words for values that are paths. An argument without a name whose word is not among them may be a
// path, too, unless it is the name of something on the Hub.
constexpr std::array<std::pair<std::string_view, PathKind>, 5> kPathWords = {{
    {"FILE", PathKind::kAny},
    {"DIR", PathKind::kFolder},
    {"DATASET", PathKind::kFolder},
    {"MODEL", PathKind::kAny},
    {"CORPUS", PathKind::kAny},
}};
constexpr std::array<std::string_view, 1> kHubWords = {"REPO"};

std::vector<std::string> split(const std::string& text, char separator) {
  std::vector<std::string> out;
  std::istringstream stream(text);
  for (std::string part; std::getline(stream, part, separator);) out.push_back(part);
  return out;
}

PathKind path_kind(std::string_view word) {
  for (const auto& [known, kind] : kPathWords) {
    if (word.substr(0, word.find(' ')) == known) return kind;
  }
  return PathKind::kNone;
}

std::vector<std::string> path_of(const CLI::App& app) {
  std::vector<std::string> out;
  if (app.get_parent() != nullptr) out = path_of(*app.get_parent());
  out.push_back(app.get_name());
  return out;
}

DeclaredOption declared_option(const CLI::Option& option) {
  DeclaredOption out;
  for (const std::string& name : option.get_lnames()) out.names.push_back("--" + name);
  for (const std::string& name : option.get_snames()) out.names.push_back("-" + name);
  out.is_positional = option.get_positional();
  out.help = option.get_description();
  out.group = option.get_group();
  const int most = option.get_items_expected_max();
  if (most > 0) read_value_type(option.get_type_name(), out);
  out.repeats = most > 1;
  if (out.is_positional && out.paths == PathKind::kNone && out.choices.empty() &&
      std::find(kHubWords.begin(), kHubWords.end(), out.type) == kHubWords.end()) {
    out.paths = PathKind::kAny;
  }
  return out;
}

}  // namespace

std::string DeclaredCommand::name() const { return fmt::format("{}", fmt::join(path, " ")); }

std::string DeclaredCommand::key() const {
  return fmt::format("{}", fmt::join(path.begin() + 1, path.end(), " "));
}

void read_value_type(const std::string& declared, DeclaredOption& option) {
  const size_t brace = declared.find(":{");
  if (brace != std::string::npos && declared.ends_with('}')) {
    option.choices = split(declared.substr(brace + 2, declared.size() - brace - 3), ',');
    option.type = fmt::format("{}", fmt::join(option.choices, "|"));
    return;
  }
  option.type = declared.empty() ? "VALUE" : declared;
  for (const std::string& word : split(declared, '|')) {
    const PathKind kind = path_kind(word);
    if (kind != PathKind::kNone) option.paths = std::max(option.paths, kind);
    const bool has_capitals = std::any_of(word.begin(), word.end(), [](unsigned char c) {
      return std::isupper(c) != 0 || std::isspace(c) != 0;
    });
    if (!has_capitals && !word.empty()) option.choices.push_back(word);
  }
}

DeclaredCommand declared_command(const CLI::App& app) {
  DeclaredCommand out;
  out.path = path_of(app);
  out.about = app.get_description();
  out.footer = app.get_footer();
  for (const CLI::Option* option : app.get_options()) {
    if (!option->get_group().empty()) out.options.push_back(declared_option(*option));
  }
  for (const CLI::App* command : app.get_subcommands(nullptr)) {
    if (!command->get_group().empty()) out.commands.push_back(declared_command(*command));
  }
  return out;
}

std::vector<const DeclaredCommand*> all_commands(const DeclaredCommand& command) {
  std::vector<const DeclaredCommand*> out = {&command};
  for (const DeclaredCommand& below : command.commands) {
    const std::vector<const DeclaredCommand*> more = all_commands(below);
    out.insert(out.end(), more.begin(), more.end());
  }
  return out;
}

}  // namespace qk
