// A line of a CSV table with rows for every head.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "plasticity/head_metrics.h"
#include "report/csv_number.h"

namespace qk {

// The columns that CsvRow begins with.
inline constexpr std::string_view kHeadColumns = "layer,q_head,k_head";

class CsvRow {
 public:
  explicit CsvRow(const HeadMetrics& head) {
    text_ = std::to_string(head.layer) + ',' + std::to_string(head.q_head) + ',' +
            std::to_string(head.k_head);
  }

  CsvRow& add(int64_t number) {
    text_ += ',' + std::to_string(number);
    return *this;
  }
  CsvRow& add(std::optional<int64_t> number) {
    if (number) return add(*number);
    text_ += ',';
    return *this;
  }
  CsvRow& add(double number) {  // NaN: an empty field
    text_ += ',';
    append_csv_number(text_, number);
    return *this;
  }
  // REQUIRES: no comma, quote or line break.
  CsvRow& add(std::string_view word) {
    text_ += ',';
    text_ += word;
    return *this;
  }

  std::string line() const { return text_ + '\n'; }

 private:
  std::string text_;
};

}  // namespace qk
