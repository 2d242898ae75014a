#include "heads/rope_record.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace qk {
namespace rope_record_test {

using nlohmann::json;

// Two sets, three layers; the second layer has no RoPE, the last one the second set.
json geometry() {
  return json::parse(R"({"vector": "post_rope", "rope_layout": "halves",
    "rope": [{"rotary_dim": 4, "inv_freq": [1.0, 0.01]}, {"rotary_dim": 2, "inv_freq": [0.5]}],
    "layers": [{"rope": 0}, {"rope": null}, {"rope": 1}]})");
}

TEST(RopeRecord, PairsOfBothLayouts) {
  json object = geometry();
  RopeRecord record = parse_rope(object);
  ASSERT_EQ(record.fault, "");
  const auto halves = record.of(0, 6, true);
  ASSERT_TRUE(halves);
  EXPECT_EQ(halves->rope_set, 0);
  EXPECT_TRUE(halves->is_rotated);
  ASSERT_EQ(halves->pairs.size(), 2U);
  EXPECT_EQ(halves->pairs[1].pair, 1);
  EXPECT_EQ(halves->pairs[1].first_component, 1);
  EXPECT_EQ(halves->pairs[1].second_component, 3);
  EXPECT_EQ(halves->pairs[1].inv_freq, 0.01);
  EXPECT_EQ(halves->unrotated, (std::vector<int64_t>{4, 5}));
  object["rope_layout"] = "pairs";
  record = parse_rope(object);
  const auto pairs = record.of(0, 6, false);
  EXPECT_FALSE(pairs->is_rotated);
  EXPECT_EQ(pairs->pairs[1].first_component, 2);
  EXPECT_EQ(pairs->pairs[1].second_component, 3);
  EXPECT_EQ(record.of(2, 6, true)->pairs.size(), 1U);
  EXPECT_EQ(record.of(2, 6, true)->rope_set, 1);
}

TEST(RopeRecord, LayersWithoutRopeRotateNothing) {
  const auto none = parse_rope(geometry()).of(1, 3, true);
  ASSERT_TRUE(none);
  EXPECT_FALSE(none->rope_set);
  EXPECT_TRUE(none->pairs.empty());
  EXPECT_EQ(none->unrotated, (std::vector<int64_t>{0, 1, 2}));
}

// A pair that never turns is like components that are not rotated.
TEST(RopeRecord, FrequencyZeroDoesNotRotate) {
  json object = geometry();
  object["rope"][0]["inv_freq"] = {0.0, 0.01};
  const auto head = parse_rope(object).of(0, 4, true);
  ASSERT_EQ(head->pairs.size(), 1U);
  EXPECT_EQ(head->pairs[0].pair, 1);
  EXPECT_EQ(head->unrotated, (std::vector<int64_t>{0, 2}));
}

TEST(RopeRecord, WhatIsNotKnown) {
  EXPECT_EQ(parse_rope(json::object()).fault, "the dataset does not record its RoPE");
  EXPECT_FALSE(parse_rope(json::object()).is_odd);
  const RopeRecord record = parse_rope(geometry());
  EXPECT_FALSE(record.of(3, 6, true));  // no such layer
  EXPECT_FALSE(record.of(-1, 6, true));
  EXPECT_FALSE(record.of(0, 3, true));  // shorter than what rotates
  EXPECT_FALSE(RopeRecord().of(0, 6, true));
}

TEST(RopeRecord, SaysWhatIsOdd) {
  const auto fault_with = [](const char* place, const json& value) {
    json object = geometry();
    object[json::json_pointer(place)] = value;
    const RopeRecord record = parse_rope(object);
    EXPECT_FALSE(record.of(0, 6, true));
    EXPECT_TRUE(record.is_odd);
    return record.fault;
  };
  EXPECT_EQ(fault_with("/rope", 3), "qkscope.geometry.rope: expected a list of RoPE sets, found 3");
  EXPECT_EQ(fault_with("/rope_layout", "thirds"),
            "qkscope.geometry.rope_layout: expected halves or pairs, found \"thirds\"");
  EXPECT_EQ(fault_with("/rope/1/inv_freq", "x"),
            "qkscope.geometry.rope.1.inv_freq: expected a list of numbers, found \"x\"");
  EXPECT_EQ(fault_with("/rope/1/inv_freq/0", -2),
            "qkscope.geometry.rope.1.inv_freq: expected numbers that are not negative, found -2");
  EXPECT_EQ(fault_with("/rope/0/rotary_dim", 6),
            "qkscope.geometry.rope.0.rotary_dim: expected twice the length of inv_freq, found 6");
  EXPECT_EQ(fault_with("/layers", nullptr),
            "qkscope.geometry.layers: expected a list of layers, found null");
  EXPECT_EQ(fault_with("/layers/1/rope", 2),
            "qkscope.geometry.layers.1.rope: expected null or the number of a RoPE set, found 2");
  EXPECT_EQ(fault_with("/layers/1", "all"),
            "qkscope.geometry.layers.1: expected an object with the key rope, found \"all\"");
}

}  // namespace rope_record_test
}  // namespace qk
