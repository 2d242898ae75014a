// libcurl's errors as ours, and what it takes from the environment: certificates and proxies.
#pragma once

#include <curl/curl.h>

#include <filesystem>
#include <string>

namespace qk {

// REQUIRES: the transfer of `easy` ended with `code`, which is not CURLE_OK.
//   reason  curl's own words (CURLOPT_ERRORBUFFER)
[[noreturn]] void throw_curl_failure(CURL* easy, CURLcode code, const std::string& reason);

// Empty: curl's own.
struct Certificates {
  std::string file, folder;
};
// The first that is set of SSL_CERT_FILE and SSL_CERT_DIR, which Python's client reads today, and
// REQUESTS_CA_BUNDLE and CURL_CA_BUNDLE, which it read before; each may name a file or a folder. Throws Error if there is nothing.
// If none is set and curl's own file is not there, as on other systems than it was built on: the system's.
Certificates find_certificates();
// The file of certificates of the system below `root`; empty: none where distributions have it.
std::string system_certificates(const std::filesystem::path& root);

// The proxy that HTTP_PROXY names for an http address, as Python's client has it: curl itself reads
// http_proxy only, which wins. Empty: none, or it is not for curl to be told.
std::string upper_case_proxy(const std::string& url);

}  // namespace qk
