// What the environment says about the Hub, read as huggingface_hub reads it: docs/hub.md,
// "Environment".
#pragma once

#include <chrono>
#include <filesystem>
#include <string>

namespace qk {

// A secret that no formatter knows: only the HTTP client calls reveal().
class Token {
 public:
  Token() = default;
  explicit Token(std::string text) : text_(std::move(text)) {}
  bool empty() const { return text_.empty(); }
  const std::string& reveal() const { return text_; }
  // The text with "***" in its place, for words that come from a server.
  std::string removed_from(std::string text) const;

 private:
  std::string text_;
};

struct HubSettings {
  std::string endpoint = "https://huggingface.co";  // HF_ENDPOINT, without a '/' at the end
  std::filesystem::path cache;                      // hub_cache_folder()
  Token token;                    // HF_TOKEN, HUGGING_FACE_HUB_TOKEN, else the token file; or empty
  std::string token_origin;       // "HF_TOKEN", "/home/me/.cache/huggingface/token": for messages
  bool sends_token = true;        // on reading; false: HF_HUB_DISABLE_IMPLICIT_TOKEN
  bool offline = false;           // HF_HUB_OFFLINE, else TRANSFORMERS_OFFLINE
  bool datasets_offline = false;  // HF_DATASETS_OFFLINE: as `offline`, for datasets that are read
  std::chrono::milliseconds metadata_timeout{10'000};  // HF_HUB_ETAG_TIMEOUT; 0 or empty: 10 s
  std::chrono::milliseconds download_timeout{10'000};  // HF_HUB_DOWNLOAD_TIMEOUT
  bool symlinks = true;                                // HF_HUB_DISABLE_SYMLINKS
  bool progress = true;                                // HF_HUB_DISABLE_PROGRESS_BARS
  std::string user_agent;
};

// To be called once the environment is complete: if it holds a token, the process leaves no core.
void hide_token_from_cores();

// Throws Error naming the variable: an endpoint that is no http(s) address or holds a password, a
// time that is no number, a token with blanks or other characters that a header cannot hold. Once a
// token is in memory, the process leaves no core (PR_SET_DUMPABLE).
HubSettings read_hub_settings();

}  // namespace qk
