// Which heads a page shows: --heads 'l12*,l20h03'.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "heads/head_id.h"

namespace qk {

// "l20h03": layer 20, query head 3, as datasets name the folders of heads.
std::string head_name(const HeadId& head);

class HeadChoice {
 public:
  HeadChoice() = default;  // all heads
  // Names with commas between them; * stands for any text, ? for one character. Throws Error: an empty
  // name.
  explicit HeadChoice(const std::string& patterns);

  bool is_open() const { return patterns_.empty(); }
  bool has(const HeadId& head) const;
  // Throws Error if one of the patterns is the name of none of the heads.
  void refuse_unknown(const std::vector<HeadId>& heads) const;

 private:
  std::vector<std::string> patterns_;
};

}  // namespace qk
