// For tests only: a Hub in memory with one model, org/m, whose large files lie on another host.
#pragma once

#include <fmt/format.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/hash.h"
#include "base/test_folder.h"
#include "download/download.h"
#include "hub/hub_client.h"

namespace qk {

class MemoryHub {
 public:
  static constexpr const char* kCommit = "0123456789abcdef0123456789abcdef01234567";
  static constexpr const char* kHub = "http://hub.test";
  static constexpr const char* kCdn = "http://cdn.test";

  std::map<std::string, std::string> files;  // path -> content
  std::set<std::string> large;               // of these paths: known by their SHA-256
  std::vector<std::string> log;              // "GET /path bytes=3-"
  std::vector<std::string> notes;
  // An answer instead of the right one; or it throws.
  std::function<std::optional<HttpResponse>(const HttpRequest&)> instead;
  // Called between the two pieces in which a body comes.
  std::function<void()> between;
  std::atomic<int> num_notes{0};
  // Changes the right answer.
  std::function<void(const HttpRequest&, HttpResponse&)> spoil;

  HubSettings settings() const {
    HubSettings out;
    out.endpoint = kHub;
    out.cache = cache.path();
    return out;
  }
  std::unique_ptr<HubClient> client(const HubSettings& settings,
                                    const std::atomic<bool>* stop = nullptr) {
    RetryTimes times;
    times.first = times.longest = std::chrono::milliseconds(1);
    return std::make_unique<HubClient>(
        settings, std::make_unique<Client>(*this), stop,
        [this](const std::string& note) {
          notes.push_back(note);
          ++num_notes;
        },
        times);
  }
  std::unique_ptr<HubClient> client() { return client(settings()); }

  RemoteFile remote(const std::string& path) const {
    const std::string& content = files.at(path);
    RemoteFile file;
    file.path = path;
    file.size = static_cast<int64_t>(content.size());
    MessageDigest digest = MessageDigest::git_blob(file.size);
    digest.update(content);
    file.blob_id = digest.hex();
    if (large.contains(path)) {
      Sha256 sum;
      sum.update(content);
      file.sha256 = sum.hex();
    }
    return file;
  }
  RepoTree tree() const {
    RepoTree out{
        .repo = {RepoKind::kModel, "org/m"}, .commit = kCommit, .files = {}, .revision = "main"};
    for (const auto& [path, content] : files) out.files.push_back(remote(path));
    return out;
  }
  std::filesystem::path repo() const { return cache / "models--org--m"; }
  std::filesystem::path snapshot() const { return repo() / "snapshots" / kCommit; }
  std::filesystem::path blob(const std::string& path) const {
    return repo() / "blobs" / remote(path).digest();
  }

  const TestFolder cache;

 private:
  class Client final : public HttpClient {
   public:
    explicit Client(MemoryHub& hub) : hub_(hub) {}
    HttpResponse send(const HttpRequest& request) override { return hub_.answer(request); }

   private:
    MemoryHub& hub_;
  };

  static std::string range_of(const HttpRequest& request) {
    for (const HttpHeader& header : request.headers) {
      if (header.name == "Range") return header.value;
    }
    return "";
  }

  nlohmann::json tree_json() const {
    nlohmann::json list = nlohmann::json::array();
    for (const RemoteFile& file : tree().files) {
      list.push_back(
          {{"type", "file"}, {"path", file.path}, {"size", file.size}, {"oid", file.blob_id}});
      if (file.sha256.empty()) continue;
      list.back()["lfs"] = {{"oid", file.sha256}, {"size", file.size}, {"pointerSize", 127}};
    }
    return list;
  }

  static HttpResponse content(const HttpRequest& request, const std::string& text) {
    HttpResponse out{.status = 200, .headers = {}, .body = text, .url = request.url};
    const std::string range = range_of(request);
    if (!range.empty()) {
      const size_t begin = std::stoul(range.substr(std::string("bytes=").size()));
      out.status = 206;
      out.body = text.substr(begin);
      out.headers.add("Content-Range",
                      fmt::format("bytes {}-{}/{}", begin, text.size() - 1, text.size()));
    }
    out.headers.add("Content-Length", fmt::format("{}", out.body.size()));
    return out;
  }

  // The file whose address is `prefix` and its path.
  std::optional<std::string> name_at(const std::string& address, const std::string& prefix) const {
    for (const auto& [name, content] : files) {
      if (address == prefix + encode_path(name)) return name;
    }
    return std::nullopt;
  }

  HttpResponse right_answer(const HttpRequest& request) const {
    const std::string hub = kHub;
    const std::string at_commit = fmt::format("/org/m/resolve/{}/", kCommit);
    if (request.url.starts_with(kCdn)) {
      return content(request, files.at(*name_at(request.url, std::string(kCdn) + "/")));
    }
    const std::string path = request.url.substr(hub.size());
    HttpResponse out{.status = 200, .headers = {}, .body = "", .url = request.url};
    if (path == "/api/models/org/m/revision/main") {
      out.body = nlohmann::json({{"id", "org/m"}, {"sha", kCommit}}).dump();
    } else if (path.starts_with(fmt::format("/api/models/org/m/tree/{}", kCommit))) {
      out.body = tree_json().dump();
    } else if (const auto name = name_at(path, at_commit)) {
      if (!large.contains(*name)) return content(request, files.at(*name));
      out.status = 302;
      out.headers.add("Location", fmt::format("{}/{}", kCdn, encode_path(*name)));
    } else {
      out.status = 404;
      out.headers.add("X-Error-Code", path.find("org/m/") == std::string::npos
                                          ? "RepoNotFound"
                                          : "RevisionNotFound");
    }
    return out;
  }

  HttpResponse answer(const HttpRequest& request) {
    {
      const std::lock_guard lock(mutex_);
      const std::string path = request.url.substr(request.url.find('/', 7));
      const std::string range = range_of(request);
      log.push_back(request.method + " " + path.substr(0, path.find('?')) +
                    (range.empty() ? "" : " " + range));
    }
    HttpResponse out;
    std::optional<HttpResponse> other = instead ? instead(request) : std::nullopt;
    if (other) {
      out = *std::move(other);
      out.url = request.url;
    } else {
      out = right_answer(request);
      if (spoil) spoil(request, out);
    }
    if (!request.sink || (out.status != 200 && out.status != 206)) return out;
    HttpResponse head = out;
    head.body.clear();
    if (request.on_headers) request.on_headers(head);
    // In two pieces, as from a network.
    const auto bytes = std::as_bytes(std::span<const char>(out.body.data(), out.body.size()));
    const size_t half = bytes.size() / 2;
    if (half > 0) request.sink(bytes.first(half));
    if (between) between();
    if (!bytes.empty()) request.sink(bytes.subspan(half));
    return head;
  }

  std::mutex mutex_;
};

}  // namespace qk
