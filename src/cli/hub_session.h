// What a command uses of the Hub: settings, client, resolver, and the line that shows transfers.
#pragma once

#include <atomic>
#include <memory>

#include "cli/transfer_line.h"
#include "download/download.h"
#include "download/resolver.h"
#include "hub/hub_client.h"
#include "hub/hub_settings.h"

namespace qk {

// Everything is made when it is first needed: a command whose inputs are all on the disk neither
// reads the settings nor the token. From the first transfer until end() a signal stops the transfer:
// Stopped is thrown, which main() turns into exit code 75.
class HubSession {
 public:
  struct Options {
    bool quiet = false;  // no progress; notes of waiting are shown all the same
    int max_workers = 8;
    bool publishes =
        false;  // reading calls have the token too, HF_HUB_DISABLE_IMPLICIT_TOKEN or not
  };
  HubSession() : HubSession(Options{}) {}
  explicit HubSession(const Options& options);
  ~HubSession();
  HubSession(const HubSession&) = delete;
  HubSession& operator=(const HubSession&) = delete;

  // All throw Error if the environment's settings are wrong, naming the variable.
  const HubSettings& settings();
  HubClient& client();
  // Of transfers that the caller starts itself.
  TransferOptions transfers();

  // Valid as long as the session.
  Resolver& resolver() { return *resolver_; }

  // After the last transfer, for commands that no signal is meant to stop gently: signals act as
  // before it. Throws Stopped if one has come.
  void end();

 private:
  class LazyResolver;

  Options options_;
  TransferLine line_;
  const std::atomic<bool>* stop_ = nullptr;
  std::unique_ptr<HubSettings> settings_;
  std::unique_ptr<HubClient> client_;
  std::unique_ptr<Resolver> resolver_;
};

}  // namespace qk
