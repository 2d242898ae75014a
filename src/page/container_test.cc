#include "page/container.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <limits>

#include "page/test_page.h"

namespace qk {
namespace container_test {

using testing::ElementsAre;
using namespace std::string_literals;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

std::string_view type_of(std::vector<double> values) { return name_of(number_column(values).type); }

TEST(Container, BytesByHand) {
  const std::array<double, 3> whole = {1, 258, 3};
  const std::array<double, 3> halves = {0.5, kNan, -2};
  const std::array<std::string, 3> words = {"b", "a", "b"};
  Table table{.num_rows = 3, .columns = {}};
  table.columns.emplace_back("n", number_column(whole));
  table.columns.emplace_back("x", float_column(halves));
  table.columns.emplace_back("w", text_column(words));
  const std::string json =
      R"({"format":1,"a":0,"tables":{"t":{"rows":3,"columns":{"n":{"type":"u16","at":0},)"
      R"("x":{"type":"f32","at":8},"w":{"type":"u8","at":24,"strings":["b","a"]}}}}})";
  ASSERT_EQ(json.size(), 154u);
  const std::string expected = "\x9a\0\0\0"s + json + "\0\0"s     // 4 + 154 bytes, up to 160
                               + "\x01\x02\x03\x00\x01\x00\0\0"s  // low bytes, high bytes
                               + "\x00\x00\x00"s + "\x00\x00\x00"s + "\x00\xc0\x00"s +
                               "\x3f\x7f\xc0"s + "\0\0\0\0"s  // 0.5, NaN, -2
                               + "\x00\x01\x00\0\0\0\0\0"s;
  EXPECT_EQ(container({{"format", 1}, {"a", 0}}, {{"t", table}}), expected);
}

TEST(Container, ShufflingPutsEqualPlacesTogether) {
  const std::array<uint32_t, 3> items = {0x04030201, 0x14131211, 0x24232221};
  const Column column = item_column<uint32_t>(ItemType::kU32, 1, items);
  EXPECT_EQ(shuffled(column), "\x01\x11\x21\x02\x12\x22\x03\x13\x23\x04\x14\x24");
}

TEST(Container, RowsOfSeveralItems) {
  const std::array<int16_t, 4> items = {-1, 2, 300, -400};
  Table table{.num_rows = 2, .columns = {}};
  table.columns.emplace_back("xy", item_column<int16_t>(ItemType::kI16, 2, items));
  const ReadContainer read(container({}, {{"t", table}}));
  EXPECT_EQ(read.entry("t", "xy")["width"], 2);
  EXPECT_THAT(read.numbers("t", "xy"), ElementsAre(-1, 2, 300, -400));
}

TEST(Container, EqualColumnsAreStoredOnce) {
  const std::array<double, 2> a = {1, 2};
  const std::array<double, 2> b = {1, 3};
  Table table{.num_rows = 2, .columns = {}};
  table.columns.emplace_back("a", number_column(a));
  table.columns.emplace_back("b", number_column(b));
  table.columns.emplace_back("c", number_column(a));
  const ReadContainer read(container({}, {{"t", table}}));
  EXPECT_EQ(read.entry("t", "a")["at"], 0);
  EXPECT_EQ(read.entry("t", "b")["at"], 8);
  EXPECT_EQ(read.entry("t", "c")["at"], 0);
}

TEST(Container, TableWithoutRows) {
  Table table;
  table.columns.emplace_back("a", number_column({}));
  const ReadContainer read(container({}, {{"t", table}}));
  EXPECT_EQ(read.num_rows("t"), 0u);
  EXPECT_TRUE(read.numbers("t", "a").empty());
}

TEST(Container, HostileTexts) {
  const std::array<std::string, 6> words = {"</template><script>alert(1)</script>",
                                            "\"\\\n\x01",
                                            "\xff bad",
                                            "__proto__",
                                            "",
                                            "\xe2\x80\xae"};
  Table table{.num_rows = words.size(), .columns = {}};
  table.columns.emplace_back("__proto__", text_column(words));
  const std::string bytes = container({}, {{"</template>", table}});
  const ReadContainer read(bytes);
  EXPECT_THAT(read.texts("</template>", "__proto__"),
              ElementsAre(words[0], words[1], "\xef\xbf\xbd bad", "__proto__", "", words[5]));
  EXPECT_EQ(packed_container(bytes).find_first_not_of(
                "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="),
            std::string::npos);
}

TEST(Container, PackedWithoutDateAndName) {
  const std::string packed = arrow::util::base64_decode(packed_container("text"));
  // No flags, no date, a middling level, Unix.
  EXPECT_EQ(packed.substr(0, 10), "\x1f\x8b\x08\0\0\0\0\0\0\x03"s);
  EXPECT_EQ(packed_container("text"), packed_container("text"));
  EXPECT_EQ(unpack_text(std::as_bytes(std::span(packed)), "t"), "text");
}

TEST(Column, SmallestTypeOfWholeNumbers) {
  EXPECT_EQ(type_of({0, 255}), "u8");
  EXPECT_EQ(type_of({0, 256}), "u16");
  EXPECT_EQ(type_of({65535}), "u16");
  EXPECT_EQ(type_of({65536}), "u32");
  EXPECT_EQ(type_of({4294967295.0}), "u32");
  EXPECT_EQ(type_of({-1, 5}), "i16");
  EXPECT_EQ(type_of({-32768, 32767}), "i16");
  EXPECT_EQ(type_of({-1, 32768}), "i32");
  EXPECT_EQ(type_of({-2147483648.0}), "i32");
  EXPECT_EQ(type_of({4294967296.0}), "f64");
  EXPECT_EQ(type_of({-1, 4294967295.0}), "f64");
}

TEST(Column, NumbersThatAreNotWholeOrMissing) {
  EXPECT_EQ(type_of({0.5}), "f32");
  EXPECT_EQ(type_of({-0.0}), "f32");
  EXPECT_EQ(type_of({kNan}), "f32");
  EXPECT_EQ(type_of({1, kNan}), "f32");
  EXPECT_EQ(type_of({16777216, kNan}), "f32");
  EXPECT_EQ(type_of({16777217, kNan}), "f64");
  EXPECT_EQ(type_of({std::numeric_limits<double>::infinity()}), "f32");
}

TEST(Column, FloatsThatWouldBeLostHave64Bits) {
  const auto type = [](double value) {
    return name_of(float_column(std::array<double, 1>{value}).type);
  };
  EXPECT_EQ(type(1e-30), "f32");
  EXPECT_EQ(type(1e-50), "f64");
  EXPECT_EQ(type(-1e39), "f64");
  EXPECT_EQ(type(0), "f32");
}

TEST(Column, ManyTexts) {
  std::vector<std::string> words;
  for (int i = 0; i < 257; ++i) words.push_back(std::to_string(i));
  EXPECT_EQ(text_column(std::span(words).first(256)).type, ItemType::kU8);
  const Column column = text_column(words);
  EXPECT_EQ(column.type, ItemType::kU16);
  EXPECT_EQ(column.strings->size(), 257u);
}

}  // namespace container_test
}  // namespace qk
