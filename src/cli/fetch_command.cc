#include "cli/fetch_command.h"

#include <fmt/format.h>

#include <cstdio>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <vector>

#include "base/error.h"
#include "base/home_path.h"
#include "base/number_text.h"
#include "base/path_text.h"
#include "cli/common_options.h"
#include "cli/fetch_choice.h"
#include "cli/hub_session.h"
#include "download/download.h"
#include "download/resolver.h"
#include "hub/hub_cache.h"

namespace qk {
namespace {

namespace fs = std::filesystem;

struct FetchFlags {
  std::string repo;
  std::string type;
  FetchWishes wishes;
  std::string folder;
  bool quiet = false;
};

constexpr const char* kFetchExamples = R"(
Examples:
  qkscope fetch org/dataset@branch                         a capture, into the Hub cache
  qkscope fetch org/dataset@branch --heads 'l0[0-3]h*'     of four layers, queries and keys
  qkscope fetch org/dataset --to data/run                  into a folder of its own
  qkscope fetch org/model --type model --files '*Q8_0.gguf'

Prints the folder that holds the files. What is there already is not downloaded again, and every file is
checked. A transfer that was interrupted goes on when the same command is given again (exit code 75 after
Ctrl-C). Patterns are in quotes: * is any text, ? one character, [0-3] one of a range. REVISION is a
branch, a tag or a commit (default: main). The token is HF_TOKEN, or that of `hf auth login`.)";

const char* name_of(RepoKind kind) { return kind == RepoKind::kModel ? "model" : "dataset"; }

bool is_model(HubSession& hub, const std::string& id) {
  try {
    repo_info(hub.client(), {RepoKind::kModel, id}, "");
    return true;
  } catch (const HubError&) {
    return false;
  }
}

// The repository's files. Without a type it is a dataset; if there is none, but a model, Error says so.
RepoTree find_repository(const FetchFlags& flags, HubSession& hub) {
  const RepoName name = parse_repo_name(
      "fetch", flags.type == "model" ? RepoKind::kModel : RepoKind::kDataset, flags.repo);
  if (!is_repo_id(name.text)) {
    fail("fetch: expected a repository of the Hub as owner/name or owner/name@revision, found '{}'",
         printable(flags.repo, 300));
  }
  const fs::path& cache = hub.settings().cache;
  try {
    return fetch_tree(hub.client(), cache, {name.kind, name.text}, name.revision);
  } catch (const HubError& error) {
    const bool may_be_model = flags.type.empty() && error.fault() == HubFault::kRepoNotFound;
    if (!may_be_model || !is_model(hub, name.text)) throw;
  }
  fail("fetch: '{}' is no dataset but a model: add --type model", name.text);
}

// Where the files are then.
fs::path bring_files(const FetchFlags& flags, const RepoTree& tree,
                     const std::vector<std::string>& files, HubSession& hub) {
  const fs::path& cache = hub.settings().cache;
  if (!flags.folder.empty()) {
    const fs::path folder = expand_home(flags.folder);
    std::error_code ignored;
    if (fs::exists(folder, ignored) && !fs::is_directory(folder, ignored)) {
      fail("--to: {}: expected a folder, found a file", path_text(folder));
    }
    download_to_folder(hub.client(), cache, tree, files, folder, hub.transfers());
    return folder;
  }
  download_to_cache(hub.client(), cache, tree, files, hub.transfers());
  return repo_cache_folder(cache, tree.repo) / "snapshots" / tree.commit;
}

int fetch(const FetchFlags& flags) {
  if (flags.repo.empty()) {
    fail("fetch: no repository was given: type `qkscope fetch REPO` (see qkscope fetch --help)");
  }
  if (flags.type == "model" && !flags.wishes.heads.empty()) {
    fail("--heads: expected a dataset, found --type model");
  }
  HubSession hub({.quiet = flags.quiet});
  const RepoTree tree = find_repository(flags, hub);
  const std::string title =
      fmt::format("'{}' (revision {})", tree.repo.id, printable(tree.revision));
  if (!tree.is_complete) {
    hub.client().note(
        fmt::format("fetch: the Hub is not asked or does not answer: these are the files "
                    "of {} that the cache has, perhaps not all",
                    title));
  }
  std::vector<std::string> names;
  names.reserve(tree.files.size());
  for (const RemoteFile& file : tree.files) names.push_back(file.path);
  const std::vector<std::string> files = choose_files(tree.repo.kind, names, flags.wishes, title);
  const fs::path place = bring_files(flags, tree, files, hub);
  if (!flags.quiet) {
    std::fprintf(stderr, "qkscope: %s of the %s %s at commit %s\n",
                 plural(std::ssize(files), "file").c_str(), name_of(tree.repo.kind), title.c_str(),
                 tree.commit.c_str());
  }
  std::fprintf(stdout, "%s\n", path_text(place).c_str());
  return 0;
}

}  // namespace

void add_fetch_command(CLI::App& app, int& exit_code) {
  const auto flags = std::make_shared<FetchFlags>();
  CLI::App* command =
      app.add_subcommand("fetch", "Download a dataset or model of the Hub, whole or in part");
  command->add_option("repo", flags->repo, "Repository of the Hub: REPO or REPO@REVISION")
      ->type_name("REPO")
      ->group(kInputGroup);
  command->add_option("--type", flags->type, "What it is: dataset (the default) or model")
      ->type_name("TYPE")
      ->check(CLI::IsMember({"dataset", "model"}))
      ->group(kInputGroup);
  CLI::Option* heads =
      command->add_option("--heads", flags->wishes.heads, "Only these heads (repeatable)")
          ->type_name("PATTERN")
          ->allow_extra_args(false)
          ->group(kInputGroup);
  command->add_option("--files", flags->wishes.files, "Only these files (repeatable)")
      ->type_name("PATTERN")
      ->allow_extra_args(false)
      ->excludes(heads)
      ->group(kInputGroup);
  command->add_option("--to", flags->folder, "Folder for the files (default: the Hub cache)")
      ->type_name("DIR")
      ->check(not_empty())
      ->group(kOutputGroup);
  command->add_flag("--quiet", flags->quiet, "Show no progress")->group(kOutputGroup);
  command->footer(kFetchExamples);
  command->callback([flags, &exit_code] { exit_code = fetch(*flags); });
}

}  // namespace qk
