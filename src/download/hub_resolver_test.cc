#include "download/hub_resolver.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>

#include "base/atomic_file.h"
#include "base/test_error.h"
#include "download/test_memory_hub.h"

namespace qk {
namespace hub_resolver_test {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

class ResolveHub : public testing::Test {
 protected:
  ResolveHub() {
    hub_.files = {{"config.json", "{}"}, {"model.safetensors", "0123456789"}};
    hub_.large = {"model.safetensors"};
  }
  // A new run of the program.
  HubResolver& start(const HubSettings& settings) {
    hub_.log.clear();
    hub_.notes.clear();
    client_ = hub_.client(settings);
    resolver_ = std::make_unique<HubResolver>(*client_, TransferOptions{});
    return *resolver_;
  }
  HubResolver& start() { return start(hub_.settings()); }
  HubResolver& start_offline() {
    HubSettings settings = hub_.settings();
    settings.offline = true;
    return start(settings);
  }
  static RepoName model(const std::string& text, const std::string& revision = "main") {
    return {"model.name", RepoKind::kModel, text, revision};
  }
  void refuse_all() {
    hub_.instead = [](const HttpRequest&) -> std::optional<HttpResponse> {
      HttpResponse answer;
      answer.status = 503;
      return answer;
    };
  }

  MemoryHub hub_;
  std::unique_ptr<HubClient> client_;
  std::unique_ptr<HubResolver> resolver_;
};

TEST_F(ResolveHub, DownloadsWhatIsRequired) {
  HubResolver& resolver = start();
  const Snapshot snapshot = resolver.snapshot(model("org/m"));
  EXPECT_EQ(snapshot.folder, hub_.snapshot());
  EXPECT_THAT(resolver.list_files(snapshot), ElementsAre("config.json", "model.safetensors"));
  EXPECT_EQ(resolver.missing_bytes(snapshot, {"config.json", "model.safetensors"}), 12);
  EXPECT_FALSE(fs::exists(snapshot.folder / "config.json"));
  resolver.require_files(snapshot, {"config.json"});
  EXPECT_EQ(read_file(snapshot.folder / "config.json"), "{}");
  EXPECT_FALSE(fs::exists(snapshot.folder / "model.safetensors"));
  EXPECT_EQ(resolver.missing_bytes(snapshot, {"config.json", "model.safetensors"}), 10);
}

TEST_F(ResolveHub, AsksOnceARun) {
  HubResolver& resolver = start();
  const Snapshot snapshot = resolver.snapshot(model("org/m"));
  resolver.snapshot(model("org/m"));
  resolver.list_files(snapshot);
  EXPECT_THAT(hub_.log, SizeIs(2));  // the commit, the tree
  EXPECT_FALSE(resolver.find_snapshot(model("org/none")));
  EXPECT_FALSE(resolver.find_snapshot(model("org/none")));
  EXPECT_THAT(hub_.log, SizeIs(3));
}

TEST_F(ResolveHub, ACommitThatIsThereNeedsNoHub) {
  const RepoName name = model("org/m", MemoryHub::kCommit);
  {
    HubResolver& resolver = start();
    resolver.require_files(resolver.snapshot(name), {"config.json"});
  }
  HubResolver& resolver = start();
  const Snapshot snapshot = resolver.snapshot(name);
  resolver.require_files(snapshot, {"config.json"});
  EXPECT_EQ(resolver.missing_bytes(snapshot, {"config.json"}), 0);
  EXPECT_THAT(resolver.list_files(snapshot), SizeIs(2));
  EXPECT_THAT(hub_.log, SizeIs(0));
  resolver.require_files(snapshot, {"model.safetensors"});
  EXPECT_THAT(hub_.log, SizeIs(2));  // its bytes, by a redirect
}

TEST_F(ResolveHub, TextThatIsNoIdIsNotAskedFor) {
  HubResolver& resolver = start();
  for (const char* text : {"./folder", "/a/b/c", "a--b/c", "org/m/x", "", "b*.txt"}) {
    EXPECT_FALSE(resolver.find_snapshot(model(text))) << text;
    EXPECT_THAT(resolver.not_found(model(text)), HasSubstr("nor the id of a Hub repository"));
  }
  EXPECT_THAT(hub_.log, SizeIs(0));
}

TEST_F(ResolveHub, MessagesHoldWhatTheHubSaid) {
  HubResolver& resolver = start();
  EXPECT_THAT(
      error_of([&] { resolver.snapshot(model("org/none")); }),
      HasSubstr("model.name: 'org/none' is neither a file nor a folder, and as a repository of "
                "the Hub: org/none@main: there is no model of this name"));
  EXPECT_THAT(error_of([&] { resolver.snapshot(model("folder.d")); }),
              HasSubstr("'folder.d' is neither a file nor a folder (here: /"));
  EXPECT_THAT(error_of([&] { resolver.snapshot(model("org/m", "v2")); }),
              HasSubstr("no branch, tag or commit 'v2'"));
}

TEST_F(ResolveHub, AFileThatTheRepositoryDoesNotHave) {
  HubResolver& resolver = start();
  const Snapshot snapshot = resolver.snapshot(model("org/m"));
  EXPECT_EQ(error_of([&] { resolver.require_files(snapshot, {"confg.json"}); }),
            std::string("model.name: 'org/m': the repository has no file 'confg.json' at commit ") +
                MemoryHub::kCommit);
  EXPECT_TRUE(fs::exists(hub_.repo() / ".no_exist" / MemoryHub::kCommit / "confg.json"));
}

TEST_F(ResolveHub, WithoutAnAnswerTheCacheIsUsed) {
  start().require_files(resolver_->snapshot(model("org/m")), {"config.json"});
  refuse_all();
  HubResolver& resolver = start();
  const Snapshot snapshot = resolver.snapshot(model("org/m"));
  resolver.require_files(snapshot, {"config.json"});
  EXPECT_THAT(hub_.notes, ElementsAre(HasSubstr("in the Hub cache is used")));
  EXPECT_THAT(hub_.log, SizeIs(1));
  EXPECT_THAT(error_of([&] { resolver.require_files(snapshot, {"model.safetensors"}); }),
              HasSubstr("model.safetensors: the Hub cannot answer at the moment"));
  // Nor is the list of files known.
  fs::remove_all(hub_.repo() / "trees");
  HubResolver& next = start();
  next.require_files(next.snapshot(model("org/m")), {"config.json"});
  EXPECT_THAT(error_of([&] { next.require_files(snapshot, {"model.safetensors"}); }),
              HasSubstr("incomplete (model.safetensors is missing), and the Hub does not answer"));
}

TEST_F(ResolveHub, OfflineTheCacheIsAllThereIs) {
  EXPECT_THAT(
      error_of([&] { start_offline().snapshot(model("org/m", "v2")); }),
      HasSubstr("(revision v2); HF_HUB_OFFLINE is set: unset it, or download it first with `hf "
                "download org/m --revision v2`"));
  start().require_files(resolver_->snapshot(model("org/m")), {"config.json"});
  HubResolver& resolver = start_offline();
  const Snapshot snapshot = resolver.snapshot(model("org/m"));
  resolver.require_files(snapshot, {"config.json"});
  EXPECT_EQ(resolver.missing_bytes(snapshot, {"config.json", "model.safetensors"}), 0);
  EXPECT_EQ(
      error_of([&] { resolver.require_files(snapshot, {"model.safetensors"}); }),
      "model.name: 'org/m' is in the Hub cache, but incomplete (model.safetensors is missing); "
      "HF_HUB_OFFLINE is set: unset it, or download the rest with `hf download org/m`");
  EXPECT_THAT(hub_.log, SizeIs(0));
}

TEST_F(ResolveHub, TheCacheOfTheNameComesFirst) {
  const TestFolder other;
  RepoName name = model("org/m");
  name.cache = other.path().string();
  HubResolver& resolver = start();
  resolver.require_files(resolver.snapshot(name), {"config.json"});
  EXPECT_TRUE(fs::exists(other / "models--org--m/refs/main"));
  EXPECT_FALSE(fs::exists(hub_.repo()));
}

}  // namespace hub_resolver_test
}  // namespace qk
