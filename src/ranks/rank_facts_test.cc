#include "ranks/rank_facts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/stopped.h"
#include "base/test_error.h"
#include "capture/test_devices.h"
#include "capture/test_run.h"

namespace qk {
namespace rank_facts_test {

using testing::HasSubstr;
using testing::StartsWith;

RankFacts facts(const char* host) {
  RankFacts out;
  out.room = {host, host, "0-7", 8, 8, 1 << 30};
  out.build = "0.1.0 (abc)";
  out.config = R"({"capture":{"min_bucket_size":16},"model":{"name":"m"}})";
  out.geometry = "g";
  out.tokenizer = "t";
  out.weights = {{"a.safetensors", 10, "d1", "1:10:5"}, {"b.safetensors", 20, "", "2:20:5"}};
  out.device = "cpu";
  out.computed_in = R"({"dtype":"float32"})";
  return out;
}

// What rank 0 says when rank 1 differs from it as `change` makes it.
template <typename Change>
std::string refusal(const Change& change) {
  std::vector<RankFacts> ranks = {facts("node01"), facts("node02")};
  change(ranks[1]);
  return error_of([&] { check_agreement(ranks); });
}

TEST(RankFacts, EqualRanksAgree) {
  EXPECT_EQ(refusal([](RankFacts&) {}), "");
  EXPECT_EQ(refusal([](RankFacts& rank) {
              rank.room = {"node01", "node01", "8-9", 2, 64, 5};  // slower, on the same node
            }),
            "");
}

TEST(RankFacts, DifferencesAreRefusedInOneSentence) {
  EXPECT_EQ(refusal([](RankFacts& rank) { rank.build = "0.1.0 (def)"; }),
            "node02 (rank 1) runs qkscope 0.1.0 (def) and node01 (rank 0) qkscope 0.1.0 (abc): "
            "expected one build everywhere");
  EXPECT_EQ(refusal([](RankFacts& rank) {
              rank.config = R"({"capture":{"min_bucket_size":8},"model":{"name":"m"}})";
            }),
            "node02 (rank 1) has another configuration than node01 (rank 0): "
            "capture.min_bucket_size is 8 there and 16 here");
  EXPECT_THAT(refusal([](RankFacts& rank) {
                rank.config =
                    R"({"capture":{"min_bucket_size":16},"model":{"name":"m","dtype":1}})";
              }),
              HasSubstr("model.dtype is 1 there and absent here"));
  EXPECT_THAT(refusal([](RankFacts& rank) { rank.geometry = "h"; }),
              HasSubstr("another config.json of the model"));
  EXPECT_THAT(refusal([](RankFacts& rank) { rank.certificate = "c"; }),
              HasSubstr("another certificate"));
  EXPECT_THAT(refusal([](RankFacts& rank) { rank.computed_in = R"({"dtype":"bfloat16"})"; }),
              HasSubstr("dtype is \"bfloat16\" there and \"float32\" here"));
}

// A rank that was asked to stop has no run: of it nothing else is compared.
TEST(RankFacts, AStopEndsAllUnlessARankIsFaulty) {
  std::vector<RankFacts> ranks = {facts("node01"), stopped_rank()};
  EXPECT_THROW(check_agreement(ranks), Stopped);
  EXPECT_TRUE(parse_rank_facts(to_json(ranks[1]), 1).is_stopped);
  EXPECT_FALSE(parse_rank_facts(to_json(ranks[0]), 0).is_stopped);
  ranks.push_back(faulty_rank("model.name: x is not there"));
  EXPECT_THAT(error_of([&] { check_agreement(ranks); }), HasSubstr("x is not there"));
}

TEST(RankFacts, OtherWeightsAndTokenizersAreRefused) {
  EXPECT_EQ(refusal([](RankFacts& rank) { rank.tokenizer = "u"; }),
            "node02 (rank 1) reads another tokenizer than node01 (rank 0)");
  EXPECT_EQ(refusal([](RankFacts& rank) { rank.weights.pop_back(); }),
            "node02 (rank 1) reads another number of files of weights than node01 (rank 0): 1 "
            "there and 2 here");
  EXPECT_EQ(refusal([](RankFacts& rank) { rank.weights[1].name = "c.safetensors"; }),
            "node02 (rank 1) reads c.safetensors where node01 (rank 0) reads b.safetensors");
  EXPECT_EQ(refusal([](RankFacts& rank) { rank.weights[1].bytes = 21; }),
            "node02 (rank 1) reads another b.safetensors than node01 (rank 0): it has 21 bytes "
            "there and 20 here");
  EXPECT_EQ(refusal([](RankFacts& rank) { rank.weights[0].sha256 = "d2"; }),
            "node02 (rank 1) reads another a.safetensors than node01 (rank 0): its SHA-256 is d2 "
            "there and d1 here");
  EXPECT_EQ(refusal([](RankFacts& rank) {
              rank.weights[0].sha256 = "";  // a copy that is not of the Hub cache
              rank.weights[0].stamp = "7:10:8";
            }),
            "");
}

TEST(RankFacts, MixedDevicesAreRefused) {
  const std::string sentence = refusal([](RankFacts& rank) { rank.device = "cuda (NVIDIA A100)"; });
  EXPECT_THAT(sentence, StartsWith("node02 (rank 1) computes on cuda (NVIDIA A100) and node01 "
                                   "(rank 0) on cpu: expected one kind of device"));
}

TEST(RankFacts, TwoRanksOnOneDeviceAreRefused) {
  std::vector<RankFacts> ranks = {facts("a"), facts("b"), facts("a")};
  ranks[0].devices = ranks[1].devices = {"gpu 0"};
  ranks[2].devices = {"gpu 1"};
  check_agreement(ranks);
  ranks[2].devices = {"gpu 1", "gpu 0"};
  EXPECT_EQ(
      error_of([&] { check_agreement(ranks); }),
      "a: ranks 0 and 2 would compute on one device (gpu 0): start as many ranks on a node as "
      "it has devices");
}

// "gpu.a.org" and "gpu.b.org" are both "gpu" in sentences.
TEST(RankFacts, NodesWithOneNameAreTwo) {
  std::vector<RankFacts> ranks = {facts("gpu"), facts("gpu")};
  ranks[0].devices = ranks[1].devices = {"gpu 0"};
  ranks[1].room.node = "another";
  check_agreement(ranks);
  ranks[1].room.node = ranks[0].room.node;
  ranks[1].room.host = "alias";
  EXPECT_THAT(error_of([&] { check_agreement(ranks); }), HasSubstr("one device (gpu 0)"));
}

TEST(RankFacts, TheNodeIsTheSameForAllProcessesOfAMachine) {
  const RankRoom room = room_here();
  EXPECT_FALSE(room.node.empty());
  EXPECT_EQ(room.node, room_here().node);
  EXPECT_NE(room.node, room.host);  // the boot's identity, where Linux gives it
}

TEST(RankFacts, ARankThatCannotTakePartSaysWhy) {
  EXPECT_EQ(refusal([](RankFacts& rank) { rank = faulty_rank("model.name: x is not there"); }),
            room_here().host + " (rank 1): model.name: x is not there");
  const std::vector<RankFacts> all = {faulty_rank("model.name: x is not there"),
                                      faulty_rank("model.name: x is not there")};
  EXPECT_EQ(error_of([&] { check_agreement(all); }), "model.name: x is not there");
}

TEST(RankFacts, TravelAsJson) {
  const PreparedRun run = test_run({"w1 w2"});
  const TestDevices devices("cuda:0,1", {kCpuBackend, kCpuBackend});
  RunOptions options;
  options.devices = &devices;
  const RankFacts here = facts_here(run, options);
  EXPECT_EQ(here.device, "cuda (Test 1)");
  EXPECT_EQ(here.devices.size(), 2U);
  EXPECT_THAT(here.computed_in, HasSubstr("2.9.1"));
  EXPECT_EQ(here.tokenizer, run.tokenizer.identity());
  ASSERT_EQ(here.weights.size(), run.model.files.size());
  EXPECT_GT(here.weights[0].bytes, run.model.weight_bytes / 2);
  const std::string json = to_json(here);
  EXPECT_EQ(to_json(parse_rank_facts(json, 0)), json);
  EXPECT_EQ(error_of([&] { check_agreement(std::vector{here, parse_rank_facts(json, 1)}); }),
            here.room.host + ": ranks 0 and 1 would compute on one device (" + here.devices[0] +
                "): start as many ranks on a node as it has devices");
  EXPECT_THAT(error_of([] { parse_rank_facts("{}", 3); }),
              StartsWith("rank 3: expected the facts of a rank, found {}"));
}

TEST(RankFacts, OurOwnKernelsHaveNoDevice) {
  const PreparedRun run = test_run({"w1 w2"});
  const RankFacts here = facts_here(run, RunOptions{});
  EXPECT_EQ(here.device, "cpu");
  EXPECT_TRUE(here.devices.empty());
  EXPECT_GE(here.room.num_cores, 1);
  EXPECT_GE(here.room.node_cores, here.room.num_cores);
}

}  // namespace rank_facts_test
}  // namespace qk
