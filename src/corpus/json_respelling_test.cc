#include "corpus/json_respelling.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <vector>

namespace qk {
namespace json_respelling_test {

using testing::ElementsAre;

std::string respelt(std::string json) {
  respell_json(json);
  return json;
}

TEST(JsonRespelling, OnlyNumbersInThePlaceOfAValueAreReplaced) {
  EXPECT_EQ(respelt("NaN"), R"("NaN")");
  EXPECT_EQ(respelt(R"({"a":NaN,"b": -Infinity , "c":[NaN,Infinity]})"),
            R"({"a":"NaN","b": "-Infinity" , "c":["NaN","Infinity"]})");
  EXPECT_EQ(respelt("[\tNaN\r\n,\n1e999\t,-1.5E+999,1e308]"),
            "[\t\"NaN\"\r\n,\n\"1e999\"\t,\"-1.5E+999\",1e308]");
  for (const char* text : {"",
                           "{}",
                           R"("NaN")",
                           R"({"NaN":"Infinity"})",
                           R"(["\"NaN", "a\\\",NaN,"])",
                           "-NaN",
                           "NaNs",
                           "aNaN",
                           "1NaN",
                           "NaN1",
                           "Infinit",
                           "nan",
                           R"({NaN:1})",
                           "NaNInfinity",
                           "Infinity-",
                           "01e999",
                           "1.e999",
                           "+1e999",
                           "1e",
                           "1e+",
                           "-",
                           "1e999x",
                           ".1e999",
                           R"("1e999")"}) {
    EXPECT_EQ(respelt(text), text);
  }
}

TEST(JsonRespelling, StringsAreNumberedFromZero) {
  std::string json = R"({"a":"\ud800","b":NaN,"\udc00":["x","y\ud83d\ude00"],"c":-Infinity})";
  const RespeltStrings strings = respell_json(json);
  EXPECT_EQ(json, R"({"a":"\ufffd","b":"NaN","\ufffd":["x","y\ud83d\ude00"],"c":"-Infinity"})");
  EXPECT_THAT(strings.faulty, ElementsAre(1, 4));
  EXPECT_THAT(strings.numbers, ElementsAre(3, 8));
}

TEST(JsonRespelling, BytesThatAreNotUtf8) {
  EXPECT_EQ(respelt("[\"a\xFF\xC3\xA4\xC3\"]"), "[\"a\\ufffd\xC3\xA4\\ufffd\"]");
  EXPECT_EQ(respelt("[\xFF]"), "[\xFF]");  // outside a string
  for (const char* text : {R"("\\ud800")", R"("\ud8")", R"("\u-d80")", R"("\)", R"(")"}) {
    EXPECT_EQ(respelt(text), text);
  }
}

// What is well formed for Python is JSON afterwards, and as many strings are named as were put in.
TEST(JsonRespelling, RandomLists) {
  struct Item {
    const char* text;
    size_t numbers, faulty;
  };
  const std::vector<Item> items = {{"NaN", 1, 0},
                                   {"-Infinity", 1, 0},
                                   {R"({"NaN":NaN,"x":[Infinity]})", 2, 0},
                                   {R"(" ,NaN, ")", 0, 0},
                                   {R"("\",NaN,")", 0, 0},
                                   {R"("\\\"[Infinity]\\")", 0, 0},
                                   {R"("\ud800 \ud800")", 0, 1},
                                   {R"({"\\\udfff":"\ud83d\ude00"})", 0, 1},
                                   {"\"\xED\xA0\x80\"", 0, 1},
                                   {"1e400", 1, 0},
                                   {"-1.5", 0, 0}};
  std::mt19937 random(1);
  for (int i = 0; i < 2000; ++i) {
    std::string text = "[";
    size_t numbers = 0;
    size_t faulty = 0;
    const size_t size = 1 + random() % 8;
    for (size_t k = 0; k < size; ++k) {
      const Item& item = items[random() % items.size()];
      const char* space = random() % 2 == 0 ? "" : " \n";
      text += (k == 0 ? "" : ",") + (space + std::string(item.text)) + space;
      numbers += item.numbers;
      faulty += item.faulty;
    }
    text += "]";
    std::string json = text;
    const RespeltStrings strings = respell_json(json);
    EXPECT_EQ(strings.numbers.size(), numbers) << text;
    EXPECT_EQ(strings.faulty.size(), faulty) << text;
    EXPECT_TRUE(nlohmann::json::accept(json)) << text;
  }
}

}  // namespace json_respelling_test
}  // namespace qk
