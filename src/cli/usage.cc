#include "cli/usage.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "base/error.h"
#include "base/nearest.h"

namespace qk {
namespace {

// Fields of the YAML file of `sniff` that one might take for options.
constexpr std::array<std::pair<std::string_view, std::string_view>, 32> kSniffFields = {{
    {"model", "model.name"},
    {"model_name", "model.name"},
    {"revision", "model.revision"},
    {"config_overrides", "model.config_overrides"},
    {"dtype", "model.dtype"},
    {"device_map", "model.device_map"},
    {"attn_implementation", "model.attn_implementation"},
    {"tokenizer", "tokenizer.name"},
    {"max_length", "tokenizer.max_length"},
    {"dataset", "dataset.path"},
    {"data", "dataset.path"},
    {"corpus", "dataset.path"},
    {"input", "dataset.path"},
    {"split", "dataset.split"},
    {"text_column", "dataset.text_column"},
    {"id_column", "dataset.id_column"},
    {"max_samples", "dataset.max_samples"},
    {"batch_size", "inference.batch_size"},
    {"debug_logging", "inference.debug_logging"},
    {"layers", "capture.layers"},
    {"heads", "capture.heads"},
    {"head_sampling", "capture.head_sampling.count"},
    {"seed", "capture.head_sampling.seed"},
    {"sampler", "capture.sampler.type"},
    {"base_rate", "capture.sampler.base_rate"},
    {"min_bucket_size", "capture.min_bucket_size"},
    {"rope", "capture.rope"},
    {"output", "output.data_root"},
    {"output_dir", "output.data_root"},
    {"out", "output.data_root"},
    {"data_root", "output.data_root"},
    {"compat", "compat"},
}};

std::string underscored(std::string_view name) {
  std::string out(name);
  std::replace(out.begin(), out.end(), '-', '_');
  return out;
}

// The name in "--name=value" or "-name"; empty if the word is no option.
std::string option_name(std::string_view word) {
  if (word.size() < 2 || word[0] != '-') return "";
  const std::string_view name = word.substr(0, word.find('='));
  return std::string(name.substr(std::min(name.find_first_not_of('-'), name.size())));
}

// The option's value in the words: after '=', or the next word; "VALUE" if there is none.
std::string value_of(const std::vector<std::string>& words, const std::string& word) {
  if (const size_t equals = word.find('='); equals != std::string::npos) {
    return word.substr(equals + 1);
  }
  const auto it = std::find(words.begin(), words.end(), word);
  if (it == words.end() || it + 1 == words.end() || (it + 1)->starts_with('-')) return "VALUE";
  return *(it + 1);
}

// "key=value" as a shell takes it for one word.
std::string setting(std::string_view key, const std::string& value) {
  const std::string text = fmt::format("{}={}", key, printable(value));
  return text.find_first_of(" []{}$&*\"\\;<>|()#!?~`") == std::string::npos ? text
                                                                            : "'" + text + "'";
}

std::vector<std::string> long_names(const CLI::App& command) {
  std::vector<std::string> out;
  for (const CLI::Option* option : command.get_options()) {
    for (const std::string& name : option->get_lnames()) out.push_back("--" + name);
  }
  return out;
}

std::string unknown_option(const CLI::App& command, const std::vector<std::string>& words,
                           const std::string& word) {
  const std::string name = underscored(option_name(word));
  if (command.get_name() == "sniff") {
    for (const auto& [field, key] : kSniffFields) {
      if (field != name) continue;
      return fmt::format("{}: unknown option of sniff; write --set {}",
                         printable(word.substr(0, word.find('='))),
                         setting(key, value_of(words, word)));
    }
  }
  const std::string value = value_of(words, word);
  if (command.get_name() == "sniff" && name.find('.') != std::string::npos) {
    return fmt::format("{}: unknown option of sniff; write --set {}",
                       printable(word.substr(0, word.find('='))), setting(name, value));
  }
  const std::vector<std::string> known = long_names(command);
  const std::vector<std::string_view> views(known.begin(), known.end());
  const std::string of = command.get_parent() == nullptr ? "" : " of " + command.get_name();
  return fmt::format("{}: unknown option{}{}", printable(word.substr(0, word.find('='))), of,
                     did_you_mean("--" + name, views));
}

std::string wrong_count(const CLI::App& command, const std::string& text) {
  const std::string name = text.substr(0, text.find(':'));
  if (text.ends_with("missing")) return name + ": expected a value, found none";
  const CLI::Option* const option = command.get_option_no_throw(name);
  const int most = option == nullptr ? 1 : option->get_expected_max();
  if (most < 2) return name + ": is given more than once";
  return fmt::format("{}: expected at most {}, found {}", name, most, option->results().size());
}

// CLI11's sentence, or a plainer one for its counts of values.
std::string plainer(const CLI::App& command, const CLI::ParseError& error) {
  const std::string text = error.what();
  if (dynamic_cast<const CLI::ArgumentMismatch*>(&error) != nullptr) {
    return wrong_count(command, text);
  }
  if (dynamic_cast<const CLI::ConversionError*>(&error) != nullptr) {
    const size_t name = text.find("--");
    const size_t equals = text.find(" = ", std::min(name, text.size()));
    if (equals == std::string::npos) return printable(text, 400);
    return fmt::format("{}: expected true or false, found {}", text.substr(name, equals - name),
                       printable(text.substr(equals + 3)));
  }
  if (dynamic_cast<const CLI::ExcludesError*>(&error) != nullptr) {
    const size_t at = text.find(" excludes ");
    return fmt::format("{} and {}: give only one of them", text.substr(0, at),
                       text.substr(at + std::string_view(" excludes ").size()));
  }
  return printable(text, 400);
}

}  // namespace

std::string HelpText::make_option_name(const CLI::Option* option, bool is_positional) const {
  std::string name = CLI::Formatter::make_option_name(option, is_positional);
  for (size_t at; (at = name.find("{false}")) != std::string::npos;) name.erase(at, 7);
  return name;
}

// Of a positional that is given a few times, the names of its type in place of a count.
std::string HelpText::make_option_usage(const CLI::Option* option) const {
  const int most = option->get_expected_max();
  if (most < 2 || most >= CLI::detail::expected_max_vector_size) {
    return CLI::Formatter::make_option_usage(option);
  }
  const std::string names = option->get_type_name();
  return option->get_required() ? names : "[" + names + "]";
}

void turn_help_into_flag(std::vector<std::string>& words) {
  if (words.empty() || words.front() != "help") return;
  words.erase(words.begin());
  words.emplace_back("--help");
}

const CLI::App& find_command(const CLI::App& app, const std::vector<std::string>& words,
                             size_t& num_words) {
  const CLI::App* command = &app;
  for (num_words = 0; num_words < words.size(); ++num_words) {
    const std::string& word = words[num_words];
    std::vector<std::string> names;
    for (const CLI::App* known : command->get_subcommands(nullptr)) {
      names.push_back(known->get_name());
    }
    if (word.starts_with('-') || names.empty()) break;
    if (std::find(names.begin(), names.end(), word) == names.end()) {
      const std::vector<std::string_view> views(names.begin(), names.end());
      const std::string meant = did_you_mean(word, views);
      fail("{}: unknown {}{}", printable(word),
           command == &app                 ? "command"
           : command->get_name() == "plot" ? "figure"
                                           : "subcommand",
           meant.empty() ? fmt::format(" (known: {})", fmt::join(names, ", ")) : meant);
    }
    command = command->get_subcommand(word);
  }
  return *command;
}

void respell_options(const CLI::App& command, std::vector<std::string>& words) {
  const std::vector<std::string> known = long_names(command);
  for (std::string& word : words) {
    if (word == "--") return;
    const std::string name = word.substr(0, word.find('='));
    if (!word.starts_with("--") || std::find(known.begin(), known.end(), name) != known.end()) {
      continue;
    }
    const auto meant = std::find_if(known.begin(), known.end(), [&](const std::string& other) {
      return underscored(other) == underscored(name);
    });
    if (meant != known.end()) word.replace(0, name.size(), *meant);
  }
}

std::string usage_sentence(const CLI::App& app, const CLI::App& command,
                           const std::vector<std::string>& words, const CLI::ParseError& error) {
  const std::vector<std::string> rest = app.remaining(true);
  const auto unknown = std::find_if(words.begin(), words.end(), [&](const std::string& word) {
    return !option_name(word).empty() && std::find(rest.begin(), rest.end(), word) != rest.end();
  });
  if (unknown != words.end()) return unknown_option(command, words, *unknown);
  if (dynamic_cast<const CLI::ExtrasError*>(&error) != nullptr && !rest.empty()) {
    return fmt::format("{}: unexpected argument", printable(rest.front()));
  }
  return plainer(command, error);
}

}  // namespace qk
