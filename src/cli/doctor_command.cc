#include "cli/doctor_command.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <system_error>
#include <vector>

#include "base/build_info.h"
#include "base/path_text.h"
#include "cli/account_text.h"
#include "cli/common_options.h"
#include "cli/doctor_text.h"
#include "cli/dotenv.h"
#include "cli/hub_session.h"
#include "dataset/arrow_version.h"
#include "doctor/cluster_findings.h"
#include "doctor/device_findings.h"
#include "doctor/hub_findings.h"
#include "doctor/machine_findings.h"
#include "hub/curl_version.h"
#include "hub/environment.h"
#include "hub/hub_api.h"
#include "hub/hub_errors.h"
#include "page/page_template.h"

namespace qk {
namespace {

struct DoctorFlags {
  bool json = false;
  bool network = false;
};

constexpr const char* kDoctorExamples = R"(
Examples:
  qkscope doctor
  qkscope doctor --network
  srun --mpi=pmix qkscope doctor          what a rank sees
  qkscope doctor --json

Lines with - are missing or odd, and a run works without them; lines with X are configured and do not
work. Below such a line is what would help. Nothing is computed or written, tokens are never shown, and
without --network nothing is sent. Exit codes: 0; 1 something that is configured does not work.)";

// A repository that nobody has: whether the Hub answers at all.
constexpr const char* kNobodysRepo = "qkscope/asks-whether-the-hub-answers";

std::string ask_hub(HubSession& hub) {
  const HubSettings& settings = hub.settings();
  if (!settings.token.empty()) return account_text(who_am_i(hub.client()), settings.token_origin);
  try {
    repo_info(hub.client(), {RepoKind::kModel, kNobodysRepo}, "", Retry::kNever);
  } catch (const HubError& error) {
    if (is_silence(error.fault())) throw;
  }
  return "";
}

Finding version_finding() {
  const std::string commit = build_commit();
  return {.name = "version",
          .text = fmt::format("{}{}, {} build by {}", version(),
                              commit.empty() ? "" : " (" + commit + ")", build_type(), compiler()),
          .facts = {{"version", version()}, {"build_type", build_type()}}};
}

Finding file_finding() {
  std::error_code error;
  const std::string path = path_text(std::filesystem::read_symlink("/proc/self/exe", error));
  return {.name = "file", .text = path, .facts = {{"path", path}}};
}

Finding libraries_finding() {
  nlohmann::ordered_json facts = {{"Arrow", arrow_version()}, {"tokenizers", tokenizers_version()}};
  for (const LibraryVersion& library : http_library_versions()) {
    facts[library.name] = library.version;
  }
  std::string text;
  for (const auto& [name, version] : facts.items()) {
    text += (text.empty() ? "" : ", ") + name + " " + version.get<std::string>();
  }
  return {.name = "libraries", .text = text, .facts = std::move(facts)};
}

Finding page_finding() {
  Finding out = {.name = "report page", .text = "inside", .facts = {{"inside", true}}};
  if (has_page_template()) return out;
  out.text = "missing: `qkscope report` does not work";
  out.state = FindingState::kNote;
  out.remedy = "build again after tools/setup, which installs Node, or with -DQK_REPORT_PAGE=FILE";
  out.facts = {{"inside", false}};
  return out;
}

std::filesystem::path dotenv_file() {
  std::error_code error;
  if (is_variable_true("PYTHON_DOTENV_DISABLED")) return {};
  return find_dotenv(std::filesystem::current_path(error)).value_or(std::filesystem::path());
}

int examine(const DoctorFlags& flags) {
  HubSession hub({.quiet = true, .publishes = true});
  AskHub ask;
  if (flags.network) ask = [&hub] { return ask_hub(hub); };
  const std::vector<FindingSection> sections = {
      {"program", {version_finding(), file_finding(), libraries_finding(), page_finding()}},
      machine_findings(),
      device_findings(),
      cluster_findings(),
      hub_findings(dotenv_file(), ask)};
  hub.end();
  const std::string text = flags.json ? doctor_json(sections) + "\n" : doctor_text(sections);
  std::fputs(text.c_str(), stdout);
  return count_faults(sections) == 0 ? 0 : 1;
}

}  // namespace

void add_doctor_command(CLI::App& app, int& exit_code) {
  const auto flags = std::make_shared<DoctorFlags>();
  CLI::App* command =
      app.add_subcommand("doctor", "Show what this machine has, and what would be used of it");
  command->add_flag("--json", flags->json, "Print JSON for scripts")->group(kOutputGroup);
  command->add_flag("--network", flags->network, "Ask the Hub, and who its token belongs to")
      ->group(kInputGroup);
  command->footer(kDoctorExamples);
  command->callback([flags, &exit_code] { exit_code = examine(*flags); });
}

}  // namespace qk
