#include "capture/resume.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"

namespace qk {
namespace {

using ::testing::HasSubstr;

TEST(JournalHeader, IsReadBack) {
  const std::string provenance = R"({"b":1,"a":{"c":[1,2.5,null]}})";
  const JournalHeader header = parse_journal_header(to_text({provenance, true}), "journal");
  EXPECT_EQ(header.provenance, provenance);
  EXPECT_TRUE(header.overwrite);
  EXPECT_FALSE(header.shard);
}

TEST(JournalHeader, NamesTheShard) {
  const std::string text = to_text({"{}", false, Shard{3, 32}});
  EXPECT_EQ(parse_journal_header(text, "journal").shard, (Shard{3, 32}));
  EXPECT_THROW(parse_journal_header(R"({"overwrite":false,"run":{},"shard":3})", "j"), Error);
  EXPECT_THROW(parse_journal_header(R"({"overwrite":false,"run":{},"shard":"4/3"})", "j"), Error);
}

TEST(JournalHeader, WhatIsNoHeaderIsRefused) {
  for (const char* text : {"", "{}", "[]", R"({"run":1,"overwrite":true})", R"({"run":{}})", "{"}) {
    try {
      parse_journal_header(text, "out/journal");
      ADD_FAILURE() << text;
    } catch (const Error& error) {
      EXPECT_STREQ(error.what(), "out/journal: its header does not name a run");
    }
  }
}

TEST(ProvenanceDifference, NamesTheFirstAndCountsTheOthers) {
  const std::string then = R"({"version":"1","config":{"a":{"b":1,"c":2},"list":[1,2]}})";
  EXPECT_EQ(provenance_difference(then, then), "");
  EXPECT_EQ(
      provenance_difference(then, R"({"version":"1","config":{"a":{"b":7,"c":2},"list":[1,2]}})"),
      "config.a.b was 1, now it is 7");
  EXPECT_EQ(
      provenance_difference(then, R"({"version":"2","config":{"a":{"b":1,"c":2},"list":[1,3]}})"),
      "version was \"1\", now it is \"2\", and 1 more difference");
  EXPECT_EQ(provenance_difference(then, R"({"version":"1","config":{"a":{"c":2},"list":[1]}})"),
            "config.a.b was 1, now it is absent, and 1 more difference");
  EXPECT_EQ(provenance_difference(R"({"a":1})", R"({"a":1,"b":{"c":2}})"),
            "b was absent, now it is {\"c\":2}");
  EXPECT_THAT(provenance_difference("{", then), HasSubstr("now it is"));
}

TEST(ProvenanceDifference, AnotherDeviceIsASentence) {
  const std::string gpu =
      R"({"computed_in":"bfloat16","device":{"device":"cuda","name":"NVIDIA H200","torch":"2.9.1"}})";
  EXPECT_EQ(provenance_difference(gpu, R"({"computed_in":"float32"})"),
            "it was computed on cuda (NVIDIA H200), now on cpu");
  EXPECT_EQ(provenance_difference(gpu, R"({"computed_in":"float32"})", "auto: there is no GPU"),
            "it was computed on cuda (NVIDIA H200), now on cpu (auto: there is no GPU)");
  EXPECT_EQ(
      provenance_difference(
          gpu,
          R"({"computed_in":"bfloat16","device":{"device":"cuda","name":"L4","torch":"2.9.1"}})"),
      "it was computed on cuda (NVIDIA H200), now on cuda (L4)");
  EXPECT_EQ(
      provenance_difference(
          gpu,
          R"({"computed_in":"bfloat16","device":{"device":"cuda","name":"NVIDIA H200","torch":"2.10"}})"),
      "device.torch was \"2.9.1\", now it is \"2.10\"");
  EXPECT_EQ(
      provenance_difference(
          gpu,
          R"({"computed_in":"float16","device":{"device":"cuda","name":"NVIDIA H200","torch":"2.9.1"}})"),
      "computed_in was \"bfloat16\", now it is \"float16\"");
}

}  // namespace
}  // namespace qk
