#include "upload/lfs_transfer.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <functional>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string_view>
#include <utility>

#include "base/error.h"
#include "download/transfer_meter.h"
#include "download/transfer_threads.h"
#include "hub/hub_answers.h"
#include "upload/lfs_batch.h"

namespace qk {
namespace {

constexpr int kMostAtOnce = 5;  // files
constexpr int kMostRedirects = 10;
constexpr int kMostRenewals = 3;  // of a file's addresses
// For the answer to a file, which a store gives when it has written it: so many times the timeout of
// downloads.
constexpr int kPatience = 6;

// What a store's answer says: S3's are XML.
std::string words_of_store(const HttpResponse& answer) {
  const std::string& body = answer.body;
  constexpr std::string_view kBegin = "<Message>";
  const size_t begin = body.find(kBegin);
  std::string words = begin == std::string::npos
                          ? words_of_error(body)
                          : body.substr(begin + kBegin.size(),
                                        body.find("</Message>", begin) - begin - kBegin.size());
  words = printable(words, 300);
  return fmt::format("status {}{}", answer.status, words.empty() ? "" : ", '" + words + "'");
}

// Networks that want a sign-in answer so, with 200.
bool is_web_page(const HttpResponse& answer) {
  return answer.headers.find("Content-Type").value_or("").starts_with("text/html");
}

// An address that is not valid any more: stores answer so to what was signed too long ago.
bool has_run_out(int status) {
  constexpr std::array<int, 4> kStatuses = {401, 403, 404, 410};
  return std::ranges::find(kStatuses, status) != kStatuses.end();
}

using Check = std::function<void()>;

// Each content once.
std::vector<const UploadFile*> contents_of(const std::vector<const UploadFile*>& files) {
  std::vector<const UploadFile*> contents;
  contents.reserve(files.size());
  std::set<std::string> seen;
  for (const UploadFile* file : files) {
    if (seen.insert(file->sha256).second) contents.push_back(file);
  }
  return contents;
}

int64_t total_bytes(const std::vector<const UploadFile*>& files) {
  int64_t bytes = 0;
  for (const UploadFile* file : files) bytes += file->size;
  return bytes;
}

class LfsTransfer {
 public:
  LfsTransfer(HubClient& hub, const Repo& repo, const std::string& revision,
              std::vector<const UploadFile*> contents, const TransferOptions& options)
      : hub_(hub),
        repo_(repo),
        revision_(revision),
        objects_(std::move(contents)),
        num_threads_(std::min(options.max_workers, kMostAtOnce)),
        meter_(options, std::ssize(objects_), total_bytes(objects_), true),
        blocks_((objects_.size() + kMostLfsObjects - 1) / kMostLfsObjects) {}

  LfsResult run() {
    run_transfers(num_threads_, std::ssize(objects_), hub_.stop(),
                  [&](int64_t i, const Check& check) { send(static_cast<size_t>(i), check); });
    meter_.finish();
    return result_;
  }

 private:
  // Asks about a whole block of files when its first one's turn comes, so that no address waits for
  // long.
  LfsUpload upload_of(size_t index, const Check& check) {
    const std::scoped_lock lock(blocks_mutex_);
    auto& block = blocks_.at(index / kMostLfsObjects);
    if (!block) {
      const size_t first = index / kMostLfsObjects * kMostLfsObjects;
      const size_t last = std::min(first + kMostLfsObjects, objects_.size());
      const auto begin = objects_.begin() + static_cast<std::ptrdiff_t>(first);
      block = ask_lfs_uploads(hub_, repo_, revision_,
                              {begin, objects_.begin() + static_cast<std::ptrdiff_t>(last)}, check);
    }
    return block->at(objects_[index]->sha256);
  }

  void send(size_t index, const Check& check) {
    const UploadFile& file = *objects_[index];
    LfsUpload upload = upload_of(index, check);
    if (upload.url.empty()) return meter_.skip(file.size);
    refuse_changed(file);
    for (int renewals = 0;; ++renewals) {
      const HttpResponse answer = send_once(file, upload, check);
      if (!has_run_out(answer.status)) break;
      if (renewals == kMostRenewals) {
        refuse(
            fmt::format("refuses {}, though its address is new ({}): see that this machine's "
                        "clock is right and that no proxy changes requests, and run the same "
                        "command again later",
                        printable(file.path), words_of_store(answer)));
      }
      upload = ask_lfs_uploads(hub_, repo_, revision_, {&file}, check).at(file.sha256);
      if (upload.url.empty()) break;  // another publisher sent it meanwhile
    }
    refuse_changed(file);
    meter_.file_done();
    const std::scoped_lock lock(result_mutex_);
    ++result_.num_files;
    result_.bytes += file.size;
  }

