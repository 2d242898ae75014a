#include "corpus/json_pieces.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "base/error.h"

namespace qk {
namespace {

constexpr size_t kBufferBytes = size_t{1} << 16;
constexpr size_t kMaxRowBytes = size_t{1} << 30;
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

bool is_blank(std::string_view text) { return std::all_of(text.begin(), text.end(), is_space); }

}  // namespace

JsonPieces::JsonPieces(std::unique_ptr<ByteSource> bytes, std::string file)
    : bytes_(std::move(bytes)), file_(std::move(file)), buffer_(kBufferBytes, '\0') {}

std::string JsonPieces::place() const {
  return is_list_ ? fmt::format("row {}", rows_ - 1) : fmt::format("line {}", lines_);
}

bool JsonPieces::next(std::string& text) {
  if (!std::exchange(started_, true)) start();
  text.clear();
  return is_list_ ? next_element(text) : next_line(text);
}

// Refills the buffer when it is empty; false at the end of the file.
bool JsonPieces::fill() {
  if (begin_ < end_) return true;
  begin_ = 0;
  end_ = bytes_->read({buffer_.data(), buffer_.size()});
  return end_ != 0;
}

bool JsonPieces::peek(char& c) {
  if (!fill()) return false;
  c = buffer_[begin_];
  return true;
}

// Moves n bytes of the buffer to the text.
void JsonPieces::append(std::string& text, size_t n) {
  if (text.size() + n > kMaxRowBytes) {
    fail("{} {}: expected a row of at most 1 GiB, found a longer one", file_,
         is_list_ ? fmt::format("row {}", rows_) : fmt::format("line {}", lines_ + 1));
  }
  text.append(buffer_, begin_, n);
  begin_ += n;
}

void JsonPieces::start() {
  // The mark is looked for in the first bytes, which may arrive one by one.
  while (end_ < kByteOrderMark.size()) {
    const size_t n = bytes_->read({buffer_.data() + end_, buffer_.size() - end_});
    if (n == 0) break;
    end_ += n;
  }
  if (std::string_view(buffer_.data(), end_).starts_with(kByteOrderMark)) {
    begin_ = kByteOrderMark.size();
  }
  char c = '\0';
  while (peek(c) && is_space(c)) {
    lines_ += c == '\n' ? 1 : 0;
    ++begin_;
  }
  is_list_ = c == '[';
  if (is_list_) ++begin_;
}

bool JsonPieces::next_line(std::string& text) {
  while (fill()) {
    const std::string_view ready(buffer_.data() + begin_, end_ - begin_);
    append(text, std::min(ready.find('\n'), ready.size()));
    if (begin_ == end_) continue;
    ++begin_;
    ++lines_;
    if (!is_blank(text)) return true;
    text.clear();
  }
  if (is_blank(text)) return false;
  ++lines_;  // a last line without an end
  return true;
}

// Up to the ',' or ']' after the element, which stays in the buffer.
void JsonPieces::read_element(std::string& text) {
  size_t depth = 0;
  bool in_string = false;
  bool escaped = false;
  while (fill()) {
    size_t i = begin_;
    for (; i < end_; ++i) {
      const char c = buffer_[i];
      if (in_string) {
        if (!escaped && c == '"') in_string = false;
        escaped = !escaped && c == '\\';
        continue;
      }
      if (depth == 0 && (c == ',' || c == ']')) break;
      in_string = c == '"';
      depth += c == '{' || c == '[' ? 1 : 0;
      if ((c == '}' || c == ']') && depth > 0) --depth;
    }
    const bool found = i < end_;
    append(text, i - begin_);
    if (found) return;
  }
  fail("{} row {}: the list ends inside this row", file_, rows_);
}

bool JsonPieces::next_element(std::string& text) {
  if (list_closed_) return false;
  read_element(text);
  const bool closes = buffer_[begin_] == ']';
  ++begin_;
  if (closes) {
    list_closed_ = true;
    expect_end();
    if (is_blank(text) && rows_ == 0) return false;
  }
  ++rows_;
  if (is_blank(text)) fail("{} row {}: expected an object, found nothing", file_, rows_ - 1);
  return true;
}

void JsonPieces::expect_end() {
  char c = '\0';
  while (peek(c)) {
    if (!is_space(c)) fail("{}: expected nothing after the list, found more", file_);
    ++begin_;
  }
}

}  // namespace qk
