#include "hub/curl_exchange.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/error.h"
#include "base/path_text.h"
#include "base/stopped.h"

namespace qk {
namespace {

constexpr size_t kMaxHeaderBytes = size_t{256} << 10;
constexpr size_t kMaxErrorBytes = size_t{256} << 10;  // of an answer that is an error
constexpr int kFirstRedirect = 300;

std::string_view without_end(std::string_view text, std::string_view unwanted) {
  const size_t last = text.find_last_not_of(unwanted);
  return text.substr(0, last == std::string_view::npos ? 0 : last + 1);
}

}  // namespace

SliceFile::SliceFile(const std::filesystem::path& path)
    : path_(path), descriptor_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {
  if (descriptor_ < 0) fail("{}: cannot be read: {}", path_text(path), std::strerror(errno));
}

SliceFile::~SliceFile() { ::close(descriptor_); }

size_t SliceFile::read(char* to, size_t size, int64_t offset) const {
  ssize_t count = 0;
  do {
    count = ::pread(descriptor_, to, size, offset);
  } while (count < 0 && errno == EINTR);
  if (count < 0) fail("{}: cannot be read: {}", path_text(path_), std::strerror(errno));
  if (count == 0) fail("{}: became shorter while it was sent", path_text(path_));
  return static_cast<size_t>(count);
}

RequestBody::RequestBody(const HttpRequest& request) {
  if (const auto* text = std::get_if<std::string>(&request.body)) {
    text_ = text;
    size_ = static_cast<int64_t>(text->size());
  } else if (const auto* slice = std::get_if<FileSlice>(&request.body)) {
    file_.emplace(slice->path);
    offset_ = slice->offset;
    size_ = slice->size;
  }
}

size_t RequestBody::read(char* to, size_t capacity) {
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

CurlExchange::CurlExchange(const HttpRequest& request, const std::atomic<bool>* stop)
    : request_(request), stop_(stop), body_(request), clock_(request.idle_timeout) {
  response_.url = request.url;
}

void CurlExchange::on_header(std::string_view line) {
  if (has_body_) return;  // a trailer
  header_bytes_ += line.size();
  if (header_bytes_ > kMaxHeaderBytes) {
    throw HttpFailure(HttpFault::kTooLarge, "the headers of the answer are larger than 256 KiB");
  }
  line = without_end(line, "\r\n");
  if (line.starts_with("HTTP/")) {
    response_.headers = {};  // those before were of an interim answer
    has_headers_ = false;
    return;
  }
  has_headers_ = has_headers_ || line.empty();
  const size_t colon = line.find(':');
  if (colon == std::string_view::npos || colon == 0 || line[0] == ' ' || line[0] == '\t') return;
  std::string_view value = without_end(line.substr(colon + 1), " \t");
  value.remove_prefix(std::min(value.find_first_not_of(" \t"), value.size()));
  response_.headers.add(std::string(line.substr(0, colon)), std::string(value));
}

void CurlExchange::on_body(std::span<const std::byte> bytes, int status) {
  begin_body(status);
  if (request_.sink && is_content()) {
    const TransferClock::Pause pause(clock_);
    request_.sink(bytes);
    return;
  }
  const size_t total = response_.body.size() + bytes.size();
  is_enough_ =
      status >= kFirstRedirect && total > std::min(kMaxErrorBytes, request_.max_body_bytes);
  if (is_enough_) return;
  if (total > request_.max_body_bytes) {
    throw HttpFailure(HttpFault::kTooLarge,
                      fmt::format("the answer is larger than {} bytes", request_.max_body_bytes));
  }
  response_.body.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

size_t CurlExchange::on_read(char* to, size_t capacity) {
  const TransferClock::Pause pause(clock_);
  return body_.read(to, capacity);
}

void CurlExchange::on_progress(int64_t received, int64_t sent, int64_t unsent) {
  if (stop_ != nullptr && stop_->load()) throw Stopped();
  if (request_.check) request_.check();
  const int64_t gone = std::max<int64_t>(sent - unsent, 0);
  clock_.tick(received, gone, body_.present() && gone < body_.size(), has_body_);
  if (request_.on_sent && gone > sent_) {
    request_.on_sent(gone - sent_);
    sent_ = gone;
  }
}

void CurlExchange::begin_body(int status) {
  if (has_body_) return;
  has_body_ = true;
  response_.status = status;
  if (request_.on_headers) request_.on_headers(response_);
}

void CurlExchange::rethrow() const {
  if (error_) std::rethrow_exception(error_);
}

}  // namespace qk
