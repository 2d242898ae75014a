#include "cli/check_command.h"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>
#include <string>

#include "base/error.h"
#include "base/number_text.h"
#include "cli/common_options.h"
#include "cli/dataset_argument.h"
#include "cli/hub_session.h"
#include "dataset/dataset_check.h"

namespace qk {
namespace {

struct CheckFlags {
  std::string folder;
  bool quiet = false;
  int num_threads = 0;
};

constexpr const char* kCheckExamples = R"(
Examples:
  qkscope check data/run
  qkscope check org/dataset@branch
  qkscope check data/run && echo whole

Reads everything: page checksums, columns and types, and every row and vector. Compares the SHA-256,
rows and bytes of each file with the card's table, the totals with the card's counts, and the canaries:
products of a query and a key that were recorded when the vectors left the model. For datasets of the
original tool it checks pages, columns, rows and counts. Exit codes: 0 whole, 1 damaged, incomplete or
not a dataset.)";

std::string check_text(const DatasetCheck& check, const WholeDataset& dataset) {
  int64_t files = 0;
  int64_t rows = 0;
  for (const HeadInfo& head : check.info.heads) {
    files += std::ssize(head.files);
    rows += head.rows;
  }
  std::string out =
      fmt::format("{}: {}\n", dataset.title(), check.info.problems.empty() ? "whole" : "NOT WHOLE");
  if (dataset.snapshot)
    out += fmt::format("  cached     {}\n", printable(dataset.folder.string(), 400));
  out += fmt::format("  read       {} in {}: pages, columns, values, rows of all heads\n",
                     plural(rows, "row"), plural(files, "file"));
  const auto compared = [&](const char* name, int64_t count, const std::string& what) {
    out += fmt::format("  {:<11}{}\n", name, count > 0 ? what : "nothing to compare with");
  };
  compared("digests", check.num_digests,
           plural(check.num_digests, "SHA-256 digest") + " of the card");
  compared("counts", check.counts_known ? 1 : 0, "heads, rows and buckets of the card");
  compared("canaries", check.num_canaries, plural(check.num_canaries, "product") + " of the card");
  for (const DatasetProblem& problem : check.info.problems) {
    out += fmt::format("  {}: {}\n", dataset.path_text(problem.file), problem.what);
  }
  return out;
}

int run_check(const CheckFlags& flags) {
  if (flags.folder.empty()) {
    fail("check: no dataset was given: type `qkscope check FOLDER` (see qkscope check --help)");
  }
  HubSession hub({.quiet = flags.quiet});
  const WholeDataset dataset = whole_dataset(flags.folder, hub);
  ThreadPool pool(flags.num_threads);
  const DatasetCheck check = check_dataset(dataset.folder, pool);
  std::fputs(check_text(check, dataset).c_str(), stdout);
  return check.info.problems.empty() ? 0 : 1;
}

}  // namespace

void add_check_command(CLI::App& app, int& exit_code) {
  auto flags = std::make_shared<CheckFlags>();
  CLI::App* command =
      app.add_subcommand("check", "Check every byte, count and digest of a finished dataset");
  command
      ->add_option("--dataset,dataset", flags->folder,
                   "Folder of the dataset, or REPO or REPO@REVISION on the Hub")
      ->type_name("DATASET");
  command->add_flag("--quiet", flags->quiet, "Show no progress of downloads");
  add_threads(*command, flags->num_threads, " (default: all cores)");
  command->footer(kCheckExamples);
  command->callback([flags, &exit_code] { exit_code = run_check(*flags); });
}

}  // namespace qk
