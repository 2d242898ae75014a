// Cuts a JSON file into the texts of its rows without reading it whole: the lines of JSON Lines, or
// the elements of one list. Whether a row's text is valid JSON is left to its parser.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "corpus/byte_source.h"

namespace qk {

class JsonPieces {
 public:
  // file: what errors call the file.
  JsonPieces(std::unique_ptr<ByteSource> bytes, std::string file);
  // Puts the next row's text into `text`; false at the end. Blank lines are skipped, and a byte
  // order mark at the start of the file. Throws Error: a row above 1 GiB, a list that does not
  // close, or text after it.
  bool next(std::string& text);
  // "line 3" (from 1) or "row 2" of a list (from 0): the row that next() gave last.
  std::string place() const;

 private:
  bool fill();
  bool peek(char& c);
  void append(std::string& text, size_t n);
  void start();
  bool next_line(std::string& text);
  bool next_element(std::string& text);
  void read_element(std::string& text);
  void expect_end();

  std::unique_ptr<ByteSource> bytes_;
  std::string file_;
  std::string buffer_;
  size_t begin_ = 0;  // of what is not used yet in the buffer
  size_t end_ = 0;
  bool started_ = false;
  bool is_list_ = false;
  bool list_closed_ = false;
  int64_t lines_ = 0;  // line ends read so far
  int64_t rows_ = 0;   // elements given so far
};

}  // namespace qk
