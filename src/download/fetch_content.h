// The bytes of one file of a repository from the Hub: one GET that follows the redirects, again from
// where it was cut.
#pragma once

#include <cstdint>
#include <functional>

#include "download/download.h"
#include "download/partial_file.h"
#include "hub/hub_client.h"

namespace qk {

struct FetchHooks {
  std::function<void(int64_t)> received;   // bytes that were added
  std::function<void(int64_t)> discarded;  // bytes that were there and have to come again
  std::function<void()> check;             // called often; what it throws ends the transfer
};

// Returns when the file is at `target`. What a cut or a stop leaves in `partial` is the beginning of
// the file. Another content than the tree promises is fetched once more from the start; then it is an
// Error that names what was expected and what was found. Throws HubError, Stopped, Error, and what the
// hooks throw.
void fetch_content(HubClient& hub, const RepoTree& tree, const RemoteFile& file,
                   PartialFile& partial, const std::filesystem::path& target,
                   const FetchHooks& hooks);

}  // namespace qk
