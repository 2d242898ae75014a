#include "cli/check_command.h"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>
#include <string>

#include "base/error.h"
#include "cli/number_text.h"
#include "dataset/dataset_check.h"

namespace qk {
namespace {

struct CheckFlags {
  std::string folder;
  int num_threads = 0;
};

constexpr const char* kCheckExamples = R"(
Examples:
  qkscope check data/run
  qkscope check data/run && echo whole

Everything is read: page checksums, columns and types, every row and vector, the SHA-256, rows and
bytes of each file against the card's table, the card's counts, and the canaries: products of a query
and a key as they were when they left the model. Of datasets of the original tool: pages, columns, rows
and counts. Exit codes: 0 whole, 1 not.)";

std::string check_text(const DatasetCheck& check) {
  int64_t files = 0;
  int64_t rows = 0;
  for (const HeadInfo& head : check.info.heads) {
    files += std::ssize(head.files);
    rows += head.rows;
  }
  std::string out = fmt::format("{}: {}\n", printable(check.info.folder.string(), 400),
                                check.info.problems.empty() ? "whole" : "NOT WHOLE");
  out += fmt::format("  read       {} in {}: pages, columns, values, rows of all heads\n",
                     plural(rows, "row"), plural(files, "file"));
  const auto compared = [&](const char* name, int64_t count, const std::string& what) {
    out += fmt::format("  {:<11}{}\n", name, count > 0 ? what : "none to compare with");
  };
  compared("digests", check.num_digests,
           plural(check.num_digests, "SHA-256 digest") + " of the card");
  compared("counts", check.counts_known ? 1 : 0, "heads, rows and buckets of the card");
  compared("canaries", check.num_canaries, plural(check.num_canaries, "product") + " of the card");
  for (const DatasetProblem& problem : check.info.problems) {
    out += fmt::format("  {}: {}\n", printable(problem.file.string(), 400), problem.what);
  }
  return out;
}

int run_check(const CheckFlags& flags) {
  ThreadPool pool(flags.num_threads);
  const DatasetCheck check = check_dataset(flags.folder, pool);
  std::fputs(check_text(check).c_str(), stdout);
  return check.info.problems.empty() ? 0 : 1;
}

}  // namespace

void add_check_command(CLI::App& app, int& exit_code) {
  auto flags = std::make_shared<CheckFlags>();
  CLI::App* command =
      app.add_subcommand("check", "Proves a finished dataset: every byte, count and digest");
  command->add_option("folder", flags->folder, "The dataset's folder")
      ->required()
      ->type_name("DIR");
  command->add_option("--threads", flags->num_threads, "Threads; 0: all cores")
      ->check(CLI::Range(0, 4096));
  command->footer(kCheckExamples);
  command->callback([flags, &exit_code] { exit_code = run_check(*flags); });
}

}  // namespace qk
