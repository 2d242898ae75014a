#include "cli/report_command.h"

#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "base/atomic_file.h"
#include "base/build_info.h"
#include "base/error.h"
#include "base/home_path.h"
#include "base/number_text.h"
#include "base/path_text.h"
#include "cli/common_options.h"
#include "page/page_template.h"
#include "page/report_page.h"

namespace qk {
namespace {

namespace fs = std::filesystem;

constexpr const char* kPageGroup = "Page";
constexpr int kMostPoints = 65535;

struct ReportFlags {
  std::vector<std::string> analyses;
  std::string names;
  std::string heads;
  std::string dataset;
  std::string output;
  int points = 0;
  bool overwrite = false;
  bool open = false;
  ReportOptions options;
};

constexpr const char* kReportExamples = R"(
Examples:
  qkscope report results
  qkscope report results -o report.html --title "SmolLM2-135M, manuals"
  qkscope report results/base results/instruct --names base,instruct -o compared.html
  qkscope report results --heads 'l12*,l20h03'

DIR is a folder with the results of `qkscope analyze`, or a table of heads (head_metrics.csv, also the
original tool's). The page is one file that loads nothing: open it in a browser, mail it, put it beside
the dataset. It holds no folder names, and no names or texts of documents unless --ids or --tokens is
given. docs/report.md explains what it shows.)";

std::vector<std::string> names_in(const ReportFlags& flags) {
  if (flags.names.empty()) return {};
  std::vector<std::string> out(1);
  for (const char c : flags.names) {
    if (c == ',') {
      out.emplace_back();
    } else {
      out.back() += c;
    }
  }
  const bool has_empty =
      std::any_of(out.begin(), out.end(), [](const auto& name) { return name.empty(); });
  if (out.size() != flags.analyses.size() || has_empty) {
    fail("--names: expected {} for {}, found {}",
         flags.analyses.size() == 1 ? "one name" : "two names with a comma between them",
         plural(std::ssize(flags.analyses), "folder"), printable(flags.names));
  }
  return out;
}

// The folder of the results, or that of the table.
fs::path folder_of(const fs::path& analysis) {
  std::error_code error;
  return fs::is_directory(analysis, error) ? analysis : analysis.parent_path();
}

// The beginning of a page up to its style sheet, without digests: those of another version differ.
std::string begin_of(std::string_view page) {
  constexpr std::string_view kDigest = "'sha256-";
  std::string out(page.substr(0, page.find("<style>")));
  for (size_t at = 0; (at = out.find(kDigest, at)) != std::string::npos;) {
    at += kDigest.size();
    out.erase(at, out.find('\'', at) - at);
  }
  return out;
}

// Whether a file begins as a page does; only such a file is replaced.
bool is_page(const fs::path& path) {
  std::string begin(4096, '\0');
  std::ifstream file(path, std::ios::binary);
  file.read(begin.data(), static_cast<std::streamsize>(begin.size()));
  begin.resize(static_cast<size_t>(file.gcount()));
  return begin_of(begin) == begin_of(page_template());
}

fs::path output_of(const ReportFlags& flags, const fs::path& first) {
  const fs::path path =
      flags.output.empty() ? folder_of(first) / "report.html" : expand_home(flags.output);
  std::error_code error;
  if (!fs::is_regular_file(path, error)) return path;
  if (!flags.overwrite) {
    fail("{}: exists already: --overwrite replaces it, --output FILE writes another",
         path_text(path));
  }
  if (!is_page(path)) {
    fail("{}: is no page of an earlier report, so it is not replaced: --output FILE writes another",
         path_text(path));
  }
  return path;
}

void make_folder_of(const fs::path& path) {
  std::error_code error;
  const fs::path folder = path.parent_path();
  if (folder.empty() || fs::is_directory(folder, error)) return;
  fs::create_directories(folder, error);
  if (error) fail("{}: cannot be made: {}", path_text(folder), error.message());
}

// Whether the desktop's program for such files could be started.
bool open_in_browser(const fs::path& path) {
  const std::string program = "xdg-open";
  const std::string file = path.string();
  const std::vector<char*> words = {const_cast<char*>(program.c_str()),
                                    const_cast<char*>(file.c_str()), nullptr};
  pid_t pid = 0;
  if (::posix_spawnp(&pid, program.c_str(), nullptr, nullptr, words.data(), environ) != 0) {
    return false;
  }
  int status = 0;
  return ::waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

int report(ReportFlags& flags) {
  if (flags.analyses.empty()) {
    fail("report: no analysis was given: type `qkscope report DIR` (see qkscope report --help)");
  }
  std::vector<fs::path> analyses;
  analyses.reserve(flags.analyses.size());
  for (const std::string& analysis : flags.analyses) analyses.push_back(expand_home(analysis));
  flags.options.names = names_in(flags);
  if (!flags.heads.empty()) flags.options.wishes.heads = HeadChoice(flags.heads);
  if (!flags.dataset.empty()) flags.options.wishes.dataset = expand_home(flags.dataset);
  flags.options.most_points = static_cast<size_t>(flags.points);
  flags.options.program = fmt::format("qkscope {}", version());
  const fs::path output = output_of(flags, analyses.front());
  if (!flags.dataset.empty() && !flags.options.wishes.tokens && !flags.options.wishes.ids) {
    std::fputs("qkscope: warning: --dataset has no effect without --tokens or --ids\n", stderr);
  }
  const ReportPage page = make_report_page(analyses, flags.options, page_template());
  make_folder_of(output);
  write_file(output, page.html);
  for (const std::string& note : page.notes) {
    std::fprintf(stderr, "qkscope: warning: %s\n", printable(note, 600).c_str());
  }
  std::printf("Wrote     %s: %s, %s\n", path_text(output).c_str(),
              plural(page.num_heads, "head").c_str(),
              bytes_text(static_cast<double>(page.html.size())).c_str());
  if (flags.open && !open_in_browser(output)) {
    std::fprintf(stderr,
                 "qkscope: warning: no browser could be started (xdg-open): open %s by hand\n",
                 path_text(output).c_str());
  }
  return 0;
}

void add_report_page(CLI::App& command, ReportFlags& flags) {
  const auto add_text = [&](const char* name, std::string& value, const char* type,
                            const char* help) {
    return command.add_option(name, value, help)->type_name(type)->group(kPageGroup);
  };
  add_text("--title", flags.options.title, "TEXT", "Title (default: the model)");
  add_text("--names", flags.names, "NAMES",
           "What the analyses are called, with a comma between them (default: their folders)");
  add_text("--heads", flags.heads, "HEADS",
           "Only these heads, such as 'l12*,l20h03': * stands for any text")
      ->check(not_empty());
  command.add_flag("--ids", flags.options.wishes.ids, "Names and ids of documents, too")
      ->group(kPageGroup);
  command
      .add_flag("--tokens", flags.options.wishes.tokens,
                "Tokens of the drawn queries and keys, if the capture has them: text of the corpus")
      ->group(kPageGroup);
  command
      .add_option("--points", flags.points,
                  "Most queries, and keys, of a head that are drawn (default: all of the profiles)")
      ->type_name("INT")
      ->check(integer_up_to(kMostPoints))
      ->group(kPageGroup);
}

void add_report_output(CLI::App& command, ReportFlags& flags) {
  command.add_option("-o,--output", flags.output, "The page (default: report.html in DIR)")
      ->type_name("FILE")
      ->check(not_empty())
      ->group(kOutputGroup);
  add_bytes(command, "--max-size", flags.options.max_bytes,
            "Largest size of the page (default: 10MiB); what was left out is said")
      ->group(kOutputGroup);
  command.add_flag("--overwrite", flags.overwrite, "Replace an earlier page")->group(kOutputGroup);
  command.add_flag("--open", flags.open, "Open the page in a browser")->group(kOutputGroup);
}

}  // namespace

void add_report_command(CLI::App& app, int& exit_code) {
  const auto flags = std::make_shared<ReportFlags>();
  CLI::App* command =
      app.add_subcommand("report", "Write a page that shows an analysis, or two side by side");
  constexpr int kMostAnalyses = 2;
  command->add_option("dir", flags->analyses, "Results of one or two analyses")
      ->type_name("DIR [DIR2]")
      ->expected(0, kMostAnalyses)
      ->group(kInputGroup);
  command
      ->add_option("--dataset", flags->dataset,
                   "The capture, for --tokens and --ids (default: where the analysis found it)")
      ->type_name("DIR")
      ->group(kInputGroup);
  add_report_page(*command, *flags);
  add_report_output(*command, *flags);
  command->footer(kReportExamples);
  command->callback([flags, &exit_code] { exit_code = report(*flags); });
}

}  // namespace qk
