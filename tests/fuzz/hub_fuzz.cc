// Any bytes as what a Hub answers: status, headers and body, one answer after another. Each call must
// end with an Error or with a result that is safe to use as paths and names, after a bounded number of
// requests.
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>

#include "base/error.h"
#include "hub/hub_answers.h"
#include "hub/hub_api.h"
#include "upload/lfs_batch.h"

namespace {

constexpr std::string_view kSeparator = "\n====\n";
constexpr int kMostRequests = 20'000;

std::string_view take_line(std::string_view& text) {
  const size_t end = std::min(text.find('\n'), text.size());
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return line;
}

// "200\nName: value\n...\n\nbody".
qk::HttpResponse response_of(std::string_view text, const std::string& url) {
  qk::HttpResponse out;
  out.url = url;
  out.status = std::atoi(std::string(take_line(text)).c_str());
  for (std::string_view line = take_line(text); !line.empty(); line = take_line(text)) {
    const size_t colon = line.find(':');
    if (colon == std::string_view::npos) continue;
    std::string_view value = line.substr(colon + 1);
    while (value.starts_with(' ')) value.remove_prefix(1);
    out.headers.add(std::string(line.substr(0, colon)), std::string(value));
  }
  out.body = text;
  return out;
}

// Gives the answers in turn, the last one again and again.
class Answers final : public qk::HttpClient {
 public:
  explicit Answers(std::string_view text) : rest_(text) {}
  qk::HttpResponse send(const qk::HttpRequest& request) override {
    QK_CHECK(++num_requests_ <= kMostRequests);
    const size_t end = rest_.find(kSeparator);
    const qk::HttpResponse out = response_of(rest_.substr(0, end), request.url);
    if (end != std::string_view::npos) rest_.remove_prefix(end + kSeparator.size());
    if (request.on_headers) request.on_headers(out);
    return out;
  }

 private:
  std::string_view rest_;
  int num_requests_ = 0;
};

bool is_digest(const std::string& text) {
  return (text.size() == 40 || text.size() == 64) &&
         text.find_first_not_of("0123456789abcdef") == std::string::npos;
}

void call(qk::HubClient& hub, uint8_t which) {
  const qk::Repo repo = {qk::RepoKind::kDataset, "org/d"};
  switch (which % 7) {
    case 0:
      QK_CHECK(qk::is_commit(qk::repo_info(hub, repo, "main").commit));
      break;
    case 1:
      for (const qk::RemoteFile& file : qk::list_tree(hub, repo, "main")) {
        QK_CHECK(qk::path_fault(file.path).empty());
        QK_CHECK(file.size >= 0);
        QK_CHECK(is_digest(file.digest()));
      }
      break;
    case 2:
      qk::list_refs(hub, repo);
      break;
    case 3:
      qk::who_am_i(hub);
      break;
    case 4:
      qk::create_repo(hub, repo, true);
      break;
    case 5:
      qk::create_branch(hub, repo, "b");
      break;
    default: {
      qk::UploadFile file;
      file.path = "a";
      file.size = 1000;
      file.sha256 = std::string(64, 'a');
      for (const auto& [digest, upload] : qk::ask_lfs_uploads(hub, repo, "main", {&file})) {
        QK_CHECK(digest == file.sha256);
        QK_CHECK(upload.url.empty() || !qk::origin_of(upload.url).empty());
      }
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  qk::HubSettings settings;
  settings.endpoint = "http://hub.test";
  settings.token = qk::Token("secret-token");
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  qk::RetryTimes none{};
  none.first = none.longest = none.longest_asked = std::chrono::milliseconds(0);
  qk::HubClient hub(settings, std::make_unique<Answers>(text), nullptr, {}, none);
  try {
    call(hub, data[0]);
  } catch (const qk::Error& error) {
    QK_CHECK(std::string_view(error.what()).find('\n') == std::string_view::npos);
    QK_CHECK(std::string_view(error.what()).find("secret-token") == std::string_view::npos);
  }
  return 0;
}
