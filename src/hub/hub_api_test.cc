#include "hub/hub_api.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/test_error.h"
#include "hub/test_http.h"

namespace qk {
namespace hub_api_test {

using nlohmann::json;
using testing::HasSubstr;

const Repo kModel{RepoKind::kModel, "org/tiny"};
const Repo kData{RepoKind::kDataset, "org/data"};
const std::string kCommit(40, 'a');
const std::string kSha256(64, 'b');

HttpResponse info_reply() {
  return test_response(200, json{{"id", "org/data"}, {"sha", kCommit}}.dump());
}

template <typename Call>
HubFault fault_of(const Call& call) {
  try {
    call();
  } catch (const HubError& error) {
    return error.fault();
  }
  ADD_FAILURE() << "no HubError";
  return HubFault::kRefused;
}

std::string body_of(const HttpRequest& request) { return std::get<std::string>(request.body); }

TEST(HubApi, AddressesOfReading) {
  TestHub hub({info_reply(), info_reply(), test_response(200, "[]"), test_response(200, "{}")});
  repo_info(*hub.client, kModel, "");
  repo_info(*hub.client, kData, "refs/convert/parquet");
  list_tree(*hub.client, kData, "my/branch");
  list_refs(*hub.client, kData);
  const std::string api = "https://huggingface.co/api/";
  EXPECT_EQ(hub.requests[0].url, api + "models/org/tiny");
  EXPECT_EQ(hub.requests[1].url, api + "datasets/org/data/revision/refs%2Fconvert%2Fparquet");
  EXPECT_EQ(hub.requests[2].url,
            api + "datasets/org/data/tree/my%2Fbranch?recursive=true&expand=false");
  EXPECT_EQ(hub.requests[3].url, api + "datasets/org/data/refs");
}

TEST(HubApi, RepoInfoNeedNotBeTriedAgain) {
  TestHub hub({HttpFailure(HttpFault::kResolve, "h: unknown")}, true);
  EXPECT_EQ(fault_of([&] { repo_info(*hub.client, kModel, "main", Retry::kNever); }),
            HubFault::kUnreachable);
  EXPECT_EQ(hub.requests.size(), 1);
}

TEST(HubApi, BadAnswersNameTheRepositoryAndTheField) {
  TestHub hub({test_response(200, "{\"id\":\"org/data\"}")});
  EXPECT_EQ(error_of([&] { repo_info(*hub.client, kData, "main"); }),
            "hub: org/data@main: the Hub's answer cannot be used: 'sha' is missing or empty");
}

TEST(HubApi, CreatesARepository) {
  TestHub hub({test_response(200, "{}"),
               test_response(409, "{\"error\":\"You already created it\"}"),
               test_response(409, "{\"error\":\"another conflicting operation is in progress\"}"),
               test_response(200, "{}")});
  EXPECT_TRUE(create_repo(*hub.client, kData, true));
  const json body = json::parse(body_of(hub.requests[0]));
  EXPECT_EQ(hub.requests[0].url, "https://huggingface.co/api/repos/create");
  EXPECT_EQ(body["name"], "data");
  EXPECT_EQ(body["organization"], "org");
  EXPECT_EQ(body["type"], "dataset");
  EXPECT_EQ(body["private"], true);
  EXPECT_FALSE(create_repo(*hub.client, kData, false));
  EXPECT_TRUE(create_repo(*hub.client, {RepoKind::kModel, "alone"}, false));
  EXPECT_FALSE(json::parse(body_of(hub.requests.back())).contains("organization"));
}

TEST(HubApi, ARepositoryThatIsBeingCreatedIsNotThere) {
  TestHub hub({test_response(409, "{\"error\":\"another operation is in progress\"}")}, true);
  EXPECT_EQ(fault_of([&] { create_repo(*hub.client, kData, true); }), HubFault::kConflict);
  EXPECT_EQ(hub.requests.size(), 6);
}

TEST(HubApi, ARepositoryThatMayNotBeCreatedMayBeThere) {
  for (const int status : {401, 402, 403}) {
    TestHub there({test_response(status), info_reply()});
    EXPECT_FALSE(create_repo(*there.client, kData, true)) << status;
    TestHub missing({test_response(status, "{\"error\":\"no\"}"),
                     test_response(404, "", {{"X-Error-Code", "RepoNotFound"}})});
    const std::string error = error_of([&] { create_repo(*missing.client, kData, true); });
    EXPECT_THAT(error, HasSubstr("'no'"));  // the first error, not the second
  }
}

TEST(HubApi, CreatesABranch) {
  TestHub hub({test_response(200, "OK")}, true);
  EXPECT_TRUE(create_branch(*hub.client, kData, "my/b"));
  EXPECT_EQ(hub.requests.back().url, "https://huggingface.co/api/datasets/org/data/branch/my%2Fb");
  EXPECT_EQ(body_of(hub.requests.back()), "{}");
  EXPECT_TRUE(create_branch(*hub.client, kData, "b", {kCommit, true}));
  EXPECT_EQ(json::parse(body_of(hub.requests.back())),
            (json{{"startingPoint", kCommit}, {"overwrite", true}}));
  delete_branch(*hub.client, kData, "my/b");
  EXPECT_EQ(hub.requests.back().method, "DELETE");
}

TEST(HubApi, ABranchThatIsThere) {
  const json head = {{"name", "b"}, {"targetCommit", kCommit}};
  const HttpResponse refs = test_response(200, json{{"branches", json::array({head})}}.dump());
  for (const int status : {403, 409}) {
    TestHub there({test_response(status), refs});
    EXPECT_FALSE(create_branch(*there.client, kData, "b"));
    TestHub other({test_response(status), refs});
    EXPECT_EQ(fault_of([&] { create_branch(*other.client, kData, "c"); }),
              status == 403 ? HubFault::kNoAccess : HubFault::kConflict);
    TestHub overwrites({test_response(status)});
    fault_of([&] { create_branch(*overwrites.client, kData, "b", {kCommit, true}); });
  }
}

TEST(HubApi, WhoAmIAsksWithTheToken) {
  HubSettings settings;
  settings.sends_token = false;
  TestHub hub({test_response(200, "{\"name\":\"ann\"}")}, true, settings);
  EXPECT_EQ(who_am_i(*hub.client).name, "ann");
  EXPECT_TRUE(hub.requests[0].with_token);
}

}  // namespace hub_api_test
}  // namespace qk
