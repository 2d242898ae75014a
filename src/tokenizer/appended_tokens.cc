#include "tokenizer/appended_tokens.h"

#include <charconv>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "base/atomic_file.h"
#include "base/error.h"

namespace qk {
namespace {

using nlohmann::json;

constexpr size_t kMaxConfigBytes = size_t{64} << 20;
constexpr const char* kFlags[] = {"single_word", "lstrip", "rstrip", "normalized", "special"};

// added_tokens_decoder, by id. Empty if there is none.
std::map<int64_t, json> declared_tokens(const std::filesystem::path& folder) {
  const std::filesystem::path path = folder / "tokenizer_config.json";
  if (!std::filesystem::exists(path)) return {};
  const json config = json::parse(read_file(path, kMaxConfigBytes), nullptr, false);
  if (!config.is_object() || !config.contains("added_tokens_decoder")) return {};
  const json& declared = config["added_tokens_decoder"];
  const auto refuse = [&](const std::string& key) {
    fail("{}: added_tokens_decoder: expected ids with {{content, ...}}, found {}", path.string(),
         printable(key, 40));
  };
  if (!declared.is_object()) refuse(declared.type_name());
  std::map<int64_t, json> out;
  for (const auto& [key, token] : declared.items()) {
    int64_t id = -1;
    const auto [end, error] = std::from_chars(key.data(), key.data() + key.size(), id);
    const bool is_id = error == std::errc() && end == key.data() + key.size() && id >= 0;
    const bool is_token =
        token.is_object() && token.contains("content") && token["content"].is_string();
    if (!is_id || !is_token) refuse(key);
    out[id] = token;
  }
  return out;
}

std::set<std::string> known_tokens(const json& tokenizer) {
  std::set<std::string> out;
  for (const json& token : tokenizer.value("added_tokens", json::array())) {
    if (token.is_object() && token.contains("content")) out.insert(token["content"]);
  }
  return out;
}

json added_token(int64_t id, const json& token) {
  json out = {{"id", id}, {"content", token.at("content")}};
  for (const char* flag : kFlags) {
    const auto it = token.find(flag);
    out[flag] = it != token.end() && it->is_boolean() && it->get<bool>();
  }
  return out;
}

}  // namespace

std::string with_appended_tokens(
    const std::filesystem::path& folder, std::string_view tokenizer_json,
    const std::function<bool(int64_t id, const std::string& content)>& has_token) {
  std::map<int64_t, json> tokens = declared_tokens(folder);
  std::erase_if(tokens, [&](const auto& item) {
    return has_token(item.first, item.second["content"].template get<std::string>());
  });
  if (tokens.empty()) return {};
  json tokenizer = json::parse(tokenizer_json);
  const std::set<std::string> known = known_tokens(tokenizer);
  if (!tokenizer.contains("added_tokens") || !tokenizer["added_tokens"].is_array()) {
    tokenizer["added_tokens"] = json::array();
  }
  bool any = false;
  for (const auto& [id, token] : tokens) {
    if (known.contains(token["content"].get<std::string>())) continue;
    tokenizer["added_tokens"].push_back(added_token(id, token));
    any = true;
  }
  return any ? tokenizer.dump() : std::string();
}

}  // namespace qk
