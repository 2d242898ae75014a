#include <fmt/format.h>

#include "cli/completion.h"

namespace qk {
namespace {

// __qkscope_at COMMAND: whether the words so far name this command and no other below it.
constexpr const char* kFishFunctions = R"fish(
function __qkscope_at
    set -l words (commandline -opc)
    set -l command
    for word in $words[2..]
        string match -q -- '-*' $word; and continue
        set -l longer (string trim -- "$command $word")
        contains -- $longer $__qkscope_commands; or break
        set command $longer
    end
    test "$command" = "$argv[1]"
end

complete -c qkscope -f
complete -c sniff-qk -w 'qkscope sniff'
)fish";

std::string fish_quoted(const std::string& text) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'' || c == '\\') out += '\\';
    out += c;
  }
  return out + "'";
}

std::string words_flag(const DeclaredOption& option) {
  if (option.choices.empty()) return "";
  return " -a " + fish_quoted(fmt::format("{}", fmt::join(option.choices, " ")));
}

// What may stand there: -x is a value that is no path, -r -F one that may be.
std::string value_flags(const DeclaredOption& option) {
  if (!option.takes_value()) return "";
  const std::string words = words_flag(option);
  if (option.paths == PathKind::kAny) return " -r -F" + words;
  if (option.paths == PathKind::kFolder) return " -x -a '(__fish_complete_directories)'" + words;
  return " -x" + words;
}

void add_fish_option(std::string& out, const std::string& at, const DeclaredOption& option) {
  const std::string help = " -d " + fish_quoted(option.help);
  for (const std::string& name : option.names) {
    const bool is_long = name.starts_with("--");
    out += fmt::format("{} {} {}{}{}\n", at, is_long ? "-l" : "-s", name.substr(is_long ? 2 : 1),
                       value_flags(option), help);
  }
  if (!option.is_positional) return;
  if (option.paths == PathKind::kAny) out += at + " -F\n";
  if (option.paths == PathKind::kFolder) out += at + " -a '(__fish_complete_directories)'\n";
  if (!option.choices.empty()) out += at + words_flag(option) + help + "\n";
}

}  // namespace

std::string fish_completion(const DeclaredCommand& program) {
  std::string known;
  std::string completions;
  for (const DeclaredCommand* command : all_commands(program)) {
    if (!command->key().empty()) known += " " + fish_quoted(command->key());
    const std::string at =
        "complete -c qkscope -n " + fish_quoted("__qkscope_at " + fish_quoted(command->key()));
    for (const DeclaredCommand& below : command->commands) {
      completions += fmt::format("{} -a {} -d {}\n", at, fish_quoted(below.path.back()),
                                 fish_quoted(below.about));
    }
    for (const DeclaredOption& option : command->options) {
      add_fish_option(completions, at, option);
    }
  }
  return "# Completion of qkscope for fish, printed by `qkscope completion fish`.\n"
         "set -g __qkscope_commands" +
         known + "\n" + kFishFunctions + completions;
}

}  // namespace qk
