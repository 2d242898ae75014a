#include "tokenizer/appended_tokens.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <vector>

#include "base/atomic_file.h"
#include "base/error.h"
#include "base/readable_file.h"

namespace qk {
namespace {

using nlohmann::ordered_json;
namespace fs = std::filesystem;

constexpr size_t kMaxConfigBytes = size_t{64} << 20;
constexpr std::array kFlags = {"single_word", "lstrip", "rstrip", "normalized", "special"};
constexpr std::array kNamed = {"bos_token", "eos_token", "unk_token", "sep_token",
                               "pad_token", "cls_token", "mask_token"};
constexpr const char* kDecoder = "added_tokens_decoder";
constexpr const char* kExtra = "extra_special_tokens";
constexpr const char* kAdditional = "additional_special_tokens";

// A file of the folder as an object; an empty one if it is not there.
ordered_json object_in(const fs::path& path) {
  if (!is_present(path)) return ordered_json::object();
  ordered_json out = ordered_json::parse(read_file(path, kMaxConfigBytes), nullptr, false);
  if (!out.is_object()) fail("{}: is not a JSON object", path.string());
  return out;
}

bool is_token(const ordered_json& token) {
  return token.is_string() ||
         (token.is_object() && token.contains("content") && token["content"].is_string());
}

std::string content_of(const ordered_json& token) {
  return (token.is_string() ? token : token["content"]).get<std::string>();
}

// As an entry of added_tokens, but for its id: a text is special; what is not special is matched in
// the normalised text, unless it says otherwise.
ordered_json entry_of(const ordered_json& token, bool is_named) {
  const auto flag = [&](const char* name, bool otherwise) {
    const auto it = token.is_object() ? token.find(name) : token.end();
    return token.is_object() && it != token.end() && it->is_boolean() ? it->get<bool>() : otherwise;
  };
  const bool is_special = flag("special", token.is_string());
  ordered_json out = {{"content", content_of(token)}};
  for (const char* name : kFlags) out[name] = flag(name, false);
  out["normalized"] = flag("normalized", !is_special);
  out["special"] = is_special || is_named;
  return out;
}

// added_tokens and padding of a tokenizer.json: nothing is kept of its vocabulary of megabytes.
ordered_json without_model(std::string_view tokenizer_json) {
  const auto keep = [](int depth, ordered_json::parse_event_t event, const ordered_json& parsed) {
    return depth != 1 || event != ordered_json::parse_event_t::key || parsed == "added_tokens" ||
           parsed == "padding";
  };
  return ordered_json::parse(tokenizer_json, keep);
}

class Appender {
 public:
  Appender(const fs::path& folder, const ordered_json& tokenizer)
      : folder_(folder), config_(object_in(folder / "tokenizer_config.json")) {
    const auto split = config_.find("split_special_tokens");
    if (split != config_.end() && *split == true) {
      fail("{}: split_special_tokens: expected false, found true", config_path().string());
    }
    if (tokenizer.contains("added_tokens")) {
      for (const ordered_json& token : tokenizer["added_tokens"]) {
        if (is_token(token)) known_[content_of(token)] = entry_of(token, false);
      }
    }
    if (!config_.contains("pad_token") && tokenizer.contains("padding") &&
        tokenizer["padding"].is_object() && tokenizer["padding"].contains("pad_token")) {
      config_["pad_token"] = tokenizer["padding"]["pad_token"];
    }
  }

  std::vector<ordered_json> tokens() {
    if (config_.contains(kDecoder)) {
      add_decoder();
    } else {
      take_special_tokens_map();
      add_legacy_tokens();
    }
    for (const char* name : kNamed) {
      if (config_.contains(name)) add_named(name, config_[name]);
    }
    for (const auto& [name, value] : config_.items()) {
      const bool is_standard = std::ranges::find(kNamed, name) != kNamed.end();
      if (!is_standard && name.ends_with("_token") && is_token(value)) add_named(name, value);
    }
    add_extra();
    return std::move(out_);
  }

 private:
  fs::path config_path() const { return folder_ / "tokenizer_config.json"; }

  [[noreturn]] void refuse(const std::string& key, const std::string& expected,
                           const std::string& found) const {
    fail("{}: {}: expected {}, found {}", config_path().string(), key, expected,
         printable(found, 40));
  }

