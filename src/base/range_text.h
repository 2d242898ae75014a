// Lists of numbers for people.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace qk {

// "0-3, 5, 8, 9": numbers in ascending order.
std::string ranges_text(const std::vector<int32_t>& ascending, std::string_view comma = ", ");

}  // namespace qk
