#include "hub/hub_settings.h"

#include <fmt/format.h>
#include <sys/prctl.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <string_view>

#include "base/atomic_file.h"
#include "base/build_info.h"
#include "base/error.h"
#include "base/path_text.h"
#include "hub/environment.h"
#include "hub/http_client.h"
#include "hub/hub_cache.h"

namespace qk {
namespace {

constexpr size_t kMaxTokenFile = size_t{64} << 10;
constexpr double kMaxTimeout = 86400;  // a day

// Line breaks go, wherever they are, and blanks at both ends, as Python's client does it.
std::string clean_token(std::string text) {
  std::erase_if(text, [](char c) { return c == '\r' || c == '\n'; });
  constexpr std::string_view kBlank(" \t\v\f\x1c\x1d\x1e\x1f");
  const size_t first = text.find_first_not_of(kBlank);
  if (first == std::string::npos) return "";
  return text.substr(first, text.find_last_not_of(kBlank) - first + 1);
}

void set_token(HubSettings& settings, const std::string& text, std::string origin) {
  std::string token = clean_token(text);
  if (token.empty()) return;
  for (const char c : token) {
    if (c <= ' ' || c > '~') {
      fail(
          "{}: is no token: it holds a blank, a control character or a character that is not ASCII",
          origin);
    }
  }
  ::prctl(PR_SET_DUMPABLE, 0);
  settings.token = Token(std::move(token));
  settings.token_origin = std::move(origin);
}

std::filesystem::path token_file() {
  const std::string path = read_variable("HF_TOKEN_PATH");
  return path.empty() ? hf_home_folder() / "token" : expand_path(path);
}

void read_token(HubSettings& settings) {
  for (const char* name : {"HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"}) {
    if (read_variable(name).empty()) continue;
    set_token(settings, read_variable(name), name);
    break;  // the first that is not empty, even if only blanks are in it
  }
  if (!settings.token.empty()) return;
  const std::filesystem::path path = token_file();
  std::error_code ignored;
  if (!std::filesystem::is_regular_file(path, ignored)) return;
  set_token(settings, read_file(path, kMaxTokenFile), path_text(path));
}

std::string read_endpoint() {
  std::string endpoint = read_variable("HF_ENDPOINT");
  if (endpoint.empty()) return HubSettings().endpoint;
  while (endpoint.ends_with('/')) endpoint.pop_back();
  const size_t host = endpoint.find("://");
  const size_t end = host == std::string::npos ? host : endpoint.find_first_of("/?#", host + 3);
  // Not shown: it may hold a password.
  if (endpoint.substr(0, end).find('@') != std::string::npos) {
    fail(
        "HF_ENDPOINT: holds a user name or a password before '@'; expected an address without them,"
        " and the token in HF_TOKEN");
  }
  if (origin_of(endpoint).empty() || endpoint.find_first_of("?#") != std::string::npos) {
    fail("HF_ENDPOINT: '{}': expected an address like https://huggingface.co",
         printable(endpoint.substr(0, endpoint.find_first_of("?#"))));
  }
  return endpoint;
}

std::chrono::milliseconds read_seconds(const char* name, std::chrono::milliseconds otherwise) {
  const std::string text = read_variable(name);
  if (text.empty()) return otherwise;
  double seconds = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (error != std::errc() || end != text.data() + text.size() || !(seconds > 0)) {
    fail("{}: '{}': expected a number of seconds above 0", name, printable(text));
  }
  return std::chrono::milliseconds(std::llround(std::min(seconds, kMaxTimeout) * 1000));
}

}  // namespace

HubSettings read_hub_settings() {
  HubSettings settings;
  settings.endpoint = read_endpoint();
  settings.cache = hub_cache_folder();
  read_token(settings);
  settings.sends_token = !is_variable_true("HF_HUB_DISABLE_IMPLICIT_TOKEN");
  settings.offline = is_variable_true(
      read_variable("HF_HUB_OFFLINE").empty() ? "TRANSFORMERS_OFFLINE" : "HF_HUB_OFFLINE");
  settings.metadata_timeout = read_seconds("HF_HUB_ETAG_TIMEOUT", settings.metadata_timeout);
  settings.download_timeout = read_seconds("HF_HUB_DOWNLOAD_TIMEOUT", settings.download_timeout);
  settings.symlinks = !is_variable_true("HF_HUB_DISABLE_SYMLINKS");
  settings.progress = !is_variable_true("HF_HUB_DISABLE_PROGRESS_BARS");
  const std::string origin = read_variable("HF_HUB_USER_AGENT_ORIGIN");
  settings.user_agent = fmt::format("qkscope/{}", version());
  if (!origin.empty()) settings.user_agent += "; origin/" + printable(origin, 100);
  return settings;
}

}  // namespace qk
