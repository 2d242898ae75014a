#include "hub/hub_answers.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "formats/json.h"
#include "hub/hub_headers.h"

namespace qk {
namespace {

using nlohmann::json;

constexpr int64_t kMaxJsonSize = int64_t{1} << 53;  // JavaScript's whole numbers: the Hub's JSON
constexpr size_t kSha256Hex = 64;
constexpr size_t kMaxPath = 4096;
constexpr size_t kMaxNameBytes = 255;

std::string json_shown(const json& value) { return printable(value.dump(-1, ' ', true), 60); }

void require_object(const json& value, std::string_view what) {
  if (!value.is_object()) fail("{}: expected an object, found {}", what, json_shown(value));
}

void require_list(const json& value, std::string_view what) {
  if (!value.is_array()) fail("{}: expected a list, found {}", what, json_shown(value));
}

const json* json_member(const json& parent, const char* key) {
  const auto it = parent.find(key);
  return it == parent.end() || it->is_null() ? nullptr : &*it;
}

// Text of an optional member.
std::string json_optional_text(const json& parent, const char* key) {
  const json* value = json_member(parent, key);
  if (value == nullptr) return "";
  if (!value->is_string()) fail("'{}': expected text, found {}", key, json_shown(*value));
  return value->get<std::string>();
}

std::string json_text(const json& parent, const char* key) {
  std::string value = json_optional_text(parent, key);
  if (value.empty()) fail("'{}' is missing or empty", key);
  return value;
}

bool json_flag(const json& parent, const char* key) {
  const json* value = json_member(parent, key);
  if (value == nullptr) return false;
  if (!value->is_boolean()) fail("'{}': expected true or false, found {}", key, json_shown(*value));
  return value->get<bool>();
}

int64_t json_size(const json& parent, const char* key) {
  const json* value = json_member(parent, key);
  if (value == nullptr) fail("'{}' is missing", key);
  // Whole numbers above int64_t become negative.
  const int64_t size = value->is_number_integer() ? value->get<int64_t>() : -1;
  if (size < 0 || size > kMaxJsonSize)
    fail("'{}': expected a number of bytes, found {}", key, json_shown(*value));
  return size;
}

std::string json_digest(const json& parent, const char* key, size_t num_digits) {
  std::string value = json_text(parent, key);
  if (value.size() != num_digits || !is_hex(value)) {
    fail("'{}': expected {} hexadecimal digits, found '{}'", key, num_digits, printable(value, 80));
  }
  return value;
}

std::string json_commit(const json& parent, const char* key) {
  return json_digest(parent, key, 40);
}

// "auto" or "manual"; empty for false.
std::string json_gate(const json& answer) {
  const json* value = json_member(answer, "gated");
  if (value == nullptr || value->is_boolean()) {
    return value != nullptr && value->get<bool>() ? "auto" : "";
  }
  return json_optional_text(answer, "gated");
}

RemoteFile remote_file(const json& entry) {
  RemoteFile file;
  file.path = json_text(entry, "path");
  if (const std::string fault = path_fault(file.path); !fault.empty()) {
    fail("file '{}': {}", printable(file.path), fault);
  }
  try {
    file.size = json_size(entry, "size");
    file.blob_id = json_digest(entry, "oid", 40);
    file.xet_hash = json_optional_text(entry, "xetHash");
    if (const json* lfs = json_member(entry, "lfs")) {
      require_object(*lfs, "'lfs'");
      file.sha256 = json_digest(*lfs, "oid", kSha256Hex);
      file.size = json_size(*lfs, "size");
    }
  } catch (const Error& error) {
    fail("file '{}': {}", printable(file.path), error.what());
  }
  return file;
}

std::vector<BranchHead> json_heads(const json& answer, const char* key) {
  std::vector<BranchHead> out;
  const json* list = json_member(answer, key);
  if (list == nullptr) return out;
  require_list(*list, key);
  out.reserve(list->size());
  for (const json& entry : *list) {
    require_object(entry, key);
    out.push_back({json_text(entry, "name"), json_commit(entry, "targetCommit")});
  }
  return out;
}

// What a fine-grained token may write to. Shape of a scope: {"entity": {"type", "name"},
// "permissions": ["repo.write", ...]}.
std::vector<std::string> write_scopes(const json& fine_grained) {
  std::vector<std::string> out;
  const auto writes = [](const json& list) {
    return list.is_array() && std::any_of(list.begin(), list.end(), [](const json& permission) {
             return permission == "repo.write" || permission == "repo.content.write";
           });
  };
  const json* scoped = json_member(fine_grained, "scoped");
  if (scoped == nullptr) return out;
  require_list(*scoped, "'scoped'");
  out.reserve(scoped->size());
  for (const json& scope : *scoped) {
    require_object(scope, "'scoped'");
    const json* permissions = json_member(scope, "permissions");
    const json* entity = json_member(scope, "entity");
    if (permissions == nullptr || entity == nullptr || !writes(*permissions)) continue;
    require_object(*entity, "'entity'");
    const std::string name = json_optional_text(*entity, "name");
    const std::string type = json_optional_text(*entity, "type");
    if (!name.empty()) out.push_back((type == "dataset" ? "datasets/" : "") + name);
  }
  return out;
}

std::string one_line(std::string text) {
  std::replace_if(text.begin(), text.end(), [](char c) { return c == '\n' || c == '\r'; }, ' ');
  const size_t first = text.find_first_not_of(" \t\r");
  if (first == std::string::npos) return "";
  text = text.substr(first, text.find_last_not_of(" \t\r") - first + 1);
  return text;
}

void append_words(const json& value, std::string& words) {
  if (value.is_array()) {
    for (const json& part : value) append_words(part, words);
    return;
  }
  const json* message = value.is_object() ? json_member(value, "message") : &value;
  if (message == nullptr || !message->is_string()) return;
  const std::string text = one_line(message->get<std::string>());
  if (text.empty() || words.find(text) != std::string::npos) return;
  words += (words.empty() ? "" : "; ") + text;
}

}  // namespace

json parse_answer(std::string_view text) {
  try {
    return parse_python_json(text, "the answer");
  } catch (const Error&) {
    const bool is_html = text.substr(0, 512).find('<') < 16;
    fail("expected JSON, found {}{}", is_html ? "a web page: " : "",
         text.empty() ? "nothing" : "'" + one_line(std::string(text.substr(0, 80))) + "'");
  }
}

RepoInfo parse_repo_info(const json& answer) {
  require_object(answer, "the answer");
  RepoInfo info;
  info.id = json_text(answer, "id");
  if (!is_repo_id(info.id)) fail("'id': '{}' is no name of a repository", printable(info.id));
  info.commit = json_commit(answer, "sha");
  info.is_private = json_flag(answer, "private");
  info.is_disabled = json_flag(answer, "disabled");
  info.gated = json_gate(answer);
  return info;
}

std::vector<RemoteFile> parse_tree(const json& pages) {
  std::vector<RemoteFile> files;
  require_list(pages, "the answer");
  files.reserve(pages.size());
  for (const json& entry : pages) {
    require_object(entry, "an entry of the list");
    const std::string type = json_text(entry, "type");
    if (type == "file") files.push_back(remote_file(entry));
  }
  const auto by_path = [](const RemoteFile& a, const RemoteFile& b) { return a.path < b.path; };
  std::sort(files.begin(), files.end(), by_path);
  const auto twice = std::adjacent_find(
      files.begin(), files.end(), [](const auto& a, const auto& b) { return a.path == b.path; });
  if (twice != files.end()) fail("file '{}' is listed twice", printable(twice->path));
  return files;
}

RepoRefs parse_refs(const json& answer) {
  require_object(answer, "the answer");
  return {json_heads(answer, "branches"), json_heads(answer, "tags"),
          json_heads(answer, "converts")};
}

WhoAmI parse_who_am_i(const json& answer) {
  require_object(answer, "the answer");
  WhoAmI out;
  out.name = json_text(answer, "name");
  if (const json* list = json_member(answer, "orgs")) {
    require_list(*list, "'orgs'");
    out.organisations.reserve(list->size());
    for (const json& entry : *list) {
      require_object(entry, "'orgs'");
      out.organisations.push_back(
          {json_text(entry, "name"), json_optional_text(entry, "roleInOrg")});
    }
  }
  const json* auth = json_member(answer, "auth");
  if (auth == nullptr) return out;
  require_object(*auth, "'auth'");
  const json* token = json_member(*auth, "accessToken");
  if (token == nullptr) return out;
  require_object(*token, "'accessToken'");
  out.token_role = json_optional_text(*token, "role");
  if (const json* scopes = json_member(*token, "fineGrained")) {
    require_object(*scopes, "'fineGrained'");
    out.write_scopes = write_scopes(*scopes);
  }
  return out;
}

std::string path_fault(std::string_view path) {
  if (path.empty()) return "it is empty";
  if (path.size() > kMaxPath) return "it is longer than 4,096 bytes";
  if (path.find('\0') != std::string_view::npos) return "it holds a zero byte";
  if (path.find('\\') != std::string_view::npos) return "it holds a backslash";
  for (size_t begin = 0; begin <= path.size();) {
    const size_t end = std::min(path.find('/', begin), path.size());
    const std::string_view part = path.substr(begin, end - begin);
    if (part == "..") return "it leads out of the repository";
    if (part.empty() || part == ".") return "it is no plain path (an absolute one, '//' or '.')";
    if (part.size() > kMaxNameBytes) return "a part of it is longer than 255 bytes";
    begin = end + 1;
  }
  return "";
}

std::string words_of_error(std::string_view body) {
  json answer;
  try {
    answer = parse_python_json(body, "the answer");
  } catch (const Error&) {
    const bool is_html = body.find('<') < 16;
    return is_html ? "" : one_line(std::string(body));
  }
  std::string words;
  if (answer.is_string()) append_words(answer, words);
  if (!answer.is_object()) return words;
  for (const char* key : {"error", "errors", "message"}) {
    if (const json* value = json_member(answer, key)) append_words(*value, words);
  }
  return words;
}

}  // namespace qk
