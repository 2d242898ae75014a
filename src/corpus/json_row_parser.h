// The text and the id of one JSON object, without building the rest of it.
#pragma once

#include <string>
#include <string_view>

#include "corpus/row_reader.h"

namespace qk {

struct JsonRow {
  std::string text;
  RawId id;               // null without an id column
  bool has_text = false;  // the key is there
  bool has_id = false;
  TextFault fault = TextFault::kNone;
  std::string_view other_kind{};  // "a number": of a text that is neither a string nor null
  std::string keys;               // the first ones, joined by ", ", for messages
};

// Parses one object; `json` is consumed. Throws Error, its message starting with `where`, as
// read_json_rows() lists them; an absent text or id is not an error here.
JsonRow parse_json_row(std::string& json, const Columns& columns, const std::string& where);

}  // namespace qk
