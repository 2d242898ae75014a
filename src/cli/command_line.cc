#include "cli/command_line.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "cli/analyze_command.h"
#include "cli/check_command.h"
#include "cli/compare_command.h"
#include "cli/completion_command.h"
#include "cli/doctor_command.h"
#include "cli/dotenv.h"
#include "cli/fetch_command.h"
#include "cli/hub_command.h"
#include "cli/init_command.h"
#include "cli/inspect_command.h"
#include "cli/licenses.h"
#include "cli/manual.h"
#include "cli/mpi_shim_command.h"
#include "cli/plot_command.h"
#include "cli/publish_command.h"
#include "cli/report_command.h"
#include "cli/sniff_command.h"
#include "cli/sniff_ranks.h"
#include "cli/stop_signal.h"
#include "cli/usage.h"
#include "cli/verify_command.h"
#include "cli/version_info.h"
#include "hub/hub_settings.h"

namespace qk {
namespace {

constexpr const char* kAbout =
    "Measures how the attention heads of a language model use position and meaning: captures\n"
    "query and key vectors over real documents, measures every head, and draws figures.";

constexpr const char* kExamples = R"(
Examples, in the order of work:
  qkscope doctor                           show what this machine has, and what would be used of it
  qkscope init my-model my-corpus          write a first run.yaml for a model and a corpus
  qkscope sniff run.yaml --dry-run         show what would be captured: heads, rows, bytes, memory
  qkscope sniff run.yaml                   capture it
  qkscope inspect data/run                 show what a dataset holds and whether it is whole
  qkscope check data/run                   check every row, digest and count
  qkscope publish data/run                 send it to a branch on the Hugging Face Hub
  qkscope analyze data/run                 measure every head; writes CSV files
  qkscope compare results/a results/b      compare two analyses, head by head
  qkscope plot heatmap --bucket_csv FILE   draw a figure of the measurements
  qkscope report results                   write a page that shows them all
  qkscope verify MODEL R.safetensors       compare a model's computation with transformers'
  qkscope fetch ORG/DATASET@BRANCH         bring a published capture from the Hub, whole or in part
  qkscope hub status ORG/NAME              show our account, what is on the Hub, and what is cached

`qkscope COMMAND --help` or `qkscope help COMMAND` explains a command; in the names of options, dashes
and underscores are the same.)";

// Ends the parsing as --version does.
void print_licenses() { throw CLI::CallForVersion(third_party_notices(), 0); }

void add_version_flags(CLI::App& app) {
  CLI::Option* as_json =
      app.add_flag("--json")->description("With --version: all of it, as JSON for scripts");
  CLI::Option* version = app.set_version_flag(
      "--version", [as_json] { return as_json->count() > 0 ? version_json() : version_text(); },
      "Show version, commit, libraries and SIMD");
  as_json->needs(version);
}

// The arguments after the program's name.
std::vector<std::string> arguments(int argc, char** argv) {
  std::vector<std::string> out;
  const std::string program = argc > 0 ? argv[0] : "";
  if (program.substr(program.find_last_of('/') + 1) == "sniff-qk") out.emplace_back("sniff");
  for (int i = 1; i < argc; ++i) out.emplace_back(argv[i]);
  return out;
}

// "qkscope plot heatmap", for messages.
std::string full_name(const CLI::App& command) {
  const CLI::App* parent = command.get_parent();
  return (parent == nullptr ? "" : full_name(*parent) + " ") + command.get_name();
}

int parse(CLI::App& app, std::vector<std::string> words) {
  turn_help_into_flag(words);
  size_t num_names = 0;
  const CLI::App& command = find_command(app, words, num_names);
  if (num_names == words.size() && !command.get_subcommands(nullptr).empty()) {
    const std::string parent =
        command.get_parent() == nullptr ? "" : full_name(*command.get_parent());
    std::fputs(command.help(parent).c_str(), stderr);
    return 1;
  }
  respell_options(command, words);
  try {
    app.parse(std::vector<std::string>(words.rbegin(), words.rend()));
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);  // --help, --version, --licenses
    if (command.get_name() == "sniff" && leaves_words_to_rank_0(words, find_launcher())) return 1;
    std::fprintf(stderr, "qkscope: %s (see %s --help)\n",
                 usage_sentence(app, command, words, error).c_str(), full_name(command).c_str());
    return 1;
  }
  return 0;
}

}  // namespace

int run_command_line(int argc, char** argv) {
  watch_fault_signals();
  stop_with_parent();
  std::error_code no_folder;
  const auto dotenv = find_dotenv(std::filesystem::current_path(no_folder));
  if (dotenv) read_dotenv(*dotenv);
  hide_token_from_cores();
  int exit_code = 0;
  CLI::App app(kAbout, "qkscope");
  add_version_flags(app);
  app.add_flag_callback("--licenses", print_licenses, "Licences of everything inside the program");
  app.require_subcommand(1);
  app.footer(kExamples + exit_codes_text());
  app.formatter(std::make_shared<HelpText>());
  app.get_formatter()->column_width(28);
  add_init_command(app, exit_code);
  add_sniff_command(app, exit_code);
  add_inspect_command(app, exit_code);
  add_check_command(app, exit_code);
  add_analyze_command(app, exit_code);
  add_compare_command(app, exit_code);
  add_plot_command(app, exit_code);
  add_report_command(app, exit_code);
  add_publish_command(app, exit_code);
  add_verify_command(app, exit_code);
  add_fetch_command(app, exit_code);
  add_hub_command(app, exit_code);
  add_doctor_command(app, exit_code);
  add_mpi_shim_command(app, exit_code);
  add_completion_command(app, exit_code);
  add_man_pages_command(app, exit_code);
  const int parsed = parse(app, arguments(argc, argv));
  return parsed == 0 ? exit_code : parsed;
}

}  // namespace qk
