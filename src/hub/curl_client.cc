#include <curl/curl.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <exception>
#include <mutex>
#include <random>

#include "base/error.h"
#include "base/path_text.h"
#include "base/stopped.h"
#include "hub/curl_failure.h"
#include "hub/environment.h"
#include "hub/http_client.h"
#include "hub/transfer_clock.h"

namespace qk {
namespace {

constexpr size_t kMaxHeaderBytes = size_t{256} << 10;
constexpr int kPollMilliseconds = 100;
constexpr int kProxyAuthentication = 407;

// A random UUID: the Hub writes it into its log.
std::string trace_id() {
  std::random_device device;
  std::array<uint32_t, 4> words{};
  for (uint32_t& word : words) word = device();
  return fmt::format("{:08x}-{:04x}-4{:03x}-{:04x}-{:04x}{:08x}", words[0], words[1] >> 16,
                     words[1] & 0xfff, 0x8000 | (words[2] >> 18), words[2] & 0xffff, words[3]);
}

class OpenFile {
 public:
  explicit OpenFile(const std::filesystem::path& path)
      : path_(path), descriptor_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {
    if (descriptor_ < 0) fail("{}: cannot be read: {}", path_text(path), std::strerror(errno));
  }
  ~OpenFile() { ::close(descriptor_); }
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;

  size_t read(char* to, size_t size, int64_t offset) const {
    const ssize_t count = ::pread(descriptor_, to, size, offset);
    if (count < 0) fail("{}: cannot be read: {}", path_text(path_), std::strerror(errno));
    if (count == 0) fail("{}: became shorter while it was sent", path_text(path_));
    return static_cast<size_t>(count);
  }

 private:
  std::filesystem::path path_;
  int descriptor_;
};

// The body of a request, read in pieces.
class Body {
 public:
  explicit Body(const HttpRequest& request) {
    if (const auto* text = std::get_if<std::string>(&request.body)) {
      text_ = text;
      size_ = static_cast<int64_t>(text->size());
    } else if (const auto* slice = std::get_if<FileSlice>(&request.body)) {
      file_.emplace(slice->path);
      offset_ = slice->offset;
      size_ = slice->size;
    }
  }
  bool present() const { return text_ != nullptr || file_.has_value(); }
  int64_t size() const { return size_; }
  bool is_sent() const { return at_ == size_; }
  void seek(int64_t at) { at_ = at; }
  size_t read(char* to, size_t capacity) {
    size_t count = std::min(capacity, static_cast<size_t>(size_ - at_));
    if (count == 0) return 0;
    if (text_ != nullptr) {
      std::memcpy(to, text_->data() + at_, count);
    } else {
      count = file_->read(to, count, offset_ + at_);
    }
    at_ += static_cast<int64_t>(count);
    return count;
  }

 private:
  const std::string* text_ = nullptr;
  std::optional<OpenFile> file_;
  int64_t offset_ = 0, size_ = 0, at_ = 0;
};

// One request and what comes back. The callbacks are called by curl; an exception in one of them is
// kept and ends the exchange.
class Exchange {
 public:
  Exchange(const HttpRequest& request, const std::atomic<bool>* stop)
      : request_(request), stop_(stop), body_(request), clock_(request.idle_timeout) {
    response_.url = request.url;
  }

  Body& body() { return body_; }
  HttpResponse& response() { return response_; }

  void on_header(std::string_view line) {
    if (has_body_) return;  // a trailer
    header_bytes_ += line.size();
    if (header_bytes_ > kMaxHeaderBytes) {
      throw HttpFailure(HttpFault::kTooLarge, "the headers of the answer are larger than 256 KiB");
    }
    while (!line.empty() && (line.back() == '\n' || line.back() == '\r')) line.remove_suffix(1);
    if (line.starts_with("HTTP/")) {
      response_.headers = {};  // those before were of an interim answer
      return;
    }
    const size_t colon = line.find(':');
    if (colon == std::string_view::npos || colon == 0 || line[0] == ' ' || line[0] == '\t') return;
    std::string_view value = line.substr(colon + 1);
    value.remove_prefix(std::min(value.find_first_not_of(" \t"), value.size()));
    while (!value.empty() && (value.back() == ' ' || value.back() == '\t')) value.remove_suffix(1);
    response_.headers.add(std::string(line.substr(0, colon)), std::string(value));
  }
  void on_body(std::span<const std::byte> bytes, int status) {
    begin_body(status);
    if (request_.sink && is_content()) {
      const TransferClock::Pause pause(clock_);
      request_.sink(bytes);
      return;
    }
    if (response_.body.size() + bytes.size() > request_.max_body_bytes) {
      throw HttpFailure(HttpFault::kTooLarge,
                        fmt::format("the answer is larger than {} bytes", request_.max_body_bytes));
    }
    response_.body.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  }
  size_t on_read(char* to, size_t capacity) {
    const TransferClock::Pause pause(clock_);
    return body_.read(to, capacity);
  }
  void on_progress(int64_t received, int64_t sent) {
    if (stop_ != nullptr && stop_->load()) throw Stopped();
    clock_.tick(received, sent, body_.present() && !body_.is_sent(), has_body_);
    if (request_.on_sent && sent > sent_) {
      request_.on_sent(sent - sent_);
      sent_ = sent;
    }
  }
  // Once, when the headers of the answer are complete.
  void begin_body(int status) {
    if (has_body_) return;
    has_body_ = true;
    response_.status = status;
    if (request_.on_headers) request_.on_headers(response_);
  }

