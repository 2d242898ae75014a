// Doubles as pandas writes them into CSV files.
#pragma once

#include <string>

namespace qk {

// Appends Python's repr of the number (base/python_float.h); NaN appends nothing.
void append_csv_number(std::string& line, double number);

}  // namespace qk
