// For tests only: a Hub in memory that takes uploads, as strictly as the real one.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "base/atomic_file.h"
#include "base/hash.h"
#include "base/stopped.h"
#include "hub/hub_client.h"
#include "upload/upload_content.h"

namespace qk {

class UploadHub {
 public:
  static constexpr const char* kEndpoint = "http://hub.test";
  static constexpr const char* kStore = "http://store.test";
  static constexpr const char* kRepo = "org/qk";

  struct Content {
    std::string bytes;
    bool in_lfs = false;
  };
  using Tree = std::map<std::string, Content>;
  // What happens to the next `times` requests whose "METHOD /path" has the text in it.
  struct Fault {
    std::string on;
    int times = 1;
    int status = 0;        // 0: no answer
    bool is_done = false;  // the work is done all the same
    bool is_stop = false;  // Stopped is thrown instead
    int skip = 0;          // requests that pass before
    std::string body{};    // of the answer; empty: JSON
  };

  bool exists = true;
  std::map<std::string, std::string> branches;  // name -> commit
  std::map<std::string, Tree> commits;
  std::map<std::string, std::string> parents, messages;
  std::map<std::string, std::string> objects;  // sha256 -> bytes
  std::vector<std::string> log;                // "METHOD /path"
  std::vector<Fault> faults;
  std::string refused_object;  // path-independent: its batch entry is an error
  std::string ignored;         // a path that .gitignore names
  size_t most_operations = 1000;
  int64_t part_bytes = 0;  // larger contents go up in parts; 0: none do
  std::string store = kStore;
  bool spoils_trees = false;  // shows another digest than it has
  nlohmann::json whoami = {{"name", "org"}, {"auth", {{"accessToken", {{"role", "write"}}}}}};
  std::function<void(const std::string& line)> before = [](const std::string&) {};

  UploadHub() {
    add_commit("main", {{".gitattributes", {"*.parquet filter=lfs\n"}}}, "", "initial");
  }

  std::string add_commit(const std::string& branch, Tree tree, const std::string& parent,
                         const std::string& message) {
    const std::string oid = fmt::format("{:040x}", commits.size() + 1);
    commits[oid] = std::move(tree);
    parents[oid] = parent;
    messages[oid] = message;
    branches[branch] = oid;
    return oid;
  }

  // Without the Hub's own file.
  std::map<std::string, std::string> files(const std::string& branch) const {
    std::map<std::string, std::string> out;
    for (const auto& [path, content] : commits.at(branches.at(branch))) {
      if (path != ".gitattributes") out[path] = content.bytes;
    }
    return out;
  }

  int count(const std::string& text) const {
    return static_cast<int>(std::ranges::count_if(
        log, [&](const std::string& line) { return line.find(text) != std::string::npos; }));
  }

  // Waits are short. The Hub must outlive it.
  std::unique_ptr<HubClient> client() {
    HubSettings settings;
    settings.endpoint = kEndpoint;
    settings.token = Token("hf_secret");
    settings.token_origin = "HF_TOKEN";
    RetryTimes times;
    times.first = times.longest = std::chrono::milliseconds(1);
    return std::make_unique<HubClient>(settings, std::make_unique<Client>(*this), nullptr,
                                       std::function<void(const std::string&)>(), times);
  }

 private:
  using json = nlohmann::json;
  class Client final : public HttpClient {
   public:
    explicit Client(UploadHub& hub) : hub_(hub) {}
    HttpResponse send(const HttpRequest& request) override { return hub_.send(request); }

   private:
    UploadHub& hub_;
  };

  HttpResponse send(const HttpRequest& request) {
    const std::scoped_lock lock(mutex_);
    const std::string path = request.url.substr(request.url.find('/', 8));
    const std::string line = request.method + " " + path;
    log.push_back(line);
    before(line);
    for (Fault& fault : faults) {
      if (fault.times == 0 || line.find(fault.on) == std::string::npos) continue;
      if (fault.skip-- > 0) continue;
      --fault.times;
      if (fault.is_stop) throw Stopped();
      if (fault.is_done) answer(request, path);
      if (fault.status == 0) throw HttpFailure(HttpFault::kTimeout, "no answer");
      if (fault.body.empty()) return reply(fault.status, json{{"error", "a fault"}});
      HttpResponse out;
      out.status = fault.status;
      out.body = fault.body;
      return out;
    }
    HttpResponse response = answer(request, path);
    response.url = request.url;
    return response;
  }

