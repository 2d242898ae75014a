#include "hub/curl_version.h"

#include <curl/curl.h>

#include <string>

namespace qk {

std::vector<LibraryVersion> http_library_versions() {
  const curl_version_info_data* const curl = curl_version_info(CURLVERSION_NOW);
  std::vector<LibraryVersion> out = {{"curl", curl->version}};
  const std::string tls =
      curl->ssl_version == nullptr ? "" : curl->ssl_version;  // "OpenSSL/3.0.17"
  if (const size_t slash = tls.find('/'); slash != std::string::npos) {
    out.push_back({tls.substr(0, slash), tls.substr(slash + 1)});
  }
  return out;
}

}  // namespace qk