  template <typename Function>
  bool guard(const Function& function) {
    try {
      function();
      return true;
    } catch (...) {
      error_ = std::current_exception();
      return false;
    }
  }
  void rethrow() const {
    if (error_) std::rethrow_exception(error_);
  }

 private:
  bool is_content() const { return response_.status == 200 || response_.status == 206; }

  const HttpRequest& request_;
  const std::atomic<bool>* stop_;
  Body body_;
  TransferClock clock_;
  HttpResponse response_;
  size_t header_bytes_ = 0;
  int64_t sent_ = 0;
  bool has_body_ = false;
  std::exception_ptr error_;
};

int status_of(CURL* easy) {
  long status = 0;
  curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
  return static_cast<int>(status);
}

size_t header_callback(char* data, size_t, size_t size, void* user) {
  auto& exchange = *static_cast<Exchange*>(user);
  return exchange.guard([&] { exchange.on_header({data, size}); }) ? size : 0;
}

struct WriteTarget {
  Exchange* exchange;
  CURL* easy;
};

size_t write_callback(char* data, size_t, size_t size, void* user) {
  const auto& target = *static_cast<WriteTarget*>(user);
  const auto* bytes = reinterpret_cast<const std::byte*>(data);
  const bool ok = target.exchange->guard(
      [&] { target.exchange->on_body({bytes, size}, status_of(target.easy)); });
  return ok ? size : size + 1;
}

size_t read_callback(char* to, size_t, size_t capacity, void* user) {
  auto& exchange = *static_cast<Exchange*>(user);
  size_t count = 0;
  if (!exchange.guard([&] { count = exchange.on_read(to, capacity); })) return CURL_READFUNC_ABORT;
  return count;
}

int seek_callback(void* user, curl_off_t offset, int origin) {
  if (origin != SEEK_SET) return CURL_SEEKFUNC_CANTSEEK;
  static_cast<Exchange*>(user)->body().seek(offset);
  return CURL_SEEKFUNC_OK;
}

int progress_callback(void* user, curl_off_t, curl_off_t received, curl_off_t, curl_off_t sent) {
  auto& exchange = *static_cast<Exchange*>(user);
  return exchange.guard([&] { exchange.on_progress(received, sent); }) ? 0 : 1;
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
                                                     without_token(failure.what())));
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
  std::string without_token(std::string text) const {
    const std::string& token = settings_.token.reveal();
    for (size_t at = 0; !token.empty() && (at = text.find(token)) != std::string::npos;) {
      text.replace(at, token.size(), "***");
    }
    return text;
  }

  HttpResponse perform(const Handles& handles, const HttpRequest& request) {
    if (origin_of(request.url).empty()) {
      throw HttpFailure(HttpFault::kOther, "it is no http or https address");
    }
    std::call_once(certificates_found_, [this] { certificates_ = find_certificates(); });
    Exchange exchange(request, stop_);
    WriteTarget target{&exchange, handles.easy};
    HeaderList headers;
    add_headers(request, headers);
    std::array<char, CURL_ERROR_SIZE> reason{};
    set_connection(handles.easy, request);
    set_callbacks(handles.easy, exchange, target);
    curl_easy_setopt(handles.easy, CURLOPT_HTTPHEADER, headers.get());
    curl_easy_setopt(handles.easy, CURLOPT_ERRORBUFFER, reason.data());
    set_method(handles.easy, request, exchange);
    const CURLcode code = run(handles);
    curl_easy_setopt(handles.easy, CURLOPT_ERRORBUFFER, nullptr);
    exchange.rethrow();
    if (code != CURLE_OK) throw_curl_failure(handles.easy, code, reason.data());
    if (status_of(handles.easy) == kProxyAuthentication) {
      throw HttpFailure(HttpFault::kProxy, "the proxy wants a user name and a password (407)");
    }
    exchange.guard([&] { exchange.begin_body(status_of(handles.easy)); });
    exchange.rethrow();
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
    headers.add("Accept-Encoding: identity");
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
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS,
                     static_cast<long>(request.idle_timeout.count()));
    if (!certificates_.file.empty()) {
      curl_easy_setopt(easy, CURLOPT_CAINFO, certificates_.file.c_str());
    }
    if (!certificates_.folder.empty()) {
      curl_easy_setopt(easy, CURLOPT_CAPATH, certificates_.folder.c_str());
    }
  }

  static void set_callbacks(CURL* easy, Exchange& exchange, WriteTarget& target) {
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, &header_callback);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, &exchange);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, &write_callback);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, &target);
    curl_easy_setopt(easy, CURLOPT_READFUNCTION, &read_callback);
    curl_easy_setopt(easy, CURLOPT_READDATA, &exchange);
    curl_easy_setopt(easy, CURLOPT_SEEKFUNCTION, &seek_callback);
    curl_easy_setopt(easy, CURLOPT_SEEKDATA, &exchange);
    curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, &progress_callback);
    curl_easy_setopt(easy, CURLOPT_XFERINFODATA, &exchange);
    curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 0L);
  }

  static void set_method(CURL* easy, const HttpRequest& request, Exchange& exchange) {
    if (request.method == "HEAD") {
      curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
      return;
    }
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
