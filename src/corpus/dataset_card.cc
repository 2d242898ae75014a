#include "corpus/dataset_card.h"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <array>
#include <set>
#include <utility>

#include "base/atomic_file.h"
#include "base/error.h"
#include "base/readable_file.h"
#include "corpus/data_files.h"

namespace qk {
namespace {

namespace fs = std::filesystem;

constexpr size_t kMaxCardBytes = size_t{16} << 20;
// Options of the readers that change which rows or texts come out.
constexpr std::array<std::string_view, 7> kRowOptions = {
    "field", "filters", "columns", "encoding", "encoding_errors", "sample_by", "keep_linebreaks"};

std::string card_text(const fs::path& path) {
  std::error_code ignored;
  if (!is_present(path)) return "";
  return fs::is_regular_file(path, ignored) ? read_file(path, kMaxCardBytes) : "";
}

// The text between a first line "---" and the next one; empty if there is no such block.
std::string yaml_block(const std::string& readme) {
  const size_t open = readme.find_first_not_of(" \t\r\n\xEF\xBB\xBF");
  if (open == std::string::npos || readme.compare(open, 3, "---") != 0) return "";
  const size_t begin = readme.find('\n', open);
  if (begin == std::string::npos) return "";
  for (size_t line = begin; line != std::string::npos; line = readme.find('\n', line + 1)) {
    if (readme.compare(line + 1, 3, "---") != 0) continue;
    const size_t after = line + 4;
    if (after == readme.size() || readme[after] == '\n' || readme[after] == '\r') {
      return readme.substr(begin + 1, line - begin);
    }
  }
  return "";
}

YAML::Node parse(const std::string& text, const std::string& file) {
  try {
    return YAML::Load(text);
  } catch (const YAML::Exception& error) {
    fail("{}: not readable as YAML: {}", file, printable(error.what()));
  }
}

// `configs` of a card, or an undefined node.
YAML::Node configs_node(const YAML::Node& card) {
  return card.IsMap() ? card["configs"] : YAML::Node(YAML::NodeType::Undefined);
}

class CardReader {
 public:
  explicit CardReader(std::string file) : file_(std::move(file)) {}

  std::vector<CardConfig> configs(const YAML::Node& node) const {
    if (!node.IsSequence()) fail("{}: configs: expected a list", file_);
    std::vector<CardConfig> out;
    std::set<std::string> names;
    for (const YAML::Node& entry : node) {
      out.push_back(config(entry));
      if (!names.insert(out.back().name).second) {
        fail("{}: configs: '{}' occurs twice", file_, printable(out.back().name));
      }
    }
    return out;
  }

 private:
  CardConfig config(const YAML::Node& node) const {
    if (!node.IsMap() || !node["config_name"] || !node["config_name"].IsScalar()) {
      fail("{}: configs: expected a mapping with a string 'config_name' in each entry", file_);
    }
    CardConfig out;
    out.name = node["config_name"].Scalar();
    const std::string where = fmt::format("{}: config '{}'", file_, printable(out.name));
    for (const std::string_view option : kRowOptions) {
      if (node[std::string(option)]) out.unsupported = option;
    }
    if (const YAML::Node dir = node["data_dir"]; dir && !dir.IsNull()) {
      if (!dir.IsScalar()) fail("{}: data_dir: expected a string", where);
      out.data_dir = dir.Scalar();
    }
    if (const YAML::Node flag = node["default"]; flag && !flag.IsNull()) {
      if (!YAML::convert<bool>::decode(flag, out.is_default)) {
        fail("{}: default: expected true or false", where);
      }
    }
    if (const YAML::Node files = node["data_files"]; files && !files.IsNull()) {
      out.data_files = data_files(files, where);
    }
    return out;
  }

  static std::vector<CardSplit> data_files(const YAML::Node& node, const std::string& where) {
    const bool by_split = node.IsSequence() && std::any_of(node.begin(), node.end(), [](auto& e) {
                            return YAML::Node(e).IsMap();
                          });
    if (!by_split) return {{"train", paths(node, where)}};
    std::vector<CardSplit> out;
    for (const YAML::Node& entry : node) {
      if (!entry.IsMap() || entry.size() != 2 || !entry["split"] || !entry["path"] ||
          !entry["split"].IsScalar()) {
        fail("{}: data_files: expected 'split' and 'path' in each entry", where);
      }
      const std::string split = entry["split"].Scalar();
      if (!is_split_name(split)) {
        fail("{}: data_files: expected a split name of letters, digits and '_', found '{}'", where,
             printable(split));
      }
      if (std::any_of(out.begin(), out.end(), [&](auto& known) { return known.split == split; })) {
        fail("{}: data_files: split '{}' occurs twice", where, printable(split));
      }
      out.push_back({split, paths(entry["path"], where)});
    }
    return out;
  }

  static std::vector<std::string> paths(const YAML::Node& node, const std::string& where) {
    std::vector<std::string> out;
    if (node.IsScalar()) return {node.Scalar()};
    if (!node.IsSequence()) fail("{}: data_files: expected a path or a list of paths", where);
    for (const YAML::Node& entry : node) {
      if (!entry.IsScalar()) fail("{}: data_files: expected a list of paths", where);
      out.push_back(entry.Scalar());
    }
    return out;
  }

  std::string file_;
};

std::string names_of(const std::vector<CardConfig>& configs) {
  constexpr size_t kShown = 20;
  std::string out;
  for (size_t i = 0; i < std::min(configs.size(), kShown); ++i) {
    out += (i == 0 ? "" : ", ") + printable(configs[i].name);
  }
  if (configs.size() > kShown) out += fmt::format(", ... ({} in all)", configs.size());
  return out;
}

}  // namespace

std::vector<CardConfig> read_dataset_card(const fs::path& folder, const std::string& title) {
  for (const char* name : kCardFiles) {
    const fs::path path = folder / name;
    const std::string text = card_text(path);
    const std::string yaml = name[0] == '.' ? text : yaml_block(text);
    if (yaml.empty()) continue;
    const std::string file =
        title.empty() ? printable(path.string(), 300) : fmt::format("{}: {}", title, name);
    try {
      const YAML::Node node = configs_node(parse(yaml, file));
      if (!node) continue;
      return node.IsNull() ? std::vector<CardConfig>{} : CardReader(file).configs(node);
    } catch (const YAML::Exception& error) {
      fail("{}: {}", file, printable(error.what()));
    }
  }
  return {};
}

const CardConfig& choose_config(const std::vector<CardConfig>& configs,
                                const std::optional<std::string>& name, const std::string& where) {
  QK_CHECK(!configs.empty());
  const CardConfig* chosen = nullptr;
  for (const CardConfig& config : configs) {
    const bool matches = name
                             ? config.name == *name
                             : config.is_default || config.name == "default" || configs.size() == 1;
    if (!matches) continue;
    if (chosen != nullptr) {
      fail("{}: README.md: expected one default config, found '{}' and '{}'", where,
           printable(chosen->name), printable(config.name));
    }
    chosen = &config;
  }
  if (chosen == nullptr && name) {
    fail("dataset.name: '{}' is not a config of {}: it has {}", printable(*name), where,
         names_of(configs));
  }
  if (chosen == nullptr) {
    fail("dataset.name: expected one of the configs of {}: {}", where, names_of(configs));
  }
  if (!chosen->unsupported.empty()) {
    fail("{}: README.md: config '{}': the option '{}' is not supported", where,
         printable(chosen->name), chosen->unsupported);
  }
  return *chosen;
}

}  // namespace qk