  // The store's last answer: success, or that the address has run out.
  HttpResponse send_once(const UploadFile& file, const LfsUpload& upload, const Check& check) {
    if (upload.part_urls.empty()) {
      const HttpRequest request{
          .method = "PUT", .url = upload.url, .headers = upload.headers, .check = check};
      return accept(file, put(file, request, 0, file.size), file.size);
    }
    nlohmann::json parts = nlohmann::json::array();
    int64_t sent = 0;
    for (const std::string& url : upload.part_urls) {
      const int64_t size = std::min(upload.part_bytes, file.size - sent);
      const HttpResponse answer = accept(
          file, put(file, {.method = "PUT", .url = url, .check = check}, sent, size), sent + size);
      if (has_run_out(answer.status)) return answer;
      sent += size;
      const auto etag = answer.headers.find("ETag");
      if (!etag) {
        refuse(fmt::format("gives no ETag for a part of {}: run the same command again later",
                           printable(file.path)));
      }
      parts.push_back({{"partNumber", std::ssize(parts) + 1}, {"etag", *etag}});
    }
    return accept(file, join_parts(file, upload.url, parts, check), sent);
  }

  // The bytes are counted once, however often they are sent.
  HttpResponse put(const UploadFile& file, HttpRequest request, int64_t offset, int64_t size) {
    int64_t counted = 0;
    request.with_token = false;
    request.idle_timeout = kPatience * hub_.settings().download_timeout;
    if (file.source.empty()) {
      request.body = file.content.substr(static_cast<size_t>(offset), static_cast<size_t>(size));
    } else {
      request.body = FileSlice{file.source, offset, size};
    }
    request.on_sent = [&](int64_t bytes) {
      bytes = std::min(bytes, size - counted);
      counted += bytes;
      meter_.add(bytes);
    };
    const auto attempt = [&] {
      meter_.take_back(std::exchange(counted, 0));
      return send_there(request);
    };
    HttpResponse answer = hub_.with_retries(printable(file.path), attempt, request.check);
    meter_.add(size - counted);
    return answer;
  }

  // Follows the redirects that keep method and body, as those to a store in another region.
  HttpResponse send_there(HttpRequest request) const {
    for (int hop = 0; hop < kMostRedirects; ++hop) {
      HttpResponse answer = hub_.http().send(request);
      const auto location = answer.headers.find("Location");
      if ((answer.status != 307 && answer.status != 308) || !location) return answer;
      request.url = resolve_url(request.url, *location);
    }
    refuse("sends from address to address: run the same command again later");
  }

  HttpResponse join_parts(const UploadFile& file, const std::string& url,
                          const nlohmann::json& parts, const Check& check) {
    HttpRequest request{.method = "POST",
                        .url = url,
                        .headers = {{"Accept", kLfsType}, {"Content-Type", kLfsType}},
                        .with_token = false,
                        .check = check};
    request.body = nlohmann::json{{"oid", file.sha256}, {"parts", parts}}.dump();
    request.idle_timeout = kPatience * hub_.settings().download_timeout;
    return hub_.with_retries(
        printable(file.path), [&] { return hub_.http().send(request); }, check);
  }

  // The answer; throws unless it says that it was done, or that the address has run out.
  //   sent  bytes of the file that do not count in this case
  HttpResponse accept(const UploadFile& file, HttpResponse answer, int64_t sent) {
    if (is_web_page(answer)) {
      refuse(
          fmt::format("answers to {} with a web page: sign in to this network, or see what proxy "
                      "there is, and run the same command again",
                      printable(file.path)));
    }
    if (answer.status >= 200 && answer.status < 300) return answer;
    if (has_run_out(answer.status)) {
      meter_.take_back(sent);
      return answer;
    }
    refuse_changed(file);
    const bool is_too_large = answer.status == 413;
    refuse(fmt::format("does not take {}, of {} bytes ({}): {}", printable(file.path), file.size,
                       words_of_store(answer),
                       is_too_large ? "a proxy or mirror on the way may allow less than the "
                                      "store; raise its limit, or publish past it"
                                    : "run the same command again later"));
  }

  [[noreturn]] void refuse(const std::string& what) const {
    throw HubError(HubFault::kRefused, fmt::format("hub: {}: the store {}", repo_.id, what));
  }

  HubClient& hub_;
  const Repo& repo_;
  const std::string& revision_;
  std::vector<const UploadFile*> objects_;
  int num_threads_;
  TransferMeter meter_;
  std::mutex blocks_mutex_;
  std::vector<std::optional<std::map<std::string, LfsUpload>>> blocks_;
  std::mutex result_mutex_;
  LfsResult result_;
};

}  // namespace

LfsResult send_contents(HubClient& hub, const Repo& repo, const std::string& revision,
                        const std::vector<const UploadFile*>& files,
                        const TransferOptions& options) {
  return LfsTransfer(hub, repo, revision, contents_of(files), options).run();
}

}  // namespace qk
