#include "doctor/hub_findings.h"

#include <fmt/format.h>

#include <array>
#include <optional>
#include <system_error>
#include <utility>

#include "base/environment.h"
#include "base/error.h"
#include "base/number_text.h"
#include "base/path_text.h"
#include "doctor/machine_findings.h"
#include "hub/hub_settings.h"

namespace qk {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kMostEntries = 200'000;  // of the cache that are counted

struct CacheSize {
  int64_t num_repos = 0, bytes = 0;
  bool is_whole = true;
};

// Contents are in blobs/; snapshots/ has links to them.
CacheSize cache_size(const fs::path& cache) {
  CacheSize out;
  int64_t left = kMostEntries;
  std::error_code error;
  for (const auto& repo : fs::directory_iterator(cache, error)) {
    const std::string name = repo.path().filename().string();
    if (!name.starts_with("models--") && !name.starts_with("datasets--")) continue;
    ++out.num_repos;
    std::error_code no_file;
    fs::recursive_directory_iterator files(repo.path(), no_file);
    while (!no_file && files != fs::recursive_directory_iterator()) {
      if (--left < 0) {
        out.is_whole = false;
        return out;
      }
      const fs::file_status status = files->symlink_status(no_file);
      if (!no_file && fs::is_regular_file(status)) {
        const auto bytes = files->file_size(no_file);
        if (!no_file) out.bytes += static_cast<int64_t>(bytes);
      }
      files.increment(no_file);
    }
  }
  return out;
}

Finding endpoint_finding(const HubSettings& settings, const AskHub& ask) {
  Finding out = {.name = "endpoint",
                 .text = settings.endpoint,
                 .facts = {{"address", settings.endpoint}, {"offline", settings.offline}}};
  for (const char* name : {"HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"}) {
    if (environment_value(name).value_or("").empty()) continue;
    out.text += fmt::format(", through the proxy in {}", name);  // which may hold a password
    break;
  }
  if (settings.offline) {
    out.text += ", not used (HF_HUB_OFFLINE or TRANSFORMERS_OFFLINE): the cache only";
    return out;
  }
  if (!ask) {
    out.text += ", not asked (--network asks it)";
    return out;
  }
  try {
    const std::string account = ask();
    out.text += ", answers" + (account.empty() ? "" : ": " + account);
    out.facts["answers"] = true;
    if (!account.empty()) out.facts["account"] = account;
  } catch (const Error& error) {
    out.text += fmt::format(": {}", error.what());
    out.facts["answers"] = false;
    out.state = FindingState::kFault;
    out.remedy =
        "check HF_ENDPOINT, the token and the proxy (docs/hub.md, \"Environment\"), or set "
        "HF_HUB_OFFLINE=1 to use the cache only";
  }
  return out;
}

Finding token_finding(const HubSettings& settings) {
  if (settings.token.empty()) {
    return {.name = "token",
            .text = "none",
            .state = FindingState::kNote,
            .remedy =
                "only needed to publish, and for private or gated repositories: set HF_TOKEN, "
                "or `hf auth login`",
            .facts = {{"from", nullptr}}};
  }
  const std::string origin = printable(settings.token_origin, 300);
  return {.name = "token", .text = "from " + origin, .facts = {{"from", origin}}};
}

Finding cache_finding(const fs::path& cache) {
  Finding out = disk_finding("cache", cache);
  const CacheSize size = cache_size(cache);
  out.text += fmt::format(
      "; holds {}{} in {}", size.is_whole ? "" : "more than ",
      bytes_text(static_cast<double>(size.bytes)),
      size.num_repos == 1 ? "1 repository" : count_text(size.num_repos) + " repositories");
  out.facts["repositories"] = size.num_repos;
  out.facts["bytes"] = size.bytes;
  out.facts["whole"] = size.is_whole;
  if (out.state == FindingState::kNote) {
    out.remedy = "name another folder in HF_HOME or HF_HUB_CACHE, or make room there";
  }
  return out;
}

}  // namespace

FindingSection hub_findings(const fs::path& dotenv, const AskHub& ask) {
  FindingSection out = {"Hub", {}};
  if (!dotenv.empty()) {
    const std::string path = path_text(dotenv);
    out.findings.push_back(
        {.name = ".env", .text = "read from " + path, .facts = {{"path", path}}});
  }
  std::optional<HubSettings> settings;
  try {
    settings = read_hub_settings();
  } catch (const Error& error) {
    out.findings.push_back({.name = "settings",
                            .text = error.what(),
                            .state = FindingState::kFault,
                            .remedy = "correct or unset that variable (docs/hub.md, "
                                      "\"Environment\")",
                            .facts = nlohmann::ordered_json::object()});
    return out;
  }
  out.findings.push_back(endpoint_finding(*settings, ask));
  out.findings.push_back(token_finding(*settings));
  out.findings.push_back(cache_finding(settings->cache));
  return out;
}

}  // namespace qk
