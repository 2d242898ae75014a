// Doubles as pandas writes them into CSV files: Python's repr.
#pragma once

#include <string>

namespace qk {

// Appends the shortest digits that read back as the same number: fixed with a decimal point for
// 1e-4 <= |x| < 1e16 ("0.5", "12.0"), else scientific ("1e-05", "1.5e+16"). NaN appends nothing.
void append_csv_number(std::string& line, double number);

}  // namespace qk
