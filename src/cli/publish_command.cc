#include "cli/publish_command.h"

#include <CLI/CLI.hpp>
#include <memory>
#include <string>

#include "base/error.h"
#include "base/home_path.h"
#include "cli/common_options.h"
#include "cli/publish_run.h"

namespace qk {
namespace {

struct PublishFlags {
  std::string folder;
  PublishRequest request;
  int files_per_commit = 0;
  bool quiet = false;
};

constexpr int kMostFilesPerCommit = 25'000;

constexpr const char* kPublishExamples = R"(
Examples:
  qkscope publish data/run --dry-run
  qkscope publish data/run --repo org/name --branch my-model
  qkscope publish data/run --replace --message "Longer documents"

Without --repo and --branch the dataset goes where its card says it belongs (output.hf_repo_id and
output.hf_branch of its run). Repository and branch are created if they do not exist. Files first, then one
commit: readers see the old branch or the new one. Interrupted or failed, the same command sends only what
is missing. Files of the branch that are not in the dataset stay, unless --replace is given; the plan names
them. The token is that of HF_TOKEN, or of `hf auth login`.)";

CLI::Validator not_blank(const std::string& what) {
  return {[what](const std::string& text) {
            const std::string line = text.substr(0, text.find('\n'));
            const bool is_blank = line.find_first_not_of(" \t\r") == std::string::npos;
            return is_blank ? "expected " + what + ", found nothing" : std::string();
          },
          ""};
}

int publish(const PublishFlags& flags) {
  if (flags.folder.empty()) {
    fail(
        "publish: no dataset was given: type `qkscope publish FOLDER` (see qkscope publish --help)");
  }
  PublishRequest request = flags.request;
  request.folder = expand_home(flags.folder);
  request.files_per_commit = flags.files_per_commit;
  HubSession hub({.quiet = flags.quiet, .publishes = true});
  publish_dataset(hub, request);
  return 0;
}

void add_target(CLI::App& command, PublishFlags& flags) {
  command.add_option("--repo", flags.request.repo, "Dataset repository (default: the card's)")
      ->type_name("ORG/NAME")
      ->check(not_blank("a name"));
  command
      .add_option("--branch", flags.request.branch,
                  "Branch of it (default: the card's; with --repo: main)")
      ->type_name("NAME")
      ->check(not_blank("a name"));
  command.add_flag("--private", flags.request.is_private,
                   "Make the repository private if it has to be created");
  command
      .add_option("--message", flags.request.message,
                  "Message of the commit; after its first line, a description")
      ->type_name("TEXT")
      ->check(not_blank("a text whose first line is not empty"));
  command.add_flag("--replace", flags.request.replaces,
                   "Delete files of the branch that are not in the dataset");
  command
      .add_option("--files-per-commit", flags.files_per_commit,
                  "Of more files (default: 25000), parts go to a branch of their own first")
      ->check(integer_up_to(kMostFilesPerCommit));
}

}  // namespace

void add_publish_command(CLI::App& app, int& exit_code) {
  auto flags = std::make_shared<PublishFlags>();
  CLI::App* command =
      app.add_subcommand("publish", "Send a finished dataset to a branch on the Hugging Face Hub");
  command->add_option("--dataset,dataset", flags->folder, "Folder of the dataset")
      ->type_name("DIR");
  add_target(*command, *flags);
  command->add_flag("--dry-run", flags->request.dry_run, "Print the plan and send nothing");
  command->add_flag("--quiet", flags->quiet, "Show no progress");
  add_threads(*command, flags->request.num_threads, " (default: all cores)");
  command->footer(kPublishExamples);
  command->callback([flags, &exit_code] { exit_code = publish(*flags); });
}

}  // namespace qk
