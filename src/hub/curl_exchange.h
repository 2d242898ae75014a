// One request and what comes back, piece by piece as libcurl's callbacks deliver it.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "hub/http_client.h"
#include "hub/transfer_clock.h"

namespace qk {

// A file that is read from any place.
class SliceFile {
 public:
  // Throws Error.
  explicit SliceFile(const std::filesystem::path& path);
  ~SliceFile();
  SliceFile(const SliceFile&) = delete;
  SliceFile& operator=(const SliceFile&) = delete;
  // At most `size` bytes, at least one. Throws Error: the file cannot be read or ends before.
  size_t read(char* to, size_t size, int64_t offset) const;

 private:
  std::filesystem::path path_;
  int descriptor_;
};

// The body of a request.
class RequestBody {
 public:
  // Throws Error if the file cannot be opened.
  explicit RequestBody(const HttpRequest& request);
  bool present() const { return text_ != nullptr || file_.has_value(); }
  int64_t size() const { return size_; }
  void seek(int64_t at) { at_ = at; }
  // The next bytes; 0 at the end.
  size_t read(char* to, size_t capacity);

 private:
  const std::string* text_ = nullptr;
  std::optional<SliceFile> file_;
  int64_t offset_ = 0, size_ = 0, at_ = 0;
};

// All functions but guard() may throw; the caller is C and passes them to guard().
class CurlExchange {
 public:
  CurlExchange(const HttpRequest& request, const std::atomic<bool>* stop);

  RequestBody& body() { return body_; }
  HttpResponse& response() { return response_; }

  // One line: of a status, a header, or a trailer.
  void on_header(std::string_view line);
  void on_body(std::span<const std::byte> bytes, int status);
  size_t on_read(char* to, size_t capacity);
  //   received, sent  bytes of the bodies so far
  //   unsent          of the bytes that count as sent, those that wait in the socket
  void on_progress(int64_t received, int64_t sent, int64_t unsent);
  // Once, when the headers of the answer are complete.
  void begin_body(int status);

  // False if the function threw: rethrow() does it again when curl has returned.
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
  void rethrow() const;
  // Whether the headers of the answer came to their end.
  bool has_headers() const { return has_headers_; }
  // Whether the rest of the body is not wanted: an error said enough.
  bool is_enough() const { return is_enough_; }

 private:
  bool is_content() const { return response_.status == 200 || response_.status == 206; }

  const HttpRequest& request_;
  const std::atomic<bool>* stop_;
  RequestBody body_;
  TransferClock clock_;
  HttpResponse response_;
  size_t header_bytes_ = 0;
  int64_t sent_ = 0;
  bool has_headers_ = false, has_body_ = false, is_enough_ = false;
  std::exception_ptr error_;
};

}  // namespace qk
