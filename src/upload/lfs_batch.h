// The question of the LFS protocol that says where contents go.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "upload/upload.h"

namespace qk {

inline constexpr const char* kLfsType = "application/vnd.git-lfs+json";
inline constexpr size_t kMostLfsObjects = 256;  // of one question

// Where one content goes.
struct LfsUpload {
  std::string url;  // empty: the store has it
  std::vector<HttpHeader> headers;
  // With parts: they go here, in this order, and `url` then joins them.
  int64_t part_bytes = 0;
  std::vector<std::string> part_urls;
};

// By SHA-256. Addresses of https://huggingface.co are those of the endpoint. Throws HubError, also if
// the Hub refuses one of the files. check: see HubCall.
std::map<std::string, LfsUpload> ask_lfs_uploads(HubClient& hub, const Repo& repo,
                                                 const std::string& revision,
                                                 const std::vector<const UploadFile*>& files,
                                                 const std::function<void()>& check = {});

}  // namespace qk
