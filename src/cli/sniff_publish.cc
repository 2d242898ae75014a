#include "cli/sniff_publish.h"

#include <fmt/format.h>

#include <cstdio>

#include "base/error.h"
#include "base/path_text.h"
#include "base/stopped.h"
#include "cli/publish_text.h"
#include "cli/stop_signal.h"
#include "publish/publish.h"

namespace qk {
namespace {

int report_unpublished(const PublishRequest& request, const std::string& reason, int code) {
  std::fprintf(stderr,
               "qkscope: %s\nqkscope: the dataset in %s is finished and whole, but it was not "
               "published; this publishes it: %s\n",
               reason.c_str(), path_text(request.folder).c_str(), publish_command(request).c_str());
  return code;
}

}  // namespace

PublishRequest publish_request(const SniffConfig& config, int num_threads) {
  const OutputSection& output = config.output;
  PublishRequest out;
  out.folder = output.data_root;
  out.repo = output.hf_repo_id.value_or("");
  out.branch = output.hf_branch.value_or(kMainBranch);
  if (config.compat_reference) out.message = kReferenceMessage;
  out.is_private = output.is_private;
  out.replaces = output.hf_replace.value_or(config.compat_reference);
  out.num_threads = num_threads;
  return out;
}

PublishCheck check_publishing(HubSession& hub, SniffConfig& config) {
  OutputSection& output = config.output;
  const std::string branch = output.hf_branch.value_or(kMainBranch);
  PublishCheck check = check_publish_target(hub.client(), *output.hf_repo_id, branch);
  check_privacy(check, output.is_private);
  output.hf_repo_id = check.repo.id;
  return check;
}

int publish_finished(HubSession& hub, const PublishRequest& request) {
  try {
    publish_dataset(hub, request);
    return 0;
  } catch (const Stopped&) {
    return report_unpublished(request, "stopped", kExitStopped);
  } catch (const Error& error) {
    return report_unpublished(request, error.what(), 1);
  }
}

}  // namespace qk