  HttpResponse answer(const HttpRequest& request, const std::string& path) {
    if (request.url.starts_with(kStore)) return answer_store(request, path);
    if (path == "/api/whoami-v2") return reply(200, whoami);
    if (path == "/api/repos/create") return create_repo(body_json(request));
    const std::string base = fmt::format("/api/datasets/{}", kRepo);
    if (!exists) return missing("RepoNotFound");
    if (path == fmt::format("/datasets/{}.git/info/lfs/objects/batch", kRepo))
      return batch(request);
    if (path == base) {
      return reply(200, {{"id", kRepo}, {"sha", branches.at("main")}, {"private", false}});
    }
    if (path == base + "/refs") return refs();
    const auto after = [&](const std::string& name) -> std::optional<std::string> {
      const std::string begin = base + "/" + name + "/";
      if (!path.starts_with(begin)) return {};
      return decoded(path.substr(begin.size(), path.find('?') - begin.size()));
    };
    if (const auto revision = after("tree")) return tree(*revision);
    if (const auto revision = after("preupload")) return preupload(*revision, body_json(request));
    if (const auto branch = after("branch")) return branch_call(request, *branch);
    if (const auto branch = after("commit")) return commit(*branch, body_text(request));
    return reply(404, {{"error", "no such route"}});
  }

  // Bytes, and never the token.
  HttpResponse answer_store(const HttpRequest& request, const std::string& path) {
    EXPECT_FALSE(request.with_token) << path;
    const std::string oid = path.substr(path.rfind('/') + 1, 64);
    const std::string bytes = body_text(request);
    if (request.on_sent) request.on_sent(static_cast<int64_t>(bytes.size()));
    if (path.starts_with("/put/")) return store_object(oid, bytes);
    if (path.starts_with("/part/")) {
      const int number = std::stoi(path.substr(6));
      parts_[oid][number] = bytes;
      HttpResponse out = reply(200, nullptr);
      out.headers.add("ETag", fmt::format("\"tag-{}\"", number));
      return out;
    }
    std::string whole;
    const json wanted = body_json(request);
    int number = 0;
    for (const json& part : wanted.at("parts")) {
      ++number;
      EXPECT_EQ(part.at("partNumber"), number);
      EXPECT_EQ(part.at("etag"), fmt::format("\"tag-{}\"", number));
      whole += parts_[oid].at(number);
    }
    return store_object(oid, whole);
  }

  HttpResponse store_object(const std::string& oid, const std::string& bytes) {
    EXPECT_FALSE(bytes.empty());
    if (digest(bytes) != oid) return reply(400, {{"error", "wrong digest"}});
    objects[oid] = bytes;
    return reply(200, nullptr);
  }

  HttpResponse create_repo(const json& wanted) {
    EXPECT_EQ(wanted.at("organization"), "org");
    if (exists) return reply(409, {{"error", "You already created this dataset repo"}});
    exists = true;
    is_private = wanted.at("private").get<bool>();
    return reply(200, {{"url", ""}});
  }

  HttpResponse refs() const {
    json list = json::array();
    for (const auto& [name, commit] : branches) {
      list.push_back({{"name", name}, {"ref", "refs/heads/" + name}, {"targetCommit", commit}});
    }
    return reply(200, {{"branches", list}, {"tags", json::array()}, {"converts", json::array()}});
  }

  const std::string* find(const std::string& revision) const {
    if (const auto branch = branches.find(revision); branch != branches.end())
      return &branch->second;
    const auto commit = commits.find(revision);
    return commit == commits.end() ? nullptr : &commit->first;
  }

  HttpResponse tree(const std::string& revision) const {
    const std::string* found = find(revision);
    if (found == nullptr) return missing("RevisionNotFound");
    json list = json::array();
    for (const auto& [path, content] : commits.at(*found)) {
      const UploadFile file = describe_text(path, content.bytes);
      json entry = {
          {"type", "file"}, {"path", path}, {"size", file.size}, {"oid", git_blob_id(file)}};
      if (content.in_lfs) {
        entry["lfs"] = {{"oid", spoils_trees ? std::string(64, '0') : file.sha256},
                        {"size", file.size},
                        {"pointerSize", 130}};
      }
      list.push_back(entry);
    }
    return reply(200, list);
  }

  HttpResponse preupload(const std::string& revision, const json& wanted) const {
    if (find(revision) == nullptr) return missing("RevisionNotFound");
    EXPECT_LE(wanted.at("files").size(), 256U);
    json list = json::array();
    for (const json& file : wanted.at("files")) {
      const auto path = file.at("path").get<std::string>();
      const auto sample = std::min<int64_t>(file.at("size").get<int64_t>(), 512);
      EXPECT_EQ(std::ssize(file.at("sample").get<std::string>()), (sample + 2) / 3 * 4);
      list.push_back({{"path", path},
                      {"uploadMode", path.ends_with(".parquet") ? "lfs" : "regular"},
                      {"shouldIgnore", path == ignored}});
    }
    return reply(200, {{"files", list}});
  }

  HttpResponse batch(const HttpRequest& request) {
    const json wanted = body_json(request);
    EXPECT_EQ(wanted.at("operation"), "upload");
    EXPECT_TRUE(branches.contains(wanted.at("ref").at("name")));
    EXPECT_LE(wanted.at("objects").size(), 256U);
    json list = json::array();
    for (const json& object : wanted.at("objects")) {
      const auto oid = object.at("oid").get<std::string>();
      const auto size = object.at("size").get<int64_t>();
      json entry = object;
      if (oid == refused_object) entry["error"] = {{"code", 422}, {"message", "too large for us"}};
      if (!objects.contains(oid)) entry["actions"] = {{"upload", action(oid, size)}};
      list.push_back(entry);
    }
    return reply(200, {{"transfer", "basic"}, {"objects", list}});
  }

