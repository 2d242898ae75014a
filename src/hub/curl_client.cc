#include <curl/curl.h>
#include <fmt/format.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <array>
#include <mutex>
#include <random>

#include "base/error.h"
#include "base/stopped.h"
#include "hub/curl_exchange.h"
#include "hub/curl_failure.h"
#include "hub/http_client.h"

namespace qk {
namespace {

constexpr int kPollMilliseconds = 100;
constexpr int kFirstError = 400;
constexpr int kProxyAuthentication = 407;

// A random UUID: the Hub writes it into its log.
std::string trace_id() {
  std::random_device device;
  std::array<uint32_t, 4> words{};
  for (uint32_t& word : words) word = device();
  return fmt::format("{:08x}-{:04x}-4{:03x}-{:04x}-{:04x}{:08x}", words[0], words[1] >> 16,
                     words[1] & 0xfff, 0x8000 | (words[2] >> 18), words[2] & 0xffff, words[3]);
}

int status_of(CURL* easy) {
  long status = 0;
  curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
  return static_cast<int>(status);
}

// What the callbacks get.
struct Transfer {
  CurlExchange& exchange;
  CURL* easy;
};

// Bytes that were written to the socket and have not reached the other side.
int64_t bytes_in_socket(CURL* easy) {
  curl_socket_t socket = CURL_SOCKET_BAD;
  int count = 0;
  const CURLcode code = curl_easy_getinfo(easy, CURLINFO_ACTIVESOCKET, &socket);
  if (code != CURLE_OK || socket == CURL_SOCKET_BAD) return 0;
  return ::ioctl(socket, SIOCOUTQ, &count) == 0 ? count : 0;
}

size_t header_callback(char* data, size_t, size_t size, void* user) {
  CurlExchange& exchange = static_cast<Transfer*>(user)->exchange;
  return exchange.guard([&] { exchange.on_header({data, size}); }) ? size : 0;
}

size_t write_callback(char* data, size_t, size_t size, void* user) {
  const auto& [exchange, easy] = *static_cast<Transfer*>(user);
  const auto* bytes = reinterpret_cast<const std::byte*>(data);
  const int status = status_of(easy);
  const bool ok = exchange.guard([&] { exchange.on_body({bytes, size}, status); });
  return ok && !exchange.is_enough() ? size : size + 1;
}

size_t read_callback(char* to, size_t, size_t capacity, void* user) {
  CurlExchange& exchange = static_cast<Transfer*>(user)->exchange;
  size_t count = 0;
  if (!exchange.guard([&] { count = exchange.on_read(to, capacity); })) return CURL_READFUNC_ABORT;
  return count;
}

int seek_callback(void* user, curl_off_t offset, int origin) {
  if (origin != SEEK_SET) return CURL_SEEKFUNC_CANTSEEK;
  static_cast<Transfer*>(user)->exchange.body().seek(offset);
  return CURL_SEEKFUNC_OK;
}

int progress_callback(void* user, curl_off_t, curl_off_t received, curl_off_t, curl_off_t sent) {
  const auto& [exchange, easy] = *static_cast<Transfer*>(user);
  const int64_t unsent = sent > 0 ? bytes_in_socket(easy) : 0;
  return exchange.guard([&] { exchange.on_progress(received, sent, unsent); }) ? 0 : 1;
}

// A list of headers as curl takes it.
class HeaderList {
 public:
  HeaderList() = default;
  ~HeaderList() { curl_slist_free_all(list_); }
  HeaderList(const HeaderList&) = delete;
  HeaderList& operator=(const HeaderList&) = delete;
  void add(const std::string& line) {
    if (line.find_first_of(std::string_view("\r\n\0", 3)) != std::string::npos) {
      throw HttpFailure(HttpFault::kOther, "a header of the request would hold a line break");
    }
    list_ = curl_slist_append(list_, line.c_str());
  }
  curl_slist* get() const { return list_; }

