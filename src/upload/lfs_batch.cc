#include "upload/lfs_batch.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <nlohmann/json.hpp>
#include <string_view>
#include <utility>

#include "base/error.h"
#include "base/json_value.h"

namespace qk {
namespace {

using nlohmann::json;

[[noreturn]] void bad_batch(const UploadFile& file, const std::string& what) {
  throw HubError(HubFault::kBadAnswer,
                 fmt::format("hub: the answer that says where {} goes {}: try again later",
                             printable(file.path), what));
}

std::string text_at(const json& object, std::initializer_list<const char*> keys) {
  const json value = value_at(object, keys);
  return value.is_string() ? value.get<std::string>() : "";
}

int64_t whole_number(const json& value) {
  if (value.is_number_integer()) return value.get<int64_t>();
  if (!value.is_string()) return 0;
  const auto& text = value.get_ref<const std::string&>();
  int64_t number = 0;
  const auto end = text.data() + text.size();
  return std::from_chars(text.data(), end, number).ptr == end ? number : 0;
}

bool is_number(const std::string& text) {
  return !text.empty() &&
         std::ranges::all_of(text, [](unsigned char c) { return std::isdigit(c); });
}

void read_parts(const HubClient& hub, const json& header, const UploadFile& file, LfsUpload& out) {
  out.part_bytes = whole_number(header["chunk_size"]);
  std::map<int64_t, std::string> parts;
  for (const auto& [name, value] : header.items()) {
    if (is_number(name) && value.is_string()) {
      parts[whole_number(name)] = at_endpoint(hub.settings(), value.get<std::string>());
    }
  }
  for (auto& [number, url] : parts) out.part_urls.push_back(std::move(url));
  const int64_t bytes = std::max<int64_t>(out.part_bytes, 1);
  const int64_t expected = (file.size + bytes - 1) / bytes;
  if (out.part_bytes <= 0 || std::ssize(out.part_urls) != expected) {
    bad_batch(file, fmt::format("names {} parts of {} bytes, expected {}", out.part_urls.size(),
                                out.part_bytes, expected));
  }
}

LfsUpload read_object(const HubClient& hub, const json& object, const UploadFile& file) {
  if (const json error = value_at(object, {"error"}); !error.is_null()) {
    throw HubError(HubFault::kRefused, fmt::format("hub: {} was refused: {}", printable(file.path),
                                                   printable(text_at(error, {"message"}), 400)));
  }
  LfsUpload out;
  const json upload = value_at(object, {"actions", "upload"});
  if (upload.is_null()) return out;
  out.url = at_endpoint(hub.settings(), text_at(upload, {"href"}));
  if (origin_of(out.url).empty()) bad_batch(file, "has no address");
  const json header = value_at(upload, {"header"});
  if (!header.is_object()) return out;
  if (header.contains("chunk_size")) {
    read_parts(hub, header, file, out);
    return out;
  }
  for (const auto& [name, value] : header.items()) {
    if (value.is_string()) out.headers.push_back({name, value.get<std::string>()});
  }
  return out;
}

std::string batch_body(const std::string& revision, const std::vector<const UploadFile*>& files) {
  json objects = json::array();
  for (const UploadFile* file : files) {
    objects.push_back({{"oid", file->sha256}, {"size", file->size}});
  }
  return json{{"operation", "upload"},
              {"transfers", {"basic", "multipart"}},
              {"hash_algo", "sha256"},
              {"ref", {{"name", revision}}},
              {"objects", std::move(objects)}}
      .dump();
}

}  // namespace

std::map<std::string, LfsUpload> ask_lfs_uploads(HubClient& hub, const Repo& repo,
                                                 const std::string& revision,
                                                 const std::vector<const UploadFile*>& files,
                                                 const std::function<void()>& check) {
  HubCall call;
  call.check = check;
  call.method = "POST";
  call.path = fmt::format("/{}.git/info/lfs/objects/batch", page_path(repo));
  call.headers = {{"Accept", kLfsType}};
  call.body = batch_body(revision, files);
  call.content_type = kLfsType;
  call.writes = true;
  call.repo = repo;
  call.revision = revision;
  const json answer = hub.json(call);
  std::map<std::string, json> objects;
  for (const json& object : value_at(answer, {"objects"})) {
    objects.emplace(text_at(object, {"oid"}), object);
  }
  std::map<std::string, LfsUpload> out;
  for (const UploadFile* file : files) {
    const auto found = objects.find(file->sha256);
    if (found == objects.end()) bad_batch(*file, "leaves it out");
    out.emplace(file->sha256, read_object(hub, found->second, *file));
  }
  return out;
}

}  // namespace qk
