#include "yaml/token_check.h"

#include <algorithm>
#include <array>
#include <cctype>

#include "base/error.h"

namespace qk {
namespace {

constexpr std::string_view kInstead =
    "remove it, and set HF_TOKEN or write it into the file .env; replace a token that others may "
    "have seen";
constexpr size_t kShortestToken = 16;  // after the prefix; those of the Hub have 34

constexpr std::array<std::string_view, 15> kKeys = {"token",
                                                    "hf_token",
                                                    "hub_token",
                                                    "huggingface_token",
                                                    "hugging_face_token",
                                                    "huggingface_hub_token",
                                                    "hugging_face_hub_token",
                                                    "use_auth_token",
                                                    "auth_token",
                                                    "access_token",
                                                    "api_token",
                                                    "api_key",
                                                    "hf_api_token",
                                                    "hf_api_key",
                                                    "password"};

// In small letters, with '_' for '-'.
std::string plain_key(std::string_view key) {
  std::string plain(key);
  std::transform(plain.begin(), plain.end(), plain.begin(), [](unsigned char c) {
    return c == '-' ? '_' : static_cast<char>(std::tolower(c));
  });
  return plain;
}

bool is_alphanumeric(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0; }

// How many characters at the begin of the text are letters, digits, or one of `others`.
size_t run_length(std::string_view text, std::string_view others) {
  const auto end = std::find_if(text.begin(), text.end(), [&](char c) {
    return !is_alphanumeric(c) && others.find(c) == std::string_view::npos;
  });
  return static_cast<size_t>(end - text.begin());
}

// Where something begins that looks like a token; npos: nowhere.
size_t find_token(std::string_view text) {
  struct Prefix {
    std::string_view text, others;
  };
  constexpr std::array<Prefix, 4> kPrefixes = {
      {{"hf_oauth_", "._-"}, {"hf_jwt_", "._-"}, {"hf_", ""}, {"api_org_", ""}}};
  size_t first = std::string_view::npos;
  for (const Prefix& prefix : kPrefixes) {
    for (size_t at = 0; (at = text.find(prefix.text, at)) != std::string_view::npos; ++at) {
      const bool is_inside = at > 0 && (is_alphanumeric(text[at - 1]) || text[at - 1] == '_');
      if (is_inside) continue;
      if (run_length(text.substr(at + prefix.text.size()), prefix.others) < kShortestToken)
        continue;
      first = std::min(first, at);
      break;
    }
  }
  return first;
}

void check_value(const YamlValue& value, const std::string& section) {
  refuse_token_text(value.text, value.place);
  for (const YamlValue& item : value.items) check_value(item, section);
  for (const YamlValue::Entry& entry : value.entries) {
    refuse_token_text(entry.key, entry.place);
    const std::string name = section.empty() ? entry.key : section + "." + entry.key;
    using Kind = YamlValue::Kind;
    const bool is_harmless = entry.value.kind == Kind::kNull ||
                             entry.value.kind == Kind::kBoolean ||
                             (entry.value.kind == Kind::kText && entry.value.text.empty());
    if (is_token_key(entry.key) && !is_harmless) {
      fail("{}: {}: a token has no place in a configuration: {}", entry.place, printable(name),
           kInstead);
    }
    check_value(entry.value, name);
  }
}

}  // namespace

void refuse_token_text(std::string_view text, const std::string& place) {
  if (find_token(text) == std::string_view::npos) return;
  fail("{}: holds what looks like a token of the Hugging Face Hub: {}", place, kInstead);
}

void refuse_token_lines(std::string_view text, const std::string& name) {
  const size_t at = find_token(text);
  if (at == std::string_view::npos) return;
  const auto line = std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(at), '\n');
  refuse_token_text(text.substr(at), fmt::format("{}:{}", name, line + 1));
}

bool is_token_key(std::string_view key) {
  const std::string plain = plain_key(key);
  return std::find(kKeys.begin(), kKeys.end(), plain) != kKeys.end();
}

bool names_token_key(std::string_view text) {
  const std::string plain = plain_key(text);
  for (size_t colon = 0; (colon = plain.find(':', colon)) != std::string::npos; ++colon) {
    const size_t last = plain.find_last_not_of(" \t'\"", colon == 0 ? 0 : colon - 1);
    if (last == std::string::npos) continue;
    size_t first = last + 1;
    while (first > 0 && (is_alphanumeric(plain[first - 1]) || plain[first - 1] == '_')) --first;
    if (is_token_key(std::string_view(plain).substr(first, last + 1 - first))) return true;
  }
  return false;
}

void refuse_token_values(const YamlValue& value) { check_value(value, ""); }

}  // namespace qk
