#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "cli/completion.h"

namespace qk {
namespace {

std::string with_backslashes(std::string_view text, std::string_view before) {
  std::string out;
  for (const char c : text) {
    if (before.find(c) != std::string_view::npos) out += '\\';
    out += c == '\n' ? ' ' : c;
  }
  return out;
}

// Inside of single quotes.
std::string zsh_quoted(const std::string& text) {
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? "'\\''" : std::string(1, c);
  return out + "'";
}

// "_qkscope__plot_heatmap"
std::string function_name(const DeclaredCommand& command) {
  std::string out = command.key().empty() ? "program" : command.key();
  std::replace(out.begin(), out.end(), '-', '_');
  std::replace(out.begin(), out.end(), ' ', '_');
  return "_qkscope__" + out;
}

// What may stand there, as _arguments takes it: ":message:action".
std::string zsh_action(const DeclaredOption& option) {
  const char* const paths = option.paths == PathKind::kFolder ? "_files -/"
                            : option.paths == PathKind::kAny  ? "_files"
                                                              : "";
  std::string action = paths;
  if (!option.choices.empty()) {
    std::string words = with_backslashes(fmt::format("{}", fmt::join(option.choices, " ")), ":\\");
    action = *paths == '\0' ? "(" + words + ")" : "{compadd -- " + words + "; " + paths + "}";
  }
  return ":" + with_backslashes(option.type, ":\\") + ":" + (action.empty() ? " " : action);
}

void add_option(std::string& out, const DeclaredOption& option) {
  const std::string help = "[" + with_backslashes(option.help, "[]\\") + "]";
  for (const std::string& name : option.names) {
    std::string spec =
        option.repeats ? "*" : "(" + fmt::format("{}", fmt::join(option.names, " ")) + ")";
    spec += name;
    if (!option.takes_value()) {
      spec += help;
    } else {
      spec += (name.starts_with("--") ? "=" : "+") + help + zsh_action(option);
    }
    out += " \\\n    " + zsh_quoted(spec);
  }
  if (option.is_positional) {
    out += " \\\n    " + zsh_quoted((option.repeats ? "*" : "") + zsh_action(option));
  }
}

void add_zsh_function(std::string& out, const DeclaredCommand& command) {
  const bool has_commands = !command.commands.empty();
  out += function_name(command) + "() {\n";
  if (has_commands) out += "  local context state state_descr line\n  typeset -A opt_args\n";
  out += "  _arguments -s -S";
  if (has_commands) out += " -C";
  for (const DeclaredOption& option : command.options) add_option(out, option);
  if (!has_commands) {
    out += "\n}\n\n";
    return;
  }
  out +=
      " \\\n    '1:command:->command' '*::argument:->argument'\n  case $state in\n    command)\n";
  out += "      local -a commands=(\n";
  for (const DeclaredCommand& below : command.commands) {
    out += "        " +
           zsh_quoted(with_backslashes(below.path.back(), ":\\") + ":" +
                      with_backslashes(below.about, ":\\")) +
           "\n";
  }
  out +=
      "      )\n      _describe command commands\n      ;;\n    argument)\n      case $line[1] in\n";
  for (const DeclaredCommand& below : command.commands) {
    out += fmt::format("        {}) {} ;;\n", below.path.back(), function_name(below));
  }
  out += "      esac\n      ;;\n  esac\n}\n\n";
}

}  // namespace

std::string zsh_completion(const DeclaredCommand& program) {
  std::string out =
      "#compdef qkscope sniff-qk\n# Completion of qkscope for zsh, printed by `qkscope completion zsh`.\n\n";
  for (const DeclaredCommand* command : all_commands(program)) add_zsh_function(out, *command);
  return out +
         "_qkscope() {\n"
         "  if [[ $service == sniff-qk ]]; then\n    _qkscope__sniff\n"
         "  else\n    _qkscope__program\n  fi\n}\n\n"
         "if [[ $funcstack[1] == _qkscope ]]; then\n  _qkscope \"$@\"\n"
         "else\n  compdef _qkscope qkscope sniff-qk\nfi\n";
}

}  // namespace qk
