#include "hub/hub_answers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/test_error.h"

namespace qk {
namespace hub_answers_test {

using nlohmann::json;
using testing::HasSubstr;

const std::string kSha1(40, 'a');
const std::string kSha256(64, 'b');

json info() { return {{"id", "org/name"}, {"sha", kSha1}, {"private", true}, {"gated", "manual"}}; }

json entry(const std::string& path) {
  return {{"type", "file"}, {"path", path}, {"size", 3}, {"oid", kSha1}};
}

// The Error of a list with this one entry.
std::string fault_of_entry(const json& bad) {
  return error_of([&] { parse_tree(json::array({bad})); });
}

TEST(HubAnswers, RepoInfo) {
  const RepoInfo got = parse_repo_info(info());
  EXPECT_EQ(got.id, "org/name");
  EXPECT_EQ(got.commit, kSha1);
  EXPECT_TRUE(got.is_private);
  EXPECT_FALSE(got.is_disabled);
  EXPECT_EQ(got.gated, "manual");
  json open = info();
  open["gated"] = false;
  open["private"] = nullptr;
  EXPECT_EQ(parse_repo_info(open).gated, "");
  EXPECT_FALSE(parse_repo_info(open).is_private);
}

TEST(HubAnswers, RepoInfoWithWrongFields) {
  const auto fault = [](const char* key, const json& value) {
    json bad = info();
    bad[key] = value;
    if (value.is_discarded()) bad.erase(key);
    return error_of([&] { parse_repo_info(bad); });
  };
  const json absent = json(json::value_t::discarded);
  EXPECT_EQ(fault("sha", absent), "'sha' is missing or empty");
  EXPECT_EQ(fault("sha", 5), "'sha': expected text, found 5");
  EXPECT_EQ(fault("sha", "abc"), "'sha': expected 40 hexadecimal digits, found 'abc'");
  EXPECT_EQ(fault("sha", std::string(39, 'a') + "G"),
            "'sha': expected 40 hexadecimal digits, found '" + std::string(39, 'a') + "G'");
  EXPECT_EQ(fault("id", "../../x"), "'id': '../../x' is no name of a repository");
  EXPECT_EQ(fault("id", json::array()), "'id': expected text, found []");
  EXPECT_EQ(fault("private", "yes"), "'private': expected true or false, found \"yes\"");
  EXPECT_EQ(error_of([] { parse_repo_info(json::array()); }),
            "the answer: expected an object, found []");
}

TEST(HubAnswers, TreeKeepsFilesSorted) {
  json lfs = entry("b/model.safetensors");
  lfs["lfs"] = {{"oid", kSha256}, {"size", 9000}, {"pointerSize", 129}};
  lfs["size"] = 9000;
  lfs["xetHash"] = std::string(64, 'c');
  const json folder = {{"type", "directory"}, {"path", "b"}, {"oid", kSha1}, {"size", 0}};
  const std::vector<RemoteFile> files = parse_tree(json::array({lfs, folder, entry("a.json")}));
  ASSERT_EQ(files.size(), 2);
  EXPECT_EQ(files[0].path, "a.json");
  EXPECT_EQ(files[0].digest(), kSha1);
  EXPECT_EQ(files[0].size, 3);
  EXPECT_EQ(files[1].digest(), kSha256);
  EXPECT_EQ(files[1].blob_id, kSha1);
  EXPECT_EQ(files[1].size, 9000);
}

TEST(HubAnswers, TreeWithWrongEntries) {
  for (const std::string path :
       {"../x", "a/../../x", "/etc/passwd", "a//b", "./a", "a/.", "a\\..\\b", "a/", ".."}) {
    EXPECT_THAT(fault_of_entry(entry(path)), HasSubstr("file '" + path + "': it ")) << path;
  }
  EXPECT_THAT(fault_of_entry(entry(std::string("a\0b", 3))), HasSubstr("zero byte"));
  EXPECT_THAT(fault_of_entry(entry(std::string(256, 'x'))), HasSubstr("longer than 255 bytes"));
  EXPECT_EQ(fault_of_entry(entry("")), "'path' is missing or empty");
  const auto with = [](const char* key, const json& value) {
    json bad = entry("a");
    bad[key] = value;
    return fault_of_entry(bad);
  };
  EXPECT_EQ(with("size", -1), "file 'a': 'size': expected a number of bytes, found -1");
  EXPECT_EQ(with("size", 1.5), "file 'a': 'size': expected a number of bytes, found 1.5");
  EXPECT_THAT(with("size", uint64_t{1} << 62), HasSubstr("expected a number of bytes"));
  EXPECT_EQ(with("size", nullptr), "file 'a': 'size' is missing");
  EXPECT_THAT(with("oid", "x"), HasSubstr("'oid': expected 40 hexadecimal digits"));
  EXPECT_EQ(with("lfs", 7), "file 'a': 'lfs': expected an object, found 7");
  EXPECT_THAT(with("lfs", {{"oid", kSha1}, {"size", 1}}),
              HasSubstr("expected 64 hexadecimal digits"));
  EXPECT_EQ(error_of([] { parse_tree(json::array({entry("a"), entry("a")})); }),
            "file 'a' is listed twice");
  EXPECT_EQ(error_of([] { parse_tree(json::array({5})); }),
            "an entry of the list: expected an object, found 5");
  EXPECT_EQ(error_of([] { parse_tree({{"error", "x"}}); }),
            "the answer: expected a list, found {\"error\":\"x\"}");
}

TEST(HubAnswers, Refs) {
  const json head = {{"name", "my/b"}, {"ref", "refs/heads/my/b"}, {"targetCommit", kSha1}};
  const RepoRefs refs = parse_refs({{"branches", json::array({head})}, {"tags", json::array()}});
  ASSERT_EQ(refs.branches.size(), 1);
  EXPECT_EQ(refs.branches[0].name, "my/b");
  EXPECT_EQ(refs.branches[0].commit, kSha1);
  EXPECT_THAT(error_of([] { parse_refs({{"branches", json::array({"x"})}}); }),
              HasSubstr("expected an object, found \"x\""));
}

TEST(HubAnswers, WhoAmI) {
  const json answer = json::parse(R"({"type": "user", "name": "ann",
    "orgs": [{"name": "lab", "roleInOrg": "write"}, {"name": "club"}],
    "auth": {"type": "access_token", "accessToken": {"displayName": "x", "role": "fineGrained",
      "fineGrained": {"canReadGatedRepos": true, "global": ["discussion.write"], "scoped": [
        {"entity": {"_id": "1", "type": "user", "name": "ann"}, "permissions": ["repo.content.read"]},
        {"entity": {"_id": "2", "type": "org", "name": "lab"}, "permissions": ["repo.write"]},
        {"entity": {"_id": "3", "type": "dataset", "name": "club/d"},
         "permissions": ["repo.content.read", "repo.write"]},
        {"entity": {"_id": "4", "type": "model", "name": "club/m"}, "permissions": ["repo.write"]},
        {"entity": {"_id": "5", "type": "org"}, "permissions": ["repo.write"]}]}}}})");
  const WhoAmI who = parse_who_am_i(answer);
  EXPECT_EQ(who.name, "ann");
  ASSERT_EQ(who.organisations.size(), 2);
  EXPECT_EQ(who.organisations[0].role, "write");
  EXPECT_EQ(who.organisations[1].role, "");
  EXPECT_EQ(who.token_role, "fineGrained");
  EXPECT_THAT(who.write_scopes, testing::ElementsAre("lab", "datasets/club/d", "club/m"));
  EXPECT_EQ(parse_who_am_i({{"name", "ann"}}).token_role, "");
  EXPECT_EQ(error_of([] { parse_who_am_i({{"orgs", json::array()}}); }),
            "'name' is missing or empty");
  EXPECT_EQ(error_of([] { parse_who_am_i({{"name", "a"}, {"auth", 1}}); }),
            "'auth': expected an object, found 1");
}

TEST(HubAnswers, WordsOfErrors) {
  EXPECT_EQ(words_of_error("{\"error\": \"a\"}"), "a");
  EXPECT_EQ(words_of_error("{\"error\": [\"a\", \"b\", \"a\"]}"), "a; b");
  EXPECT_EQ(words_of_error("{\"error\": \"a\", \"errors\": [{\"message\": \"c\"}, {\"x\": 1}]}"),
            "a; c");
  EXPECT_EQ(words_of_error("{\"message\": \"m\"}"), "m");
  EXPECT_EQ(words_of_error("{\"error\": {\"message\": \"deep\"}}"), "deep");
  EXPECT_EQ(words_of_error("\"text\""), "text");
  EXPECT_EQ(words_of_error(" line 1\r\nline 2 "), "line 1  line 2");
  for (const char* silent : {"", "<html><body>502</body></html>", "{}", "[1]", "7",
                             "{\"error\": 5}", "{\"error\": \" \"}"}) {
    EXPECT_EQ(words_of_error(silent), "") << silent;
  }
}

TEST(HubAnswers, ParseAnswer) {
  EXPECT_EQ(parse_answer("{\"a\":NaN}").size(), 1);  // as Python's json takes it
  EXPECT_EQ(error_of([] { parse_answer(""); }), "expected JSON, found nothing");
  EXPECT_EQ(error_of([] { parse_answer("<html>\n<b>"); }),
            "expected JSON, found a web page: '<html> <b>'");
  EXPECT_THAT(error_of([] { parse_answer("{\"a\""); }), HasSubstr("expected JSON, found '{\"a\"'"));
}

}  // namespace hub_answers_test
}  // namespace qk
