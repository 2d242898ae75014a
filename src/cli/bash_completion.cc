#include <fmt/format.h>

#include "cli/completion.h"

namespace qk {
namespace {

// Readline splits words at = and :, so they are put together again; a reply begins where the last
// piece does.
constexpr const char* kBashFunctions = R"bash(
_qkscope_words() {
  local i word
  words=()
  for ((i = 0; i <= COMP_CWORD; ++i)); do
    word=${COMP_WORDS[i]}
    if [[ ${#words[@]} -gt 0 && ( $word == [=:]* || ${words[-1]} == *[=:] ) ]]; then
      words[-1]+=$word
    else
      words+=("$word")
    fi
  done
}

_qkscope_unquote() {  # takes quotes and backslashes from what is in the variable $1
  local rest=${!1} out=
  while [[ $rest =~ ^([^\"\'\\]*)(\\(.)|[\"\'\\])(.*)$ ]]; do
    out+=${BASH_REMATCH[1]}${BASH_REMATCH[3]}
    rest=${BASH_REMATCH[4]}
  done
  printf -v "$1" %s "$out$rest"
}

_qkscope_reply() {  # what may stand there: words, <path>, <folder>
  local one piece=${COMP_WORDS[COMP_CWORD]} prefix candidates=()
  [[ $piece != [=:]* ]] || piece=
  prefix=${cur%"$piece"}
  prefix=${prefix#"${cur%"$value"}"}
  _qkscope_unquote value
  _qkscope_unquote prefix
  for one in $1; do
    case $one in
      '<path>') mapfile -t -O ${#candidates[@]} candidates < <(compgen -f -- "$value") ;;
      '<folder>') mapfile -t -O ${#candidates[@]} candidates < <(compgen -d -- "$value") ;;
      *) [[ $one != "$value"* ]] || candidates+=("$one") ;;
    esac
  done
  [[ $1 != *'<'* ]] || compopt -o filenames 2>/dev/null
  for one in "${candidates[@]}"; do COMPREPLY+=("${one#"$prefix"}"); done
}

_qkscope() {
  local words=() cur value word option="" command=$1 place=0 i
  COMPREPLY=()
  _qkscope_words
  cur=${words[-1]}
  for ((i = 1; i < ${#words[@]} - 1; ++i)); do
    word=${words[i]}
    if [[ -n $option ]]; then
      option=
    elif [[ $word == -*=* ]]; then
      :
    elif [[ $word == -* ]]; then
      [[ -z ${_qkscope_values["$command $word"]+set} ]] || option=$word
    elif [[ " ${_qkscope_commands["$command"]-} " == *" $word "* ]]; then
      command+=" $word"
    else
      ((++place))
    fi
  done
  value=$cur
  if [[ -n $option ]]; then
    _qkscope_reply "${_qkscope_values["$command $option"]}"
  elif [[ $cur == --*=* ]]; then
    value=${cur#*=}
    _qkscope_reply "${_qkscope_values["$command ${cur%%=*}"]-}"
  elif [[ $cur == -* ]]; then
    _qkscope_reply "${_qkscope_options["$command"]-}"
  elif [[ -n ${_qkscope_commands["$command"]-} ]]; then
    _qkscope_reply "${_qkscope_commands["$command"]}"
  else
    _qkscope_reply "${_qkscope_places["$command $place"]-${_qkscope_places["$command *"]-}}"
  fi
}

_qkscope_of_program() { _qkscope qkscope; }
_qkscope_of_sniff() { _qkscope 'qkscope sniff'; }
complete -F _qkscope_of_program qkscope
complete -F _qkscope_of_sniff sniff-qk
)bash";

// A word in single quotes.
std::string bash_quoted(const std::string& text) {
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? "'\\''" : std::string(1, c);
  return out + "'";
}

std::string possible_words(const DeclaredOption& option) {
  std::string out = fmt::format("{}", fmt::join(option.choices, " "));
  const char* const paths = option.paths == PathKind::kFolder ? "<folder>"
                            : option.paths == PathKind::kAny  ? "<path>"
                                                              : "";
  return out + (out.empty() || *paths == '\0' ? "" : " ") + paths;
}

void add_entry(std::string& out, const std::string& key, const std::string& words) {
  out += fmt::format("  [{}]={}\n", bash_quoted(key), bash_quoted(words));
}

std::string names_of(const std::vector<DeclaredCommand>& commands) {
  std::string out;
  for (const DeclaredCommand& command : commands) {
    out += (out.empty() ? "" : " ") + command.path.back();
  }
  return out;
}

struct BashTables {
  std::string commands, options, values, places;
};

void add_command(BashTables& tables, const DeclaredCommand& command) {
  if (!command.commands.empty()) {
    add_entry(tables.commands, command.name(), names_of(command.commands));
  }
  std::string names;
  int place = 0;
  for (const DeclaredOption& option : command.options) {
    for (const std::string& name : option.names) {
      names += (names.empty() ? "" : " ") + name;
      if (option.takes_value()) {
        add_entry(tables.values, command.name() + " " + name, possible_words(option));
      }
    }
    if (!option.is_positional) continue;
    const std::string where = option.repeats ? "*" : std::to_string(place++);
    add_entry(tables.places, command.name() + " " + where, possible_words(option));
  }
  add_entry(tables.options, command.name(), names);
}

}  // namespace

std::string bash_completion(const DeclaredCommand& program) {
  BashTables tables;
  for (const DeclaredCommand* command : all_commands(program)) add_command(tables, *command);
  return "# Completion of qkscope for bash, printed by `qkscope completion bash`.\n"
         "# shellcheck shell=bash\n"
         "declare -gA _qkscope_commands=(\n" +
         tables.commands + ")\ndeclare -gA _qkscope_options=(\n" + tables.options +
         ")\ndeclare -gA _qkscope_values=(\n" + tables.values +
         ")\ndeclare -gA _qkscope_places=(\n" + tables.places + ")\n" + kBashFunctions;
}

}  // namespace qk
