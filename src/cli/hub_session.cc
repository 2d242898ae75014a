#include "cli/hub_session.h"

#include <string>
#include <utility>
#include <vector>

#include "base/stopped.h"
#include "cli/stop_signal.h"
#include "download/hub_resolver.h"
#include "download/local_resolver.h"
#include "hub/http_client.h"

namespace qk {

// Makes the client at the first question about a repository.
class HubSession::LazyResolver final : public Resolver {
 public:
  explicit LazyResolver(HubSession& session) : session_(session) {}

  std::optional<Snapshot> find_snapshot(const RepoName& name) override {
    return resolver(name).find_snapshot(name);
  }
  std::string not_found(const RepoName& name) const override {
    return resolver(name).not_found(name);
  }
  std::vector<std::string> list_files(const Snapshot& snapshot) override {
    return resolver(snapshot.name).list_files(snapshot);
  }
  void require_files(const Snapshot& snapshot, const std::vector<std::string>& files) override {
    resolver(snapshot.name).require_files(snapshot, files);
  }
  int64_t missing_bytes(const Snapshot& snapshot, const std::vector<std::string>& files) override {
    return resolver(snapshot.name).missing_bytes(snapshot, files);
  }

 private:
  Resolver& resolver(const RepoName& name) const {
    if (name.kind == RepoKind::kDataset && session_.settings().datasets_offline) {
      if (!datasets_) {
        datasets_ = std::make_unique<LocalResolver>("; HF_DATASETS_OFFLINE is set: unset it, or");
      }
      return *datasets_;
    }
    if (!resolver_)
      resolver_ = std::make_unique<HubResolver>(session_.client(), session_.transfers());
    return *resolver_;
  }

  HubSession& session_;
  mutable std::unique_ptr<Resolver> resolver_, datasets_;
};

HubSession::HubSession(const Options& options)
    : options_(options), resolver_(std::make_unique<LazyResolver>(*this)) {}

HubSession::~HubSession() = default;

const HubSettings& HubSession::settings() {
  if (settings_) return *settings_;
  settings_ = std::make_unique<HubSettings>(read_hub_settings());
  if (options_.publishes) settings_->sends_token = true;
  return *settings_;
}

HubClient& HubSession::client() {
  if (client_) return *client_;
  stop_ = &watch_stop_signals();
  client_ =
      std::make_unique<HubClient>(settings(), make_curl_client(settings(), stop_), stop_,
                                  [this](const std::string& sentence) { line_.note(sentence); });
  return *client_;
}

TransferOptions HubSession::transfers() {
  TransferOptions out;
  out.max_workers = options_.max_workers;
  if (!options_.quiet && settings().progress) {
    out.progress = [this](const TransferProgress& progress) { line_.show(progress); };
  }
  return out;
}

void HubSession::end() {
  if (stop_ == nullptr) return;
  if (stop_->load()) throw Stopped();
  leave_stop_signals();
}

}  // namespace qk
