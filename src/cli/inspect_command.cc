#include "cli/inspect_command.h"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>
#include <string>

#include "cli/inspect_report.h"

namespace qk {
namespace {

struct InspectFlags {
  std::string folder;
  bool json = false;
  int num_threads = 0;
};

constexpr const char* kInspectExamples = R"(
Examples:
  qkscope inspect data/run
  qkscope inspect data/run --json | jq '.heads[0]'

Every row of every file is read: the files open and have the columns of the format, vectors are of one
length and finite, all heads of a layer have the same rows, and what the card lists is there. Datasets
of the original tool can be read too. Exit codes: 0 whole, 1 damaged, unfinished or no dataset.)";

int inspect(const InspectFlags& flags) {
  ThreadPool pool(flags.num_threads);
  const DatasetInfo info = read_dataset(flags.folder, pool);
  const std::string report = flags.json ? inspect_json(info) : inspect_text(info);
  std::fwrite(report.data(), 1, report.size(), stdout);
  return info.problems.empty() ? 0 : 1;
}

}  // namespace

void add_inspect_command(CLI::App& app, int& exit_code) {
  auto flags = std::make_shared<InspectFlags>();
  CLI::App* command =
      app.add_subcommand("inspect", "What a dataset holds, and whether it is whole");
  command->add_option("folder", flags->folder, "The dataset's folder")
      ->required()
      ->type_name("DIR");
  command->add_flag("--json", flags->json, "One JSON object instead of text");
  command->add_option("--threads", flags->num_threads, "Threads; 0: all cores")
      ->check(CLI::Range(0, 4096));
  command->footer(kInspectExamples);
  command->callback([flags, &exit_code] { exit_code = inspect(*flags); });
}

}  // namespace qk
