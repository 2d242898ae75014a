#include "report/colormap.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/atomic_file.h"
#include "base/error.h"

namespace qk {
namespace {

TEST(Colormap, EqualsMatplotlib) {
  const auto expected =
      nlohmann::json::parse(read_file(std::string(QK_TEST_DATA) + "/figures/expected.json"));
  ASSERT_EQ(expected["colors"].size(), 6u);
  for (const auto& each : expected["colors"]) {
    const Colormap cmap(each["name"].get<std::string>());
    for (size_t i = 0; i < each["parts"].size(); ++i) {
      const Rgb color = cmap.at(each["parts"][i].get<double>());
      const auto found = std::vector<int>{color.red, color.green, color.blue};
      EXPECT_EQ(found, each["colors"][i].get<std::vector<int>>()) << each["name"] << " " << i;
    }
  }
}

TEST(Colormap, EveryTableIsWhole) {
  for (size_t i = 0; i < kNumColormaps; ++i) {
    const std::string name = kColormapTables[i].name;
    EXPECT_EQ(std::string(kColormapTables[i].colors).size(), 256u * 6u) << name;
    const Colormap forward(name);
    const Colormap backward(name + "_r");
    EXPECT_EQ(forward.at(0), backward.at(1)) << name;
    EXPECT_EQ(forward.colors().size(), 256u);
  }
}

TEST(Colormap, UnknownName) {
  try {
    const Colormap cmap("virdis");
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(),
                testing::StartsWith("cmap: unknown colour map virdis; did you mean viridis? "
                                    "(known: viridis, magma, "));
  }
}

}  // namespace
}  // namespace qk
