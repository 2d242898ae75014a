// Commands to paste into a shell. Names in them come from the data, which may come from anyone.
#pragma once

#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "page/read_table.h"

namespace qk {

// A word of a command. Control characters could end its line, so they are "?".
std::string shell_word(std::string text);

// What makes the analysis and its page, and draws the same figures for a paper.
//   record  of the analysis, as the page shows it; null: none
//   name    of the analysis, which is that of its folder unless the user has named it
std::vector<std::string> page_commands(const nlohmann::json& record, const std::string& name,
                                       std::span<const PageFile> files);

// The command that repeats the analysis and writes a table that it lacks, too. `option`: what asks for
// that table, such as "--error_bars jackknife"; empty if nothing must.
std::string missing_command(const nlohmann::json& record, const std::string& name,
                            std::string_view option);

}  // namespace qk
