#include "hub/http_client.h"

#include <curl/curl.h>

#include <algorithm>
#include <cctype>

namespace qk {
namespace {

bool equal_without_case(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) {
    return std::tolower(static_cast<unsigned char>(x)) ==
           std::tolower(static_cast<unsigned char>(y));
  });
}

struct UrlDeleter {
  void operator()(CURLU* url) const { curl_url_cleanup(url); }
};
using Url = std::unique_ptr<CURLU, UrlDeleter>;

std::optional<std::string> url_part(const Url& url, CURLUPart part, unsigned flags) {
  char* text = nullptr;
  if (curl_url_get(url.get(), part, &text, flags) != CURLUE_OK) return std::nullopt;
  std::string out = text;
  curl_free(text);
  return out;
}

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

}  // namespace

void HttpHeaders::add(std::string name, std::string value) {
  headers_.push_back({std::move(name), std::move(value)});
}

std::optional<std::string> HttpHeaders::find(std::string_view name) const {
  for (const HttpHeader& header : headers_) {
    if (equal_without_case(header.name, name)) return header.value;
  }
  return std::nullopt;
}

std::string origin_of(std::string_view url) {
  if (url.find('\0') != std::string_view::npos) return "";
  const Url parsed(curl_url());
  if (curl_url_set(parsed.get(), CURLUPART_URL, std::string(url).c_str(), 0) != CURLUE_OK)
    return "";
  const auto scheme = url_part(parsed, CURLUPART_SCHEME, 0);
  const auto host = url_part(parsed, CURLUPART_HOST, 0);
  const auto port = url_part(parsed, CURLUPART_PORT, CURLU_DEFAULT_PORT);
  if (!scheme || !host || !port || host->empty()) return "";
  if (*scheme != "http" && *scheme != "https") return "";
  return *scheme + "://" + lower(*host) + ":" + *port;
}

std::string resolve_url(std::string_view base, std::string_view reference) {
  for (const std::string_view text : {base, reference}) {
    if (text.find('\0') != std::string_view::npos) return "";
  }
  const Url url(curl_url());
  if (curl_url_set(url.get(), CURLUPART_URL, std::string(base).c_str(), 0) != CURLUE_OK) return "";
  if (curl_url_set(url.get(), CURLUPART_URL, std::string(reference).c_str(), CURLU_URLENCODE) !=
      CURLUE_OK) {
    return "";
  }
  curl_url_set(url.get(), CURLUPART_FRAGMENT, nullptr, 0);
  return url_part(url, CURLUPART_URL, 0).value_or("");
}

}  // namespace qk
