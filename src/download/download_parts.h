// What the downloads into a cache and into a folder share.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "download/download.h"
#include "download/fetch_content.h"
#include "download/transfer_meter.h"

namespace qk {

// The files of the tree under these paths, each once, in path order. Throws Error if one is not there.
std::vector<const RemoteFile*> files_of(const RepoTree& tree,
                                        const std::vector<std::string>& paths);

// Throws HubError if files have to be downloaded and the Hub does not answer, or is not to be asked.
void check_obtainable(const HubClient& hub, const RepoTree& tree, const MissingFiles& missing);

// For FileLock: a note after a second, and every half a minute, that another program downloads the
// file. check() may end the wait by what it throws.
std::function<void()> note_waiting(const HubClient& hub, const RepoTree& tree,
                                   const RemoteFile& file, const std::filesystem::path& lock,
                                   const std::function<void()>& check);

FetchHooks hooks_of(TransferMeter& meter, const std::function<void()>& check);

}  // namespace qk
