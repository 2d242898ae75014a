// Contents into the LFS store of a repository, by the transfers "basic" and "multipart".
#pragma once

#include <string>
#include <vector>

#include "upload/upload.h"

namespace qk {

struct LfsResult {
  int64_t num_files = 0, bytes = 0;  // that were sent
};

// Returns when the store has the content of all the files; sends those that it lacks, equal ones once,
// several at a time. An address that has run out is asked for again. The objects' `verify` action is
// not used: the commit checks them.
//   revision  a branch that exists
// Throws HubError, Stopped, Error: a file changed since it was described.
LfsResult send_contents(HubClient& hub, const Repo& repo, const std::string& revision,
                        const std::vector<const UploadFile*>& files,
                        const TransferOptions& options);

}  // namespace qk
