// What `sniff` does of publishing: the checks before the work, and the end.
#pragma once

#include <string>

#include "capture/config.h"
#include "cli/publish_run.h"

namespace qk {

// Of a run with output.hf_repo_id.
PublishRequest publish_request(const SniffConfig& config, int num_threads);

// Checks whether the run's dataset can be published, and completes a repository's name without a
// namespace in the configuration. Throws Error, HubError, Stopped.
PublishCheck check_publishing(HubSession& hub, SniffConfig& config);

// Publishes the finished dataset. Returns the exit code; if it is not 0, stderr has the command that
// publishes later.
int publish_finished(HubSession& hub, const PublishRequest& request);

}  // namespace qk
