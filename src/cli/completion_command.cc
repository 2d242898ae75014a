#include "cli/completion_command.h"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <system_error>

#include "base/atomic_file.h"
#include "base/error.h"
#include "base/home_path.h"
#include "base/path_text.h"
#include "cli/common_options.h"
#include "cli/completion.h"
#include "cli/man_page.h"

namespace qk {
namespace {

constexpr const char* kCompletionExamples = R"text(
Examples:
  eval "$(qkscope completion bash)"                                in ~/.bashrc
  qkscope completion zsh > ~/.zfunc/_qkscope                       in a folder of $fpath
  qkscope completion fish > ~/.config/fish/completions/qkscope.fish

Completes commands, options, their choices and paths. An installed package has all three already.)text";

constexpr const char* kManPagesExamples = R"(
Examples:
  qkscope man-pages ~/.local/share/man/man1
  man qkscope-sniff

Writes qkscope.1 and a page for each command. An installed package has them already.)";

struct CompletionFlags {
  std::string shell, output;
};

void make_folder(const std::filesystem::path& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) fail("{}: {}", path_text(folder), error.message());
}

int print_completion(const CLI::App& app, const CompletionFlags& flags) {
  const std::string& shell = flags.shell;
  if (shell.empty()) {
    fail(
        "completion: no shell was given: type `qkscope completion bash` (see qkscope completion "
        "--help)");
  }
  const DeclaredCommand program = declared_command(app);
  const std::string text = shell == "bash"  ? bash_completion(program)
                           : shell == "zsh" ? zsh_completion(program)
                                            : fish_completion(program);
  if (flags.output.empty()) {
    std::fputs(text.c_str(), stdout);
    return 0;
  }
  const std::filesystem::path file = expand_home(flags.output);
  if (file.has_parent_path()) make_folder(file.parent_path());
  write_file(file, text);
  return 0;
}

int write_man_pages(const CLI::App& app, const std::string& folder_text) {
  if (folder_text.empty()) {
    fail(
        "man-pages: no folder was given: type `qkscope man-pages FOLDER` (see qkscope man-pages "
        "--help)");
  }
  const std::filesystem::path folder = expand_home(folder_text);
  make_folder(folder);
  for (const ManPage& page : man_pages(declared_command(app))) {
    write_file(folder / page.file, page.text);
  }
  return 0;
}

}  // namespace

void add_completion_command(CLI::App& app, int& exit_code) {
  CLI::App* command = app.add_subcommand("completion", "Print the completions for a shell");
  const auto flags = std::make_shared<CompletionFlags>();
  command->add_option("shell", flags->shell, "Shell that the completions are for")
      ->check(CLI::IsMember({"bash", "fish", "zsh"}))
      ->group(kInputGroup);
  command->add_option("--output", flags->output, "File to write (default: the standard output)")
      ->type_name("FILE")
      ->check(not_empty())
      ->group(kOutputGroup);
  command->footer(kCompletionExamples);
  command->callback([&app, flags, &exit_code] { exit_code = print_completion(app, *flags); });
}

void add_man_pages_command(CLI::App& app, int& exit_code) {
  CLI::App* command =
      app.add_subcommand("man-pages", "Write the manual pages of all commands into a folder");
  const auto folder = std::make_shared<std::string>();
  command->add_option("folder", *folder, "Folder that the pages go to")
      ->type_name("DIR")
      ->group(kOutputGroup);
  command->footer(kManPagesExamples);
  command->callback([&app, folder, &exit_code] { exit_code = write_man_pages(app, *folder); });
}

}  // namespace qk