  json action(const std::string& oid, int64_t size) const {
    if (part_bytes == 0 || size <= part_bytes) {
      return {{"href", fmt::format("{}/put/{}", store, oid)}, {"header", json::object()}};
    }
    json header = {{"chunk_size", std::to_string(part_bytes)}};
    for (int64_t number = 1; (number - 1) * part_bytes < size; ++number) {
      header[fmt::format("{:05}", number)] = fmt::format("{}/part/{}/{}", store, number, oid);
    }
    return {{"href", fmt::format("{}/join/{}", store, oid)}, {"header", header}};
  }

  HttpResponse branch_call(const HttpRequest& request, const std::string& branch) {
    if (request.method == "DELETE") {
      if (branches.erase(branch) == 0) return missing("RevisionNotFound");
      return reply(200, nullptr);
    }
    const json wanted = body_json(request);
    if (branches.contains(branch) && !wanted.value("overwrite", false)) {
      return reply(409, {{"error", "Reference already exists"}});
    }
    const std::string* start = find(wanted.value("startingPoint", "main"));
    if (start == nullptr) return missing("RevisionNotFound");
    branches[branch] = std::string(*start);
    return reply(201, nullptr);
  }

  HttpResponse commit(const std::string& branch, const std::string& lines) {
    if (!branches.contains(branch)) return missing("RevisionNotFound");
    Tree tree = commits.at(branches.at(branch));
    std::string parent, message;
    size_t operations = 0;
    for (size_t begin = 0; begin < lines.size();) {
      const size_t end = lines.find('\n', begin);
      const json line = json::parse(lines.substr(begin, end - begin));
      begin = end + 1;
      const json& value = line.at("value");
      if (line.at("key") == "header") {
        parent = value.value("parentCommit", "");
        message = value.at("summary");
      } else if (++operations; !apply(line.at("key"), value, tree)) {
        return reply(400, {{"error", "cannot be applied: " + line.dump()}});
      }
    }
    if (parent != branches.at(branch))
      return reply(412, {{"error", "A commit has happened since"}});
    if (operations > most_operations) return reply(413, {{"error", "Payload too large"}});
    const std::string oid = add_commit(branch, tree, parent, message);
    return reply(200, {{"success", true}, {"commitOid", oid}});
  }

  bool apply(const std::string& key, const json& value, Tree& tree) const {
    const auto path = value.at("path").get<std::string>();
    if (key == "deletedFile") return path != ".gitattributes" && tree.erase(path) == 1;
    if (key == "file") {
      tree[path] = {decoded_base64(value.at("content")), false};
      return true;
    }
    const auto object = objects.find(value.at("oid").get<std::string>());
    if (object == objects.end()) return false;
    tree[path] = {object->second, true};
    return std::ssize(object->second) == value.at("size").get<int64_t>();
  }

  static std::string digest(const std::string& bytes) {
    return sha256_hex(std::as_bytes(std::span(bytes)));
  }

  static std::string decoded_base64(const std::string& text) {
    constexpr std::string_view kDigits =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string out;
    uint32_t bits = 0;
    int count = 0;
    for (const char c : text.substr(0, text.find('='))) {
      bits = bits << 6 | static_cast<uint32_t>(kDigits.find(c));
      count += 6;
      if (count < 8) continue;
      count -= 8;
      out += static_cast<char>(bits >> count & 0xFF);
    }
    return out;
  }

  static std::string decoded(const std::string& text) {
    std::string out;
    for (size_t i = 0; i < text.size(); ++i) {
      if (text[i] != '%') {
        out += text[i];
      } else {
        out += static_cast<char>(std::stoi(text.substr(i + 1, 2), nullptr, 16));
        i += 2;
      }
    }
    return out;
  }

  static std::string body_text(const HttpRequest& request) {
    if (const auto* text = std::get_if<std::string>(&request.body)) return *text;
    const auto* slice = std::get_if<FileSlice>(&request.body);
    if (slice == nullptr) return "";
    return read_file(slice->path)
        .substr(static_cast<size_t>(slice->offset), static_cast<size_t>(slice->size));
  }
  static json body_json(const HttpRequest& request) { return json::parse(body_text(request)); }

  static HttpResponse reply(int status, const json& body) {
    HttpResponse out;
    out.status = status;
    out.body = body.is_null() ? "" : body.dump();
    return out;
  }
  static HttpResponse missing(const std::string& code) {
    HttpResponse out = reply(404, {{"error", "not found"}});
    out.headers.add("X-Error-Code", code);
    return out;
  }

  std::mutex mutex_;
  std::map<std::string, std::map<int, std::string>> parts_;

 public:
  bool is_private = false;
};

}  // namespace qk
