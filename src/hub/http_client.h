// One HTTP exchange. Knows nothing of the Hub but whose host may see the token.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/error.h"
#include "hub/hub_settings.h"

namespace qk {

struct HttpHeader {
  std::string name, value;
};

// Of a response: names are compared without case.
class HttpHeaders {
 public:
  void add(std::string name, std::string value);
  // The first header of this name.
  std::optional<std::string> find(std::string_view name) const;
  const std::vector<HttpHeader>& all() const { return headers_; }

 private:
  std::vector<HttpHeader> headers_;
};

struct FileSlice {
  std::filesystem::path path;
  int64_t offset = 0, size = 0;
};

struct HttpRequest {
  std::string method = "GET";
  std::string url;
  std::vector<HttpHeader> headers{};
  std::variant<std::monostate, std::string, FileSlice> body{};
  // Whether the token goes along; it never does unless the url has scheme, host and port of the
  // endpoint.
  bool with_token = true;
  // The body of a 200 or 206 goes here, piece by piece; of other answers, or without a sink, into
  // HttpResponse::body. on_headers is called once, before the first piece, with an empty body.
  std::function<void(const struct HttpResponse&)> on_headers{};
  std::function<void(std::span<const std::byte>)> sink{};
  size_t max_body_bytes = size_t{64} << 20;  // of a body that is kept; more: HttpFailure
  // Without a byte; for connecting no more than HubSettings::download_timeout.
  std::chrono::milliseconds idle_timeout{10'000};
  std::function<void(int64_t)> on_sent{};  // bytes of the body sent since the last call
  std::function<void()> check{};           // called often; what it throws ends the exchange
};

struct HttpResponse {
  int status = 0;
  HttpHeaders headers;
  std::string body;
  std::string url;  // of the request
};

enum class HttpFault : uint8_t {
  kResolve,      // the host's name is not known
  kConnect,      // refused, unreachable
  kProxy,        // the proxy refused
  kTls,          // certificate or handshake
  kTimeout,      // no byte within idle_timeout
  kSlow,         // below 1 kB/s for 30 s
  kInterrupted,  // the connection was closed within the answer
  kTooLarge,     // more than max_body_bytes
  kOther,
};

// No whole answer came. The sentence names host and reason, never the query of the address (it may be
// signed) and never a header.
class HttpFailure : public Error {
 public:
  HttpFailure(HttpFault fault, const std::string& sentence) : Error(sentence), fault_(fault) {}
  HttpFault fault() const { return fault_; }
  // Whether the same request may succeed a moment later.
  bool is_transient() const {
    return fault_ != HttpFault::kTls && fault_ != HttpFault::kProxy &&
           fault_ != HttpFault::kTooLarge && fault_ != HttpFault::kOther;
  }

 private:
  HttpFault fault_;
};

// Threads: send() from many at once; each exchange has its own connection, reused by later ones.
class HttpClient {
 public:
  virtual ~HttpClient() = default;
  // Any status is an answer. Redirects are not followed. Throws HttpFailure; Stopped (base/stopped.h)
  // within a second of the stop; whatever the request's functions throw; Error if a FileSlice cannot be
  // read.
  virtual HttpResponse send(const HttpRequest& request) = 0;
};

// With libcurl. Proxies and certificates as curl finds them in the environment (HTTPS_PROXY,
// NO_PROXY), and HTTP_PROXY, SSL_CERT_FILE, SSL_CERT_DIR, REQUESTS_CA_BUNDLE, CURL_CA_BUNDLE as
// Python's clients take them. Never from ~/.netrc.
//   stop  none: cannot be stopped
std::unique_ptr<HttpClient> make_curl_client(const HubSettings& settings,
                                             const std::atomic<bool>* stop);

// Scheme, host and port of an address in a form that can be compared ("https://h:443"); empty if it
// is not an http(s) address.
std::string origin_of(std::string_view url);
// The address that a Location or Link header means when it came with an answer from `base`.
std::string resolve_url(std::string_view base, std::string_view reference);

}  // namespace qk
