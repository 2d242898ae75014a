#include "dataset/schema.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/test_vectors.h"

namespace qk {
namespace {

TEST(ConfigName, HasTwoDigitsAtLeast) {
  EXPECT_EQ(config_name(0, 0, Kind::kQuery), "l00h00q");
  EXPECT_EQ(config_name(5, 12, Kind::kKey), "l05h12k");
  EXPECT_EQ(config_name(100, 127, Kind::kQuery), "l100h127q");
}

TEST(ConfigName, IsParsedBack) {
  for (const ConfigName& file : {ConfigName{0, 0, Kind::kQuery}, ConfigName{35, 7, Kind::kKey},
                                 ConfigName{125, 1000, Kind::kQuery}}) {
    EXPECT_EQ(parse_config_name(config_name(file.layer, file.head, file.kind)), file);
  }
}

TEST(ConfigName, RefusesWhatIsNotOne) {
  for (const char* name :
       {"", "l", "l00", "l00h00", "l00h00x", "l00h00qq", "l0h00q", "l00h0q", "l000h00q", "l-1h00q",
        "l00h-1q", " l00h00q", "l00h00q ", "L00h00q", "l99999999999h00q", "l+1h00q", "README.md"}) {
    EXPECT_FALSE(parse_config_name(name)) << name;
  }
}

TEST(ExampleIds, AreNarrowedAsByTheOriginal) {
  const nlohmann::json vectors = load_vectors("capture/example_ids.json");
  for (const nlohmann::json& c : vectors["cases"]) {
    EXPECT_EQ(low_32_bits(signed_of(c["int64"])), c["int32"].get<int32_t>()) << c;
  }
}

}  // namespace
}  // namespace qk
