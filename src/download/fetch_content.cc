#include "download/fetch_content.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "hub/hub_errors.h"
#include "hub/retry_plan.h"

namespace qk {
namespace {

constexpr int kMaxContentRedirects = 10;
constexpr int kMaxExpiries = 5;  // signed addresses in a row that gave no byte

bool is_content(int status) { return status == 200 || status == 206; }

struct ContentRange {
  int64_t begin = 0, total = 0;
};

// "bytes 5-9/10".
std::optional<ContentRange> parse_content_range(std::string_view text) {
  constexpr std::string_view kUnit = "bytes ";
  const size_t slash = text.find('/');
  if (!text.starts_with(kUnit) || slash == std::string_view::npos) return std::nullopt;
  ContentRange range;
  const char* begin = text.data() + kUnit.size();
  const char* total = text.data() + slash + 1;
  const char* end = text.data() + text.size();
  if (std::from_chars(begin, end, range.begin).ec != std::errc()) return std::nullopt;
  const auto parsed = std::from_chars(total, end, range.total);
  if (parsed.ec != std::errc() || parsed.ptr != end) return std::nullopt;
  return range;
}

class ContentFetch {
 public:
  ContentFetch(HubClient& hub, const RepoTree& tree, const RemoteFile& file, PartialFile& partial,
               const FetchHooks& hooks)
      : hub_(hub), file_(file), partial_(partial), hooks_(hooks) {
    call_.path =
        fmt::format("/{}/resolve/{}/{}", page_path(tree.repo), tree.commit, encode_path(file.path));
    call_.repo = tree.repo;
    call_.revision = tree.revision.empty() ? tree.commit : tree.revision;
    call_.file = file.path;
  }

  // Until the file has all its bytes.
  void run() {
    int64_t before = partial_.size();
    for (int expiries = 0; !partial_.has_all();) {
      const HttpResponse response = hub_.with_retries(
          subject_of(call_), [this] { return attempt(); }, hooks_.check,
          // A server that ignores Range and cuts here and there must not go on for ever.
          [this, most = partial_.size()]() mutable {
            const bool progressed = partial_.size() > most;
            most = std::max(most, partial_.size());
            return progressed;
          });
      if (is_content(response.status)) continue;
      if (response.status == 416) throw WrongContent{"a file that ends there (status 416)"};
      expiries = partial_.size() > before ? 0 : expiries + 1;
      before = partial_.size();
      // Elsewhere than at the Hub, an address is signed and expires: the Hub gives a new one.
      const bool is_elsewhere = origin_of(response.url) != origin_of(hub_.settings().endpoint);
      if (!is_elsewhere || may_retry(Retry::kIdempotent, response)) hub_.refuse(call_, response);
      if (expiries > kMaxExpiries) fail_expired(response);
      wait_or_stop(std::chrono::milliseconds(200 * expiries), hub_.stop(), hooks_.check);
    }
  }

  std::string subject() const { return subject_of(call_); }

 private:
  HttpResponse attempt() {
    hooks_.check();
    if (hub_.settings().offline) {
      throw HubError(HubFault::kOffline,
                     fmt::format("{}: HF_HUB_OFFLINE is set, and the cache has another content "
                                 "under this name, or none: unset it to download the file",
                                 subject_of(call_)));
    }
    HttpRequest request = request_from(partial_.size());
    for (int hop = 0; hop <= kMaxContentRedirects; ++hop) {
      HttpResponse response = hub_.http().send(request);
      if (is_content(response.status)) {
        check_whole(response);
        return response;
      }
      const auto location = response.headers.find("Location");
      if (response.status < 300 || response.status > 399 || !location) return response;
      request.url = at_endpoint(hub_.settings(), resolve_url(request.url, *location));
    }
    throw HubError(HubFault::kBadAnswer,
                   fmt::format("{}: the Hub redirects more than {} times: try again later",
                               subject_of(call_), kMaxContentRedirects));
  }

  [[noreturn]] void fail_expired(const HttpResponse& response) const {
    throw HubError(HubFault::kUnavailable,
                   fmt::format("{}: {}, where the Hub sends for the bytes, answers with status {} "
                               "again and again: run the same command again later",
                               subject_of(call_), origin_of(response.url), response.status));
  }

  HttpRequest request_from(int64_t offset) {
    HttpRequest request;
    request.url = hub_.settings().endpoint + call_.path;
    request.headers.push_back({"Accept-Encoding", "identity"});
    if (offset > 0) request.headers.push_back({"Range", fmt::format("bytes={}-", offset)});
    request.with_token = hub_.settings().sends_token;
    request.idle_timeout = hub_.settings().download_timeout;
    request.on_headers = [this](const HttpResponse& response) {
      if (is_content(response.status)) check_headers(response);
    };
    request.check = hooks_.check;
    request.sink = [this](std::span<const std::byte> bytes) {
      hooks_.check();
      partial_.append(bytes);
      hooks_.received(static_cast<int64_t>(bytes.size()));
    };
    return request;
  }

  // Sees to it that the body can be appended.
  void check_headers(const HttpResponse& response) {
    is_html_ = response.headers.find("Content-Type").value_or("").starts_with("text/html");
    if (response.status == 200) {
      hooks_.discarded(partial_.size());  // the server ignores Range
      partial_.restart();
    } else {
      const std::string text = response.headers.find("Content-Range").value_or("");
      const auto range = parse_content_range(text);
      if (!range || range->begin != partial_.size() || range->total != file_.size) {
        throw WrongContent{fmt::format("Content-Range '{}' when byte {} of {} was asked for",
                                       printable(text), partial_.size(), file_.size)};
      }
    }
    const std::string encoding = response.headers.find("Content-Encoding").value_or("identity");
    const bool is_packed = encoding != "identity" && !encoding.empty();
    if (is_packed && response.status == 206) {  // a part of what is packed
      throw WrongContent{"a part with Content-Encoding " + printable(encoding)};
    }
    if (is_packed) return;  // its length is that of the packed bytes
    const auto length = response.headers.find("Content-Length");
    const std::string expected = fmt::format("{}", file_.size - partial_.size());
    if (length && *length != expected) {
      throw WrongContent{fmt::format("{} bytes{}", printable(*length),
                                     is_html_ ? " of a web page (text/html)" : "")};
    }
  }

  void check_whole(const HttpResponse& response) {
    if (partial_.has_all()) return;
    throw HttpFailure(HttpFault::kInterrupted,
                      fmt::format("{}: the answer ended after {} of {} bytes",
                                  origin_of(response.url), partial_.size(), file_.size));
  }

  HubClient& hub_;
  const RemoteFile& file_;
  PartialFile& partial_;
  const FetchHooks& hooks_;
  HubCall call_;
  bool is_html_ = false;
};

}  // namespace

void fetch_content(HubClient& hub, const RepoTree& tree, const RemoteFile& file,
                   PartialFile& partial, const std::filesystem::path& target,
                   const FetchHooks& hooks) {
  ContentFetch fetch(hub, tree, file, partial, hooks);
  for (bool again = false;; again = true) {
    try {
      fetch.run();
      partial.finish(target);
      return;
    } catch (const WrongContent& wrong) {
      hooks.discarded(partial.size());
      partial.restart();
      if (!again) continue;
      fail(
          "{}: expected {} bytes with {}, found {}, twice: try again later, or look at the file on "
          "{}/{}",
          fetch.subject(), file.size, describe_digest(file), wrong.found, hub.settings().endpoint,
          page_path(tree.repo));
    }
  }
}

}  // namespace qk
