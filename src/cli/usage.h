// What a user typed: spellings that are taken, and the sentence if it cannot be understood.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

namespace qk {

// Help without CLI11's marks of negated switches and of how often a positional may be given.
class HelpText : public CLI::Formatter {
 public:
  std::string make_option_name(const CLI::Option* option, bool is_positional) const override;
  std::string make_option_usage(const CLI::Option* option) const override;
};

// `help`, `help plot heatmap` become `--help`, `plot heatmap --help`.
void turn_help_into_flag(std::vector<std::string>& words);

// The command that the words name, `app` itself if none, and in `num_words` how many words do.
// Throws Error at an unknown command, naming the nearest.
const CLI::App& find_command(const CLI::App& app, const std::vector<std::string>& words,
                             size_t& num_words);

// Writes long options as the command declares them: dashes and underscores are the same.
void respell_options(const CLI::App& command, std::vector<std::string>& words);

// One sentence for a command line that `app` refused.
std::string usage_sentence(const CLI::App& app, const CLI::App& command,
                           const std::vector<std::string>& words, const CLI::ParseError& error);

}  // namespace qk
