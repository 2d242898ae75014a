// A dataset that a command line names: a folder, or REPO or REPO@REVISION on the Hub.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "cli/hub_session.h"
#include "download/resolver.h"

namespace qk {

struct WholeDataset {
  std::filesystem::path folder;
  std::optional<Snapshot> snapshot{};  // of a repository

  // What it is called: the folder, or "org/name@rev (commit 0123456789ab)".
  std::string title() const;
  // Of a path in the folder, for messages: the path, or the one in the repository.
  std::string path_text(const std::filesystem::path& path) const;
};

// The whole dataset; of the Hub, once everything is downloaded. A text that is
// neither a path on the disk nor like the id of a repository is taken for a path. Throws Error if
// there is no such repository or it is no capture, and Stopped.
WholeDataset whole_dataset(const std::string& text, HubSession& hub);

}  // namespace qk