 private:
  curl_slist* list_ = nullptr;
};

class CurlClient final : public HttpClient {
 public:
  CurlClient(const HubSettings& settings, const std::atomic<bool>* stop)
      : settings_(settings), token_origin_(origin_of(settings.endpoint)), stop_(stop) {
    static const CURLcode initialised = curl_global_init(CURL_GLOBAL_DEFAULT);
    QK_CHECK(initialised == CURLE_OK);
    share_ = curl_share_init();
    QK_CHECK(share_ != nullptr);
    curl_share_setopt(share_, CURLSHOPT_LOCKFUNC, &CurlClient::lock);
    curl_share_setopt(share_, CURLSHOPT_UNLOCKFUNC, &CurlClient::unlock);
    curl_share_setopt(share_, CURLSHOPT_USERDATA, this);
    curl_share_setopt(share_, CURLSHOPT_SHARE, CURL_LOCK_DATA_DNS);
    curl_share_setopt(share_, CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION);
  }
  ~CurlClient() override {
    for (const Handles& handles : idle_) {
      curl_multi_cleanup(handles.multi);
      curl_easy_cleanup(handles.easy);
    }
    curl_share_cleanup(share_);
  }
  CurlClient(const CurlClient&) = delete;
  CurlClient& operator=(const CurlClient&) = delete;

  HttpResponse send(const HttpRequest& request) override {
    if (stop_ != nullptr && stop_->load()) throw Stopped();
    const Lease lease(*this);
    try {
      return perform(lease.handles, request);
    } catch (const HttpFailure& failure) {
      throw HttpFailure(failure.fault(), fmt::format("{}: {}", host_text(request.url),
                                                     settings_.token.removed_from(failure.what())));
    }
  }

 private:
  // An easy handle in a multi handle of its own, which keeps its connections.
  struct Handles {
    CURL* easy;
    CURLM* multi;
  };
  struct Lease {
    explicit Lease(CurlClient& owner) : client(owner), handles(owner.take()) {}
    ~Lease() { client.give_back(handles); }
    Lease(const Lease&) = delete;
    Lease& operator=(const Lease&) = delete;
    CurlClient& client;
    Handles handles;
  };

  Handles take() {
    const std::lock_guard guard(mutex_);
    if (idle_.empty()) {
      const Handles made{curl_easy_init(), curl_multi_init()};
      QK_CHECK(made.easy != nullptr && made.multi != nullptr);
      return made;
    }
    const Handles handles = idle_.back();
    idle_.pop_back();
    return handles;
  }
  void give_back(Handles handles) {
    curl_multi_remove_handle(handles.multi, handles.easy);
    curl_easy_reset(handles.easy);
    const std::lock_guard guard(mutex_);
    idle_.push_back(handles);
  }

  std::string host_text(const std::string& url) const {
    const std::string origin = origin_of(url);
    return origin.empty() ? "the address" : origin;
  }

  HttpResponse perform(const Handles& handles, const HttpRequest& request) {
    if (origin_of(request.url).empty()) {
      throw HttpFailure(HttpFault::kOther, "it is no http or https address");
    }
    std::call_once(certificates_found_, [this] { certificates_ = find_certificates(); });
    CurlExchange exchange(request, stop_);
    Transfer transfer{exchange, handles.easy};
    HeaderList headers;
    add_headers(request, headers);
    std::array<char, CURL_ERROR_SIZE> reason{};
    set_connection(handles.easy, request);
    set_callbacks(transfer);
    curl_easy_setopt(handles.easy, CURLOPT_HTTPHEADER, headers.get());
    curl_easy_setopt(handles.easy, CURLOPT_ERRORBUFFER, reason.data());
    set_method(handles.easy, request, exchange);
    const CURLcode code = run(handles);
    curl_easy_setopt(handles.easy, CURLOPT_ERRORBUFFER, nullptr);
    exchange.rethrow();
    const int status = status_of(handles.easy);
    // An error's status is an answer, whatever becomes of the rest.
    if (code != CURLE_OK && status < kFirstError) {
      throw_curl_failure(handles.easy, code, reason.data());
    }
    if (!exchange.has_headers()) {
      throw HttpFailure(HttpFault::kInterrupted, "the connection was cut within the headers");
    }
    if (status == kProxyAuthentication) {
      throw HttpFailure(
          HttpFault::kProxy,
          "the proxy wants a user name and a password (status 407): check HTTP_PROXY");
    }
    exchange.begin_body(status);
    return std::move(exchange.response());
  }

  void add_headers(const HttpRequest& request, HeaderList& headers) const {
    bool has_type = false, has_authorization = false;
    for (const HttpHeader& header : request.headers) {
      headers.add(header.name + ": " + header.value);
      HttpHeaders one;
      one.add(header.name, "");
      has_type = has_type || one.find("content-type").has_value();
      has_authorization = has_authorization || one.find("authorization").has_value();
    }
    headers.add("Expect:");  // curl would wait for "100 Continue"
    headers.add("Transfer-Encoding:");
    headers.add("X-Amzn-Trace-Id: " + trace_id());
    if (!has_type) headers.add("Content-Type:");
    const bool is_own_host = origin_of(request.url) == token_origin_;
    if (request.with_token && is_own_host && !has_authorization && !settings_.token.empty()) {
      headers.add("Authorization: Bearer " + settings_.token.reveal());
    }
  }

