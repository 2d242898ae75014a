#include "cli/command_line.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <span>
#include <string>
#include <vector>

#include "base/build_info.h"
#include "base/error.h"
#include "base/nearest.h"
#include "cli/analyze_command.h"
#include "cli/check_command.h"
#include "cli/dotenv.h"
#include "cli/inspect_command.h"
#include "cli/licenses.h"
#include "cli/plot_command.h"
#include "cli/sniff_command.h"
#include "cli/stop_signal.h"
#include "cli/verify_command.h"
#include "dataset/arrow_version.h"
#include "kernels/simd_name.h"

namespace qk {
namespace {

constexpr const char* kAbout =
    "Measures how the attention heads of a language model use position and meaning: captures\n"
    "query and key vectors over real documents, measures every head, and draws figures.";

constexpr const char* kExamples = R"(
Examples:
  qkscope sniff --config run.yaml --dry-run     show what would be captured: heads, rows, bytes, memory
  qkscope sniff --config run.yaml               capture it
  qkscope inspect data/run                      show what a dataset holds and whether it is whole
  qkscope check data/run                        check every row, digest and count
  qkscope verify --model M --reference R.safetensors
                                                compare a model's computation with transformers'
  qkscope analyze --dataset data/run            measure every head; writes three CSV files
  qkscope plot heatmap --bucket_csv FILE        draw a figure of the measurements

`qkscope COMMAND --help` explains a command. Exit codes: 0 success; 1 user error or failed check
(stderr or the report says which); 2 a bug in Qkscope; 75 a run stopped by a signal: resume it.)";

std::string version_text() {
  const std::string commit = build_commit();
  return fmt::format("qkscope {}{}\nArrow {}, tokenizers {}, SIMD {}", version(),
                     commit.empty() ? "" : " (" + commit + ")", arrow_version(),
                     tokenizers_version(), simd_name());
}

// Ends the parsing as --version does.
void print_licenses() { throw CLI::CallForVersion(third_party_notices(), 0); }

// The arguments after the program's name, in reverse order, as CLI11 expects them.
std::vector<std::string> arguments(int argc, char** argv) {
  std::vector<std::string> out;
  for (int i = argc - 1; i > 0; --i) out.emplace_back(argv[i]);
  const std::string program = argc > 0 ? argv[0] : "";
  if (program.substr(program.find_last_of('/') + 1) == "sniff-qk") out.emplace_back("sniff");
  return out;
}

// Names an unknown command and the nearest known one, which CLI11's own message does not.
// `reversed` is read from its end; a command may have subcommands.
void check_command(const CLI::App& app, std::span<const std::string> reversed) {
  if (reversed.empty() || reversed.back().starts_with('-')) return;
  std::vector<std::string> names;
  for (const CLI::App* command : app.get_subcommands(nullptr)) names.push_back(command->get_name());
  if (names.empty()) return;
  const std::string& word = reversed.back();
  if (std::find(names.begin(), names.end(), word) != names.end()) {
    return check_command(*app.get_subcommand(word), reversed.first(reversed.size() - 1));
  }
  const std::vector<std::string_view> views(names.begin(), names.end());
  fail("{}: unknown command{} (see --help)", printable(word), did_you_mean(word, views));
}

// ", did you mean --seed?" for the first unknown option that resembles a known one; else empty.
std::string suggestion(const CLI::App& app) {
  const CLI::App* command = &app;
  while (!command->get_subcommands().empty()) command = command->get_subcommands().front();
  std::vector<std::string> names;
  for (const CLI::Option* option : command->get_options()) {
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  }
  const std::vector<std::string_view> views(names.begin(), names.end());
  for (const std::string& word : app.remaining(true)) {
    if (!word.starts_with("--")) continue;
    const std::string meant = did_you_mean(word.substr(0, word.find('=')), views);
    if (!meant.empty()) return meant;
  }
  return "";
}

}  // namespace

int run_command_line(int argc, char** argv) {
  watch_fault_signals();
  read_dotenv(".env");
  int exit_code = 0;
  CLI::App app(kAbout, "qkscope");
  app.set_version_flag("--version", version_text(), "Show version, commit, libraries and SIMD");
  app.add_flag_callback("--licenses", print_licenses, "Licences of everything inside the program");
  app.require_subcommand(1);
  app.footer(kExamples);
  app.get_formatter()->column_width(28);
  add_sniff_command(app, exit_code);
  add_inspect_command(app, exit_code);
  add_check_command(app, exit_code);
  add_verify_command(app, exit_code);
  add_analyze_command(app, exit_code);
  add_plot_command(app, exit_code);
  try {
    std::vector<std::string> words = arguments(argc, argv);
    check_command(app, words);
    app.parse(words);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);  // --help, --version, --licenses
    const bool is_unknown = dynamic_cast<const CLI::ExtrasError*>(&error) != nullptr;
    std::fprintf(stderr, "qkscope: %s%s (see --help)\n", printable(error.what(), 400).c_str(),
                 is_unknown ? suggestion(app).c_str() : "");
    return 1;
  }
  return exit_code;
}

}  // namespace qk
