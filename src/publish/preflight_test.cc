#include "publish/preflight.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/test_error.h"
#include "publish/publish.h"
#include "upload/test_upload_hub.h"

namespace qk::preflight_test {
namespace {

using nlohmann::json;
using testing::HasSubstr;

class Preflight : public testing::Test {
 protected:
  PublishCheck check(const std::string& repo = UploadHub::kRepo, const std::string& branch = "b") {
    return check_publish_target(*hub_.client(), repo, branch);
  }
  std::string fault(const std::string& repo = UploadHub::kRepo) {
    return error_of([&] { check(repo); });
  }
  // A token of `user`, of this role and with these organisations.
  void identify(const std::string& user, const std::string& role, const json& organisations = {}) {
    hub_.whoami = {
        {"name", user}, {"orgs", organisations}, {"auth", {{"accessToken", {{"role", role}}}}}};
  }
  void restrict_to(const std::string& type, const std::string& name) {
    const json scope = {{"entity", {{"type", type}, {"name", name}}},
                        {"permissions", {"repo.write"}}};
    hub_.whoami["auth"]["accessToken"]["fineGrained"] = {{"scoped", json::array({scope})}};
  }

  UploadHub hub_;
};

TEST_F(Preflight, RepositoryThatExists) {
  hub_.branches["other"] = hub_.branches.at("main");
  EXPECT_TRUE(check().repo_exists);
  EXPECT_FALSE(check().branch_exists);
  EXPECT_TRUE(check(UploadHub::kRepo, "other").branch_exists);
  EXPECT_EQ(check().user, "org");
  EXPECT_EQ(hub_.count("/commit/") + hub_.count("/branch/") + hub_.count("PUT"), 0);
}

TEST_F(Preflight, BareNameIsInTheOwnNamespace) { EXPECT_EQ(check("qk").repo.id, "org/qk"); }

TEST_F(Preflight, BranchesThatCannotBeSideBySide) {
  hub_.branches["a/b"] = hub_.branches.at("main");
  for (const char* branch : {"a", "a/b/c"}) {
    EXPECT_THAT(error_of([&] { check(UploadHub::kRepo, branch); }),
                HasSubstr("beside the branch a/b"));
  }
  EXPECT_NO_THROW(check(UploadHub::kRepo, "a/bc"));
}

TEST_F(Preflight, TokenThatMayOnlyRead) {
  identify("org", "read");
  EXPECT_THAT(fault(), HasSubstr("the token of HF_TOKEN may only read"));
}

TEST_F(Preflight, RepositoryOfOthers) {
  identify("somebody", "write");
  hub_.faults = {{.on = "preupload", .times = 1, .status = 403}};
  EXPECT_THAT(fault(), HasSubstr("(user somebody) may not write to this repository"));
  EXPECT_EQ(fault(), "");  // the Hub decides
}

TEST_F(Preflight, RepositoryThatHasToBeCreated) {
  hub_.exists = false;
  EXPECT_FALSE(check().repo_exists);
  identify("somebody", "write");
  EXPECT_THAT(fault(), HasSubstr("org is neither that user nor one of their organisations"));
  identify("somebody", "write", json::array({{{"name", "org"}, {"roleInOrg", "read"}}}));
  EXPECT_THAT(fault(), HasSubstr("may only read in the organisation org"));
  identify("somebody", "write", json::array({{{"name", "org"}, {"roleInOrg", "contributor"}}}));
  EXPECT_EQ(fault(), "");
}

TEST_F(Preflight, FineGrainedTokens) {
  hub_.exists = false;
  identify("org", "fineGrained");
  EXPECT_THAT(fault(), HasSubstr("is not allowed to create it"));
  restrict_to("dataset", "org/qk");
  EXPECT_THAT(fault(), HasSubstr("is not allowed to create it"));
  restrict_to("user", "org");
  EXPECT_EQ(fault(), "");
}

TEST_F(Preflight, Names) {
  EXPECT_EQ(error_of([] { check_repo_name("--repo", "org/name"); }), "");
  EXPECT_THAT(error_of([] { check_repo_name("--repo", "a/b/c"); }), HasSubstr("--repo: expected"));
  EXPECT_EQ(error_of([] { check_branch_name("--branch", "a/b"); }), "");
  EXPECT_EQ(error_of([] { check_branch_name("--branch", "a.lock"); }),
            "--branch: \"a.lock\" cannot be the name of a branch: a part of it ends with '.lock'");
}

TEST(Publish, Message) {
  DatasetUpload dataset;
  dataset.num_heads = 288;
  EXPECT_EQ(default_message(dataset, {}), "Add model q/k vectors (288 heads)");
  dataset.model = "org/model";
  EXPECT_EQ(default_message(dataset, {}), "Add org/model q/k vectors (288 heads)");
  dataset.model = "/home/me/model-1b";
  EXPECT_EQ(default_message(dataset, {}), "Add model-1b q/k vectors (288 heads)");
}

TEST(Publish, ReadmeOfMainIsWrittenWhenNothingElseIsThere) {
  UploadHub hub;
  const auto client = hub.client();
  UploadTarget target;
  target.repo = {RepoKind::kDataset, UploadHub::kRepo};
  target.branch = "b";
  DatasetUpload dataset;
  dataset.files = {describe_text("README.md", "data")};
  EXPECT_TRUE(plan_publish(*client, target, dataset).writes_main_readme);
  run_publish(*client, plan_publish(*client, target, dataset), dataset, {});
  EXPECT_EQ(hub.files("main").at("README.md"), main_readme(UploadHub::kRepo));
  EXPECT_EQ(hub.files("b").at("README.md"), "data");
  EXPECT_FALSE(plan_publish(*client, target, dataset).writes_main_readme);
  hub.add_commit("main", {{".gitattributes", {""}}}, "", "as at the beginning");
  EXPECT_FALSE(plan_publish(*client, target, dataset).writes_main_readme);  // nothing to send
  target.branch = "main";
  EXPECT_FALSE(plan_publish(*client, target, dataset).writes_main_readme);
}

}  // namespace
}  // namespace qk::preflight_test