  void append(const ordered_json& entry) {
    const std::string content = content_of(entry);
    if (content.empty()) return;
    const auto it = known_.find(content);
    if (it != known_.end() && it->second == entry) return;
    known_[content] = entry;
    out_.push_back(entry);
  }

  void add_decoder() {
    const std::string expected = "ids with {content, ...}";
    const ordered_json& declared = config_[kDecoder];
    if (!declared.is_object()) refuse(kDecoder, expected, declared.type_name());
    std::map<int64_t, ordered_json> by_id;
    for (const auto& [key, token] : declared.items()) {
      int64_t id = -1;
      const auto [end, error] = std::from_chars(key.data(), key.data() + key.size(), id);
      const bool is_id = error == std::errc() && end == key.data() + key.size() && id >= 0;
      if (!is_id || !token.is_object() || !is_token(token)) refuse(kDecoder, expected, key);
      by_id[id] = token;
    }
    std::set<std::string> named;
    for (const char* name : kNamed) {
      if (config_.contains(name) && is_token(config_[name]))
        named.insert(content_of(config_[name]));
    }
    for (const auto& [id, token] : by_id) {
      append(entry_of(token, named.contains(content_of(token))));
    }
  }

  void take_special_tokens_map() {
    const bool has_extra = config_.contains(kExtra) || config_.contains(kAdditional);
    const ordered_json map = object_in(folder_ / "special_tokens_map.json");
    for (const auto& [key, value] : map.items()) {
      if (key == kAdditional && has_extra) continue;
      config_[key] = value;
      if (value.is_object() && is_token(value)) config_[key]["special"] = true;
    }
  }

  void add_legacy_tokens() {
    const fs::path path = folder_ / "added_tokens.json";
    const ordered_json legacy = object_in(path);
    std::map<int64_t, std::string> by_id;
    for (const auto& [content, id] : legacy.items()) {
      if (!id.is_number_unsigned()) {
        fail("{}: {}: expected an id, found {}", path.string(), printable(content, 40),
             printable(id.dump(), 40));
      }
      by_id[id.get<int64_t>()] = content;
    }
    for (const auto& [id, content] : by_id) {
      if (known_.contains(content)) continue;
      append(entry_of({{"content", content}, {"special", is_special(content)}}, false));
    }
  }

  bool is_special(const std::string& content) const {
    const auto is = [&](const ordered_json& token) {
      return is_token(token) && content_of(token) == content;
    };
    const bool is_named = std::ranges::any_of(
        kNamed, [&](const char* name) { return config_.contains(name) && is(config_[name]); });
    const auto extra = config_.find(kExtra);
    return is_named || (extra != config_.end() && extra->is_array() &&
                        std::any_of(extra->begin(), extra->end(), is));
  }

  void add_named(const std::string& key, const ordered_json& token) {
    if (token.is_null()) return;
    if (!is_token(token)) refuse(key, "a text or {content, ...}", token.dump());
    if (!known_.contains(content_of(token))) append(entry_of(token, true));
  }

  void add_extra() {
    const char* key = config_.contains(kExtra) ? kExtra : kAdditional;
    if (!config_.contains(key) || config_[key].is_null()) return;
    const ordered_json& extra = config_[key];
    if (!extra.is_structured()) refuse(key, "a list of tokens", extra.dump());
    for (const ordered_json& token : extra) {
      if (!is_token(token)) refuse(key, "a list of tokens", token.dump());
      if (!known_.contains(content_of(token))) append(entry_of(token, extra.is_object()));
    }
  }

  fs::path folder_;
  ordered_json config_;
  std::map<std::string, ordered_json> known_;  // added tokens by their content
  std::vector<ordered_json> out_;
};

}  // namespace

std::string with_appended_tokens(const fs::path& folder, std::string_view tokenizer_json) {
  const std::vector<ordered_json> tokens = Appender(folder, without_model(tokenizer_json)).tokens();
  if (tokens.empty()) return {};
  ordered_json tokenizer = ordered_json::parse(tokenizer_json);
  ordered_json& added = tokenizer["added_tokens"];
  if (!added.is_array()) added = ordered_json::array();
  // Which id a token gets is the library's to say; it only warns if another one stands here.
  for (ordered_json token : tokens) {
    token["id"] = 0;
    added.push_back(std::move(token));
  }
  return tokenizer.dump();
}

}  // namespace qk