  void set_connection(CURL* easy, const HttpRequest& request) const {
    curl_easy_setopt(easy, CURLOPT_URL, request.url.c_str());
    curl_easy_setopt(easy, CURLOPT_SHARE, share_);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(easy, CURLOPT_NETRC, CURL_NETRC_IGNORED);
    curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, settings_.user_agent.c_str());
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
    curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);  // a stop does not wait for a name server
    // Asked for as it is; should a proxy pack it nevertheless, it is unpacked.
    curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, "identity");
    const auto connect_timeout = std::min(request.idle_timeout, settings_.download_timeout);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(connect_timeout.count()));
    if (const std::string proxy = upper_case_proxy(request.url); !proxy.empty()) {
      curl_easy_setopt(easy, CURLOPT_PROXY, proxy.c_str());
    }
    if (!certificates_.file.empty()) {
      curl_easy_setopt(easy, CURLOPT_CAINFO, certificates_.file.c_str());
    }
    if (!certificates_.folder.empty()) {
      curl_easy_setopt(easy, CURLOPT_CAPATH, certificates_.folder.c_str());
    }
  }

  static void set_callbacks(Transfer& transfer) {
    CURL* const easy = transfer.easy;
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, &header_callback);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, &transfer);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, &write_callback);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, &transfer);
    curl_easy_setopt(easy, CURLOPT_READFUNCTION, &read_callback);
    curl_easy_setopt(easy, CURLOPT_READDATA, &transfer);
    curl_easy_setopt(easy, CURLOPT_SEEKFUNCTION, &seek_callback);
    curl_easy_setopt(easy, CURLOPT_SEEKDATA, &transfer);
    curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, &progress_callback);
    curl_easy_setopt(easy, CURLOPT_XFERINFODATA, &transfer);
    curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 0L);
  }

  static void set_method(CURL* easy, const HttpRequest& request, CurlExchange& exchange) {
    if (request.method == "GET" && !exchange.body().present()) return;
    if (exchange.body().present() || request.method != "DELETE") {
      curl_easy_setopt(easy, CURLOPT_UPLOAD, 1L);
      curl_easy_setopt(easy, CURLOPT_INFILESIZE_LARGE,
                       static_cast<curl_off_t>(exchange.body().size()));
    }
    curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request.method.c_str());
  }

  static CURLcode run(const Handles& handles) {
    curl_multi_add_handle(handles.multi, handles.easy);
    for (int num_running = 1; num_running > 0;) {
      if (curl_multi_perform(handles.multi, &num_running) != CURLM_OK) return CURLE_OUT_OF_MEMORY;
      if (num_running > 0) {
        curl_multi_poll(handles.multi, nullptr, 0, kPollMilliseconds, nullptr);
      }
    }
    int num_left = 0;
    const CURLMsg* message = curl_multi_info_read(handles.multi, &num_left);
    const CURLcode code = message == nullptr ? CURLE_OUT_OF_MEMORY : message->data.result;
    curl_multi_remove_handle(handles.multi, handles.easy);
    return code;
  }

  static void lock(CURL*, curl_lock_data data, curl_lock_access, void* self) {
    static_cast<CurlClient*>(self)->share_mutexes_.at(data).lock();
  }
  static void unlock(CURL*, curl_lock_data data, void* self) {
    static_cast<CurlClient*>(self)->share_mutexes_.at(data).unlock();
  }

  HubSettings settings_;
  std::string token_origin_;
  const std::atomic<bool>* stop_;
  std::once_flag certificates_found_;
  Certificates certificates_;
  CURLSH* share_ = nullptr;
  std::array<std::mutex, CURL_LOCK_DATA_LAST> share_mutexes_;
  std::mutex mutex_;
  std::vector<Handles> idle_;
};

}  // namespace

std::unique_ptr<HttpClient> make_curl_client(const HubSettings& settings,
                                             const std::atomic<bool>* stop) {
  return std::make_unique<CurlClient>(settings, stop);
}

}  // namespace qk
