// The `configs:` of a dataset's card: the YAML block at the head of README.md, and the keys of
// .huggingface.yaml, which take precedence.
#pragma once

#include <array>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace qk {

// The files that are a card, the one that takes precedence first.
inline constexpr std::array<const char*, 2> kCardFiles = {".huggingface.yaml", "README.md"};

struct CardSplit {
  std::string split;
  std::vector<std::string> patterns;  // relative to the config's data_dir
};

struct CardConfig {
  std::string name;
  std::string data_dir;                              // relative to the folder, "" is the folder
  std::optional<std::vector<CardSplit>> data_files;  // nothing: the default rules below data_dir
  bool is_default = false;
  std::string unsupported;  // an option of the reader that would change the rows; empty: none
};

// The configs in the order of the card; empty without a card or without `configs`. Throws Error
// naming file and config: YAML that cannot be read, a field of the wrong kind, a split twice.
//   title  of the repository that the folder belongs to: messages name it instead of the folder
std::vector<CardConfig> read_dataset_card(const std::filesystem::path& folder,
                                          const std::string& title = "");

// The config that `name` asks for; without a name the default one: `default: true`, or named
// "default", or the only one. Throws Error: no such config (the names there are are listed), or its
// option is not supported; it names the corpus `where`. REQUIRES: configs not empty.
const CardConfig& choose_config(const std::vector<CardConfig>& configs,
                                const std::optional<std::string>& name, const std::string& where);

}  // namespace qk
