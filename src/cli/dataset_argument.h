// A dataset that a command line names: a folder, or REPO or REPO@REVISION on the Hub.
#pragma once

#include <filesystem>
#include <string>

#include "cli/hub_session.h"

namespace qk {

// The folder with the whole dataset; of the Hub, once everything is downloaded. A text that is
// neither a path on the disk nor like the id of a repository is taken for a path. Throws Error if
// there is no such repository or it is no capture, and Stopped.
std::filesystem::path whole_dataset(const std::string& text, HubSession& hub);

}  // namespace qk
