// Numbers formatted for people.
#pragma once

#include <cstdint>
#include <string>

namespace qk {

std::string count_text(int64_t count);                    // "1,234,567"
std::string bytes_text(double bytes);                     // "98.3 MB", powers of 1000
std::string seconds_text(double seconds);                 // "7.2 s", "3 min 05 s", "2 h 14 min"
std::string plural(int64_t count, const char* singular);  // "1 head", "1,024 heads"

}  // namespace qk
