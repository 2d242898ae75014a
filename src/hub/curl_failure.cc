#include "hub/curl_failure.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <string_view>

#include "base/error.h"
#include "base/path_text.h"
#include "hub/environment.h"
#include "hub/http_client.h"

namespace qk {
namespace {

constexpr long kFirstNotConnected = 300;

bool was_cut(CURL* easy) {
  long number = 0;
  curl_easy_getinfo(easy, CURLINFO_OS_ERRNO, &number);
  return number == ECONNRESET || number == EPIPE || number == ETIMEDOUT;
}

// The proxy's answer to CONNECT if that was no success; else 0.
long refusal_of_proxy(CURL* easy) {
  long status = 0;
  curl_easy_getinfo(easy, CURLINFO_HTTP_CONNECTCODE, &status);
  return status >= kFirstNotConnected ? status : 0;
}

HttpFault fault_of(CURL* easy, CURLcode code) {
  switch (code) {
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
      return HttpFault::kResolve;
    case CURLE_COULDNT_CONNECT:
      return HttpFault::kConnect;
    case CURLE_PROXY:
      return HttpFault::kProxy;
    case CURLE_OPERATION_TIMEDOUT:
      return HttpFault::kTimeout;
    case CURLE_SSL_CONNECT_ERROR:
      return was_cut(easy) ? HttpFault::kInterrupted : HttpFault::kTls;
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_ENGINE_NOTFOUND:
    case CURLE_SSL_ENGINE_SETFAILED:
    case CURLE_SSL_INVALIDCERTSTATUS:
      return HttpFault::kTls;
    case CURLE_PARTIAL_FILE:
    case CURLE_GOT_NOTHING:
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
    case CURLE_SEND_FAIL_REWIND:
      return HttpFault::kInterrupted;
    default:
      return HttpFault::kOther;
  }
}

std::string_view meaning(HttpFault fault) {
  switch (fault) {
    case HttpFault::kResolve:
      return "the name of the host is not known";
    case HttpFault::kConnect:
      return "cannot be connected to";
    case HttpFault::kProxy:
      return "the proxy refused";
    case HttpFault::kTls:
      return "no trusted encrypted connection";
    case HttpFault::kTimeout:
      return "no answer in time";
    case HttpFault::kInterrupted:
      return "the connection was cut";
    default:
      return "the exchange failed";
  }
}

std::string_view advice(HttpFault fault) {
  if (fault != HttpFault::kTls) return "";
  return ": if you trust the server or the proxy, set SSL_CERT_FILE to its certificate";
}

}  // namespace

void throw_curl_failure(CURL* easy, CURLcode code, const std::string& reason) {
  if (const long status = refusal_of_proxy(easy); status != 0) {
    throw HttpFailure(HttpFault::kProxy,
                      fmt::format("the proxy refused the connection (status {}): check "
                                  "HTTPS_PROXY, HTTP_PROXY and NO_PROXY",
                                  status));
  }
  // curl quotes the proxy's address, which may hold a password.
  if (reason.starts_with("Unsupported proxy")) {
    throw HttpFailure(HttpFault::kProxy,
                      "the address of the proxy cannot be used: check HTTPS_PROXY, HTTP_PROXY and "
                      "ALL_PROXY");
  }
  const HttpFault fault = fault_of(easy, code);
  std::string words = printable(reason.empty() ? curl_easy_strerror(code) : reason, 200);
  throw HttpFailure(fault, fmt::format("{} ({}){}", meaning(fault), words, advice(fault)));
}

Certificates find_certificates() {
  for (const char* name :
       {"SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"}) {
    const std::string text = read_variable(name);
    if (text.empty()) continue;
    const std::filesystem::path path = expand_path(text);
    std::error_code ignored;
    if (std::filesystem::is_directory(path, ignored)) return {"", path.string()};
    if (std::filesystem::exists(path, ignored)) return {path.string(), ""};
    fail("{}: {}: there is no such file of certificates", name, path_text(path));
  }
  const char* const own = curl_version_info(CURLVERSION_NOW)->cainfo;
  std::error_code ignored;
  if (own == nullptr || std::filesystem::exists(own, ignored)) return {};
  return {system_certificates("/"), ""};
}

std::string system_certificates(const std::filesystem::path& root) {
  for (const char* file : {"etc/ssl/certs/ca-certificates.crt",  // Debian, Ubuntu
                           "etc/pki/tls/certs/ca-bundle.crt",    // RHEL, Fedora
                           "etc/ssl/ca-bundle.pem"}) {           // openSUSE
    std::error_code ignored;
    if (std::filesystem::exists(root / file, ignored)) return root / file;
  }
  return "";
}

std::string upper_case_proxy(const std::string& url) {
  // A web server puts the header "Proxy" of a request there, beside REQUEST_METHOD.
  const bool is_set =
      std::getenv("http_proxy") != nullptr || std::getenv("REQUEST_METHOD") != nullptr;
  return is_set || !origin_of(url).starts_with("http://") ? "" : read_variable("HTTP_PROXY");
}

}  // namespace qk
