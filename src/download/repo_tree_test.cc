#include "download/repo_tree.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/test_error.h"
#include "download/test_memory_hub.h"

namespace qk {
namespace repo_tree_test {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

class Tree : public testing::Test {
 protected:
  Tree() {
    hub_.files = {{"config.json", "{}"}, {"model.safetensors", "0123456789"}, {"sub/a.txt", ""}};
    hub_.large = {"model.safetensors"};
  }

  RepoTree fetch(const std::string& revision = "main") {
    const auto client = hub_.client();
    return fetch_tree(*client, hub_.cache.path(), {RepoKind::kModel, "org/m"}, revision);
  }
  void refuse_all(int status) {
    hub_.instead = [status](const HttpRequest&) -> std::optional<HttpResponse> {
      HttpResponse answer;
      answer.status = status;
      return answer;
    };
  }

  MemoryHub hub_;
};

TEST_F(Tree, IsAskedForAndKept) {
  const RepoTree tree = fetch();
  EXPECT_EQ(tree.commit, MemoryHub::kCommit);
  EXPECT_TRUE(tree.is_complete);
  ASSERT_THAT(tree.files, SizeIs(3));
  EXPECT_EQ(tree.files[1].path, "model.safetensors");
  EXPECT_EQ(tree.files[1].sha256, hub_.remote("model.safetensors").sha256);
  EXPECT_THAT(hub_.log, SizeIs(2));
  fetch();
  EXPECT_THAT(hub_.log, SizeIs(3));  // the commit of main
  fetch(MemoryHub::kCommit);
  EXPECT_THAT(hub_.log, SizeIs(3));
}

TEST_F(Tree, WithoutAnAnswerTheCacheKnows) {
  const RepoTree tree = fetch();
  const auto client = hub_.client();
  download_to_cache(*client, hub_.cache.path(), tree, {"config.json"}, {});
  for (const int status : {401, 403, 404, 429, 500, 503}) {
    refuse_all(status);
    hub_.notes.clear();
    EXPECT_THAT(fetch().files, SizeIs(3)) << status;
    EXPECT_THAT(hub_.notes, ElementsAre(HasSubstr(std::string("commit ") + MemoryHub::kCommit +
                                                  " in the Hub cache is used")));
  }
  fs::remove_all(hub_.repo() / "trees");
  const RepoTree part = fetch();
  EXPECT_FALSE(part.is_complete);
  ASSERT_THAT(part.files, SizeIs(1));
  EXPECT_EQ(part.files[0].digest(), hub_.remote("config.json").blob_id);
  EXPECT_EQ(part.files[0].size, 2);
}

TEST_F(Tree, WithoutAnAnswerAndACacheItIsAnError) {
  refuse_all(503);
  EXPECT_THAT(error_of([&] { fetch(); }), HasSubstr("status 503"));
}

TEST_F(Tree, ARevisionThatIsGoneIsNotTakenFromTheCache) {
  const auto client = hub_.client();
  download_to_cache(*client, hub_.cache.path(), fetch(), {"config.json"}, {});
  hub_.instead = [](const HttpRequest&) -> std::optional<HttpResponse> {
    HttpResponse answer;
    answer.status = 404;
    answer.headers.add("X-Error-Code", "RevisionNotFound");
    return answer;
  };
  EXPECT_THAT(error_of([&] { fetch(); }), HasSubstr("no branch, tag or commit 'main'"));
  // A commit stays what it was.
  fs::remove_all(hub_.repo() / "trees");
  EXPECT_THAT(fetch(MemoryHub::kCommit).files, SizeIs(1));
}

TEST_F(Tree, ADamagedListIsFetchedAgain) {
  for (const char* list : {"[", R"({"files":{"a":{}}})", R"({"files":{"../a":{"size":1}}})"}) {
    hub_.cache.write(std::string("models--org--m/trees/") + MemoryHub::kCommit + ".json", list);
    EXPECT_THAT(fetch(MemoryHub::kCommit).files, SizeIs(3)) << list;
  }
}

}  // namespace repo_tree_test
}  // namespace qk
