#include "page/page_commands.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "base/json_value.h"

namespace qk {
namespace {

using nlohmann::json;

// Fields of the configuration that the command names by itself.
constexpr std::array<std::string_view, 6> kNamed = {"dataset",           "dataset_local_root",
                                                    "dataset_name",      "dataset_revision",
                                                    "dataset_cache_dir", "output_dir"};

struct Figure {
  std::string_view name, option, table;
};

constexpr std::array<Figure, 5> kFigures = {{{"plasticity", "bucket_csv", "cells"},
                                             {"heatmap", "bucket_csv", "cells"},
                                             {"distance", "detail_csv", "details"},
                                             {"wavelengths", "rope_csv", "rope_pairs"},
                                             {"components", "component_csv", "components"}}};

std::string text_in(const json& record, std::initializer_list<const char*> path) {
  const json value = record.is_object() ? value_at(record, path) : json();
  return value.is_string() ? value.get<std::string>() : "";
}

// A file or a folder: no option, whatever its name is.
std::string path_word(const std::string& name) {
  return shell_word(name.starts_with('-') ? "./" + name : name);
}

std::string value_text(const json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (!value.is_array()) return value.dump();
  std::string out;
  for (const json& item : value) out += (out.empty() ? "" : ",") + value_text(item);
  return out;
}

// The configuration as options. The page does not know the names of chosen documents.
std::string options_of(const json& configured) {
  std::string out;
  for (const auto& [name, value] : configured.items()) {
    if (value.is_null() || value == false || std::ranges::find(kNamed, name) != kNamed.end())
      continue;
    out += " " + shell_word("--" + name);
    if (value == true) continue;
    out += " " + (name == "documents" ? "DOCUMENTS" : shell_word(value_text(value)));
  }
  return out;
}

std::string dataset_word(const json& record) {
  const std::string repo = text_in(record, {"dataset", "repo"});
  const std::string revision = text_in(record, {"dataset", "revision"});
  for (const std::string& text :
       {repo.empty() || revision.empty() ? repo : fmt::format("{}@{}", repo, revision),
        text_in(record, {"configured", "dataset"}),
        text_in(record, {"configured", "dataset_local_root"})}) {
    if (!text.empty()) return path_word(text);
  }
  return "DATASET";
}

// "qkscope analyze DATASET --method bucket --output_dir results".
std::string analyze_command(const json& record, const json& configured, const std::string& name) {
  const std::string options = configured.is_object() ? options_of(configured) : "";
  return fmt::format("qkscope analyze {}{} --output_dir {}", dataset_word(record), options,
                     path_word(name));
}

json configured_in(const json& record) {
  return record.is_object() ? value_at(record, {"configured"}) : json();
}

}  // namespace

std::string shell_word(std::string text) {
  constexpr std::string_view kPlain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./,:@=-";
  const auto is_control = [](char c) { return static_cast<unsigned char>(c) < 32 || c == 127; };
  std::ranges::replace_if(text, is_control, '?');
  if (!text.empty() && text.find_first_not_of(kPlain) == std::string::npos) return text;
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? "'\\''" : std::string(1, c);
  return out + "'";
}

std::vector<std::string> page_commands(const json& record, const std::string& name,
                                       std::span<const PageFile> files) {
  std::vector<std::string> out = {analyze_command(record, configured_in(record), name),
                                  "qkscope report " + path_word(name)};
  for (const Figure& figure : kFigures) {
    const auto file = std::ranges::find(files, figure.table, &PageFile::table);
    if (file == files.end()) continue;
    out.push_back(fmt::format("qkscope plot {} --{} {}", figure.name, figure.option,
                              path_word(name + "/" + file->name)));
  }
  return out;
}

std::string missing_command(const json& record, const std::string& name, std::string_view option) {
  json configured = configured_in(record);
  if (configured.is_object()) {
    configured.erase("compat");  // with it, analyze writes the tables of the original alone
    const std::string field(option.substr(0, option.find(' ')));
    const std::string made = text_in(record, {"error_bars"});  // by --bootstrap alone, too
    if (field == "--error_bars" && !made.empty() && made != "none") {
      option = "";
    } else if (!option.empty()) {
      configured.erase(field.substr(2));
    }
  }
  return analyze_command(record, configured, name) + (option.empty() ? "" : " ") +
         std::string(option) + " --overwrite";
}

}  // namespace qk
