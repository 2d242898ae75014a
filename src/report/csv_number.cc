#include "report/csv_number.h"

#include <cmath>

#include "base/python_float.h"

namespace qk {

void append_csv_number(std::string& line, double number) {
  if (!std::isnan(number)) line += python_float_text(number);
}

}  // namespace qk
