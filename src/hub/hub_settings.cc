#include "hub/hub_settings.h"

#include <fmt/format.h>
#include <sys/prctl.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <fstream>
#include <string_view>

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
constexpr size_t kTokenBegin = 8;
constexpr std::array<const char*, 2> kTokenVariables = {"HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"};
constexpr size_t kShortestSecret = 4;  // less would take apart the words around it

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

// The file may be a pipe ("HF_TOKEN_PATH=<(pass show hf)").
std::string read_token_file(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::string text(kMaxTokenFile + 1, '\0');
  if (file) file.read(text.data(), static_cast<std::streamsize>(text.size()));
  const bool is_read = file.is_open() && !file.bad();
  if (!is_read || std::filesystem::is_directory(path)) {
    fail("{}: the token in it cannot be read", path_text(path));
  }
  text.resize(static_cast<size_t>(file.gcount()));
  if (text.size() > kMaxTokenFile) fail("{}: is too large to hold a token", path_text(path));
  return text;
}

void read_token(HubSettings& settings) {
  for (const char* name : kTokenVariables) {
    if (read_variable(name).empty()) continue;
    set_token(settings, read_variable(name), name);
    break;  // the first that is not empty, even if only blanks are in it
  }
  if (!settings.token.empty()) return;
  const std::filesystem::path path = token_file();
  std::error_code ignored;
  if (!std::filesystem::exists(path, ignored)) return;
  set_token(settings, read_token_file(path), path_text(path));
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
  if (error != std::errc() || end != text.data() + text.size() || !(seconds >= 0)) {
    fail("{}: '{}': expected a number of seconds", name, printable(text));
  }
  if (seconds == 0) return otherwise;
  return std::chrono::milliseconds(std::llround(std::min(seconds, kMaxTimeout) * 1000));
}

}  // namespace

std::string Token::removed_from(std::string text) const {
  constexpr std::string_view kInstead = "***";
  if (text_.size() < kShortestSecret) return text;
  // Of a long token a text that was cut may hold a part.
  const std::string begin =
      text_.substr(0, text_.size() < 2 * kTokenBegin ? text_.npos : kTokenBegin);
  for (size_t at = 0; (at = text.find(begin, at)) != std::string::npos; at += kInstead.size()) {
    size_t length = begin.size();
    while (length < text_.size() && at + length < text.size() &&
           text[at + length] == text_[length]) {
      ++length;
    }
    text.replace(at, length, kInstead);
  }
  return text;
}

void hide_token_from_cores() {
  for (const char* name : kTokenVariables) {
    if (!read_variable(name).empty()) ::prctl(PR_SET_DUMPABLE, 0);
  }
}

HubSettings read_hub_settings() {
  HubSettings settings;
  settings.endpoint = read_endpoint();
  settings.cache = hub_cache_folder();
  read_token(settings);
  settings.sends_token = !is_variable_true("HF_HUB_DISABLE_IMPLICIT_TOKEN");
  settings.datasets_offline = is_variable_true("HF_DATASETS_OFFLINE");
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
