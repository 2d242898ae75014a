// Options that several commands have.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <optional>
#include <string>

namespace qk {

// Headings of the help.
inline constexpr const char* kInputGroup = "Input";
inline constexpr const char* kOutputGroup = "Output";
inline constexpr const char* kResourcesGroup = "Resources";

// "300MiB", "2GB", "1.5 g", "1048576" in bytes: MB is 10^6 and MiB 2^20, a letter alone is as with
// "B". Nothing if it is not a size, or beyond 2^50 bytes.
std::optional<int64_t> parse_size(std::string text);

// Refuses an empty text; `expected` says what belongs there.
CLI::Validator not_empty(std::string expected = "the name of a file");

// Refuses what is not a number of seconds above 0.
CLI::Validator seconds_above_0();

// Refuses what is not an integer from 1 to `most`.
CLI::Validator integer_up_to(int most);

// --threads, an integer from 1 to 1024. `more` ends the help text: " (default: all cores)".
CLI::Option* add_threads(CLI::App& command, int& num_threads, const std::string& more);

// --ram, in bytes.
CLI::Option* add_ram(CLI::App& command, int64_t& bytes, const std::string& help);

// Another option of a size in bytes.
CLI::Option* add_bytes(CLI::App& command, const std::string& name, int64_t& bytes,
                       const std::string& help);

}  // namespace qk
