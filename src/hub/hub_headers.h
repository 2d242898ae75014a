// Headers of the Hub's answers, as text that nobody has checked.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace qk {

// The target of rel="next" in a Link header; relative targets stay so.
std::optional<std::string> next_of_link(std::string_view link);

// `"api";r=0;t=55`: how long until requests are taken again; nothing unless r is 0.
std::optional<std::chrono::seconds> wait_of_rate_limit(std::string_view rate_limit);

// Seconds, or a date of HTTP; nothing for other text. At least 0.
std::optional<std::chrono::seconds> wait_of_retry_after(std::string_view retry_after,
                                                        std::chrono::system_clock::time_point now);

}  // namespace qk
