#include "page/public_record.h"

#include <gtest/gtest.h>

namespace qk {
namespace public_record_test {

using nlohmann::json;

TEST(PublicRecord, NamesOfFiles) {
  EXPECT_EQ(public_name("/home/jane/run"), "run");
  EXPECT_EQ(public_name("/home/jane/run//"), "run");
  EXPECT_EQ(public_name("C:\\Users\\jane\\run"), "run");
  EXPECT_EQ(public_name("../run"), "run");
  EXPECT_EQ(public_name("run"), "run");
  EXPECT_EQ(public_name("~jane"), "");
  EXPECT_EQ(public_name("../.."), "");
  EXPECT_EQ(public_name("/"), "");
  EXPECT_EQ(public_name("bucket,counted"), "bucket,counted");
}

TEST(PublicRecord, Sentences) {
  EXPECT_EQ(public_sentence("/home/jane doe/l00h00q/a.parquet: row 3: is bad"),
            "a.parquet: row 3: is bad");
  EXPECT_EQ(public_sentence("layer 3: '/home/jane doe/x' cannot be read"),
            "layer 3: 'x' cannot be read");
  EXPECT_EQ(public_sentence("jane/x: is bad"), "x: is bad");
  EXPECT_EQ(public_sentence("layer 3: see ./jane/x or ~/y"), "layer 3: see y");
  EXPECT_EQ(public_sentence("head 3: expected q/k of one length"),
            "head 3: expected q/k of one length");
  EXPECT_EQ(public_sentence("too few rows"), "too few rows");
}

TEST(PublicRecord, PathsWithinSentencesThatTheRecordNames) {
  const json record = {{"configured", {{"dataset", "my data/run"}}},
                       {"heads", {{"failed", {{{"reason", "the file my data/run is gone"}}}}}}};
  EXPECT_EQ(public_record(record, false)["heads"]["failed"][0]["reason"], "the file run is gone");
}

TEST(PublicRecord, RepositoriesOfTheHubKeepTheirNames) {
  const json record = {{"dataset", {{"repo", "org/name"}, {"model", "org/name"}}}};
  EXPECT_EQ(public_record(record, false)["dataset"]["repo"], "org/name");
  EXPECT_EQ(public_record(record, false)["dataset"]["model"], "name");
  const json path = {{"dataset", {{"repo", "/home/jane"}}}};
  EXPECT_EQ(public_record(path, false)["dataset"]["repo"], "jane");
}

TEST(PublicRecord, Settings) {
  EXPECT_EQ(public_setting("dataset", "/home/jane/run", false), "run");
  EXPECT_EQ(public_setting("documents", R"([{"example_id":5,"document":"bob"}])", false),
            "1 chosen");
  EXPECT_EQ(public_setting("documents", "all", false), "all");
  EXPECT_EQ(public_setting("corpus", R"({"path":"/home/jane/x.txt","n":1})", false),
            R"({"n":1,"path":"x.txt"})");
  EXPECT_EQ(public_setting("vector", "pre_rope", false), "pre_rope");
}

}  // namespace public_record_test
}  // namespace qk
