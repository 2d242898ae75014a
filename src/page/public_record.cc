#include "page/public_record.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

namespace qk {
namespace {

using nlohmann::json;

constexpr std::string_view kSlashes = "/\\";
using Replacements = std::vector<std::pair<std::string, std::string>>;

bool has_slash(std::string_view text) {
  return text.find_first_of(kSlashes) != std::string_view::npos;
}

bool is_path(std::string_view text) { return has_slash(text) || text.starts_with('~'); }

// "org/name", of a place that is known to be the Hub.
bool is_repo_name(std::string_view text) {
  const size_t slash = std::min(text.find('/'), text.size());
  const auto is_name = [](std::string_view part) {
    return !part.empty() && part[0] != '.' && part[0] != '~' && !has_slash(part);
  };
  return slash < text.size() && is_name(text.substr(0, slash)) && is_name(text.substr(slash + 1));
}

// As many running numbers as there are documents.
json public_documents(const json& documents) {
  if (documents.is_null()) return documents;
  if (!documents.is_array()) return "chosen";
  json out = json::array();
  for (size_t i = 0; i < documents.size(); ++i) out.push_back(i);
  return out;
}

void add_paths(const json& value, Replacements& out) {
  if (value.is_structured()) {
    for (const json& member : value) add_paths(member, out);
  } else if (value.is_string() && has_slash(value.get<std::string>())) {
    out.emplace_back(value.get<std::string>(), public_name(value.get<std::string>()));
  }
}

// The paths that sentences of the record may name, longer ones first.
Replacements paths_of(const json& record) {
  Replacements out;
  for (const char* key : {"configured", "dataset"}) {
    if (record.contains(key)) add_paths(record[key], out);
  }
  std::ranges::stable_sort(out, std::ranges::greater(),
                           [](const auto& pair) { return pair.first.size(); });
  return out;
}

json public_text(const std::string& text, std::string_view key, const Replacements& paths) {
  if (key == "reason") return public_sentence(replaced(text, paths));
  if (key == "repo" && is_repo_name(text)) return text;
  return public_name(text);
}

json public_value(const json& value, std::string_view key, bool with_ids,
                  const Replacements& paths) {
  if (key == "documents" && !with_ids) return public_documents(value);
  if (value.is_string()) return public_text(value.get<std::string>(), key, paths);
  if (value.is_array()) {
    json out = json::array();
    for (const json& member : value) out.push_back(public_value(member, key, with_ids, paths));
    return out;
  }
  if (!value.is_object()) return value;
  json out = json::object();
  for (const auto& [name, member] : value.items()) {
    out[name] = public_value(member, name, with_ids, paths);
  }
  return out;
}

// The part of a sentence without the folders of the path in it, which may hold blanks.
std::string without_folders(std::string_view part, bool is_first) {
  const size_t first = part.find_first_of(kSlashes);
  if (first == std::string_view::npos) return std::string(part);
  const size_t last = part.find_last_of(kSlashes);
  size_t begin = part.substr(0, first).find_last_of(" '\"(");
  begin = begin == std::string_view::npos ? 0 : begin + 1;
  const bool is_one_slash = first == last && first > begin;  // "q/k"
  const bool is_word = is_one_slash && part[begin] != '.' && part[begin] != '~' && !is_first;
  if (is_word) return std::string(part);
  return std::string(part.substr(0, begin)) + std::string(part.substr(last + 1));
}

}  // namespace

json public_record(const json& record, bool with_ids) {
  return public_value(record, "", with_ids, paths_of(record));
}

std::string public_name(std::string_view text) {
  if (!is_path(text)) return std::string(text);
  const size_t end = text.find_last_not_of(kSlashes);
  if (end == std::string_view::npos) return "";
  text = text.substr(0, end + 1);
  const size_t slash = text.find_last_of(kSlashes);
  if (slash != std::string_view::npos) text = text.substr(slash + 1);
  return text.starts_with('~') || text == "." || text == ".." ? "" : std::string(text);
}

std::string public_sentence(std::string_view text) {
  constexpr std::string_view kColon = ": ";
  std::string out;
  for (bool is_first = true;; is_first = false) {
    const size_t end = text.find(kColon);
    out += without_folders(text.substr(0, end), is_first);
    if (end == std::string_view::npos) return out;
    out += kColon;
    text.remove_prefix(end + kColon.size());
  }
}

std::string public_setting(std::string_view name, const std::string& value, bool with_ids) {
  const json parsed = json::parse(value, nullptr, false);
  if (name == "documents" && !with_ids) {
    const bool is_list = parsed.is_array();
    return is_list ? fmt::format("{} chosen", parsed.size()) : value == "all" ? value : "chosen";
  }
  if (!parsed.is_structured()) return public_name(value);
  return public_value(parsed, name, with_ids, {}).dump();
}

std::string replaced(std::string text, std::span<const std::pair<std::string, std::string>> all) {
  for (const auto& [from, to] : all) {
    if (from.empty()) continue;
    for (size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size()) {
      text.replace(at, from.size(), to);
    }
  }
  return text;
}

}  // namespace qk
