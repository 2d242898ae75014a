#include "cli/inspect_command.h"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>
#include <string>

#include "base/error.h"
#include "cli/common_options.h"
#include "cli/dataset_argument.h"
#include "cli/hub_session.h"
#include "cli/inspect_report.h"

namespace qk {
namespace {

struct InspectFlags {
  std::string folder;
  bool json = false;
  bool quiet = false;
  int num_threads = 0;
};

constexpr const char* kInspectExamples = R"(
Examples:
  qkscope inspect data/run
  qkscope inspect org/dataset@branch
  qkscope inspect data/run --json | jq '.heads[0]'

Reads every row of every file and checks that the files have the columns of the format, that vectors
are finite and of equal length, that all heads of a layer have the same rows, and that everything the
card lists is there. Datasets of the original tool can be read too. Exit codes: 0 whole, 1 damaged,
incomplete or not a dataset.)";

int inspect(const InspectFlags& flags) {
  if (flags.folder.empty()) {
    fail(
        "inspect: no dataset was given: type `qkscope inspect FOLDER` (see qkscope inspect --help)");
  }
  HubSession hub({.quiet = flags.quiet});
  const WholeDataset dataset = whole_dataset(flags.folder, hub);
  ThreadPool pool(flags.num_threads);
  const DatasetInfo info = read_dataset(dataset.folder, pool);
  const std::string report = flags.json ? inspect_json(info, dataset) : inspect_text(info, dataset);
  std::fwrite(report.data(), 1, report.size(), stdout);
  return info.problems.empty() ? 0 : 1;
}

}  // namespace

void add_inspect_command(CLI::App& app, int& exit_code) {
  auto flags = std::make_shared<InspectFlags>();
  CLI::App* command =
      app.add_subcommand("inspect", "Show what a dataset holds and whether it is whole");
  command
      ->add_option("--dataset,dataset", flags->folder,
                   "Folder of the dataset, or REPO or REPO@REVISION on the Hub")
      ->type_name("DATASET");
  command->add_flag("--quiet", flags->quiet, "Show no progress of downloads");
  command->add_flag("--json", flags->json, "Print one JSON object instead of text");
  add_threads(*command, flags->num_threads, " (default: all cores)");
  command->footer(kInspectExamples);
  command->callback([flags, &exit_code] { exit_code = inspect(*flags); });
}

}  // namespace qk
