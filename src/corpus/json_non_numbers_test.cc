#include "corpus/json_non_numbers.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <nlohmann/json.hpp>
#include <random>
#include <vector>

namespace qk {
namespace {

// "NaN" and "Infinity" where they were replaced are shown as N and I.
std::string respelt(std::string text) {
  const NonNumbers spellings = respell_non_numbers(text);
  const auto show = [&](const std::string& spelling, const char* as) {
    if (spelling.empty()) return;
    for (size_t at = text.find(spelling); at != std::string::npos; at = text.find(spelling)) {
      text.replace(at, spelling.size(), as);
    }
  };
  show(spellings.nan, "N");
  show(spellings.infinity, "I");
  return text;
}

TEST(JsonNonNumbers, OnlyValuesAreReplaced) {
  EXPECT_EQ(respelt("NaN"), "N");
  EXPECT_EQ(respelt(R"({"a":NaN,"b": -Infinity , "c":[NaN,Infinity]})"),
            R"({"a":N,"b": -I , "c":[N,I]})");
  EXPECT_EQ(respelt("[\tNaN\r\n,\nInfinity\t]"), "[\tN\r\n,\nI\t]");
  for (const char* text :
       {"", "{}", R"("NaN")", R"({"NaN":"Infinity"})", R"(["\"NaN", "a\\\",NaN,"])", "-NaN", "NaNs",
        "aNaN", "1NaN", "NaN1", "Infinit", "nan", R"({NaN:1})", "NaNInfinity", "Infinity-"}) {
    EXPECT_EQ(respelt(text), text);
  }
  EXPECT_EQ(respelt(R"(["\\",NaN,"\\\",NaN"])"), R"(["\\",N,"\\\",NaN"])");
}

TEST(JsonNonNumbers, NoSpellingOccursInTheText) {
  std::string text = "[0e-71,0e-710,0e-72,NaN,Infinity]";
  const NonNumbers spellings = respell_non_numbers(text);
  EXPECT_EQ(text, "[0e-71,0e-710,0e-72,0e-7100,0e-720]");
  EXPECT_EQ(spellings.nan, "0e-7100");
  EXPECT_EQ(spellings.infinity, "0e-720");
  text = "[0e-71]";
  EXPECT_EQ(respell_non_numbers(text).nan, "");
  EXPECT_EQ(text, "[0e-71]");
}

TEST(JsonNonNumbers, RandomLists) {
  struct Item {
    const char* text;
    int64_t nans, infinities;
  };
  const std::vector<Item> items = {{"NaN", 1, 0},
                                   {"Infinity", 0, 1},
                                   {"-Infinity", 0, 1},
                                   {R"({"NaN":NaN,"x":[Infinity]})", 1, 1},
                                   {R"("NaN")", 0, 0},
                                   {R"(" ,NaN, ")", 0, 0},
                                   {R"("\",NaN,")", 0, 0},
                                   {R"("\\")", 0, 0},
                                   {R"("\\\"[Infinity]\\")", 0, 0},
                                   {"0e-71", 0, 0},
                                   {"0e-720", 0, 0},
                                   {"-1.5", 0, 0}};
  std::mt19937 random(1);
  const auto count = [](const std::string& text, const std::string& part) {
    int64_t found = 0;
    for (size_t at = text.find(part); !part.empty() && at != std::string::npos;
         at = text.find(part, at + 1)) {
      ++found;
    }
    return found;
  };
  for (int i = 0; i < 2000; ++i) {
    std::string text = "[";
    int64_t nans = 0;
    int64_t infinities = 0;
    const size_t size = 1 + random() % 8;
    for (size_t k = 0; k < size; ++k) {
      const Item& item = items[random() % items.size()];
      const char* space = random() % 2 == 0 ? "" : " \n";
      text += (k == 0 ? "" : ",") + (space + std::string(item.text)) + space;
      nans += item.nans;
      infinities += item.infinities;
    }
    text += "]";
    std::string respelled = text;
    const NonNumbers spellings = respell_non_numbers(respelled);
    EXPECT_EQ(count(respelled, spellings.nan), nans) << text;
    EXPECT_EQ(count(respelled, spellings.infinity), infinities) << text;
    EXPECT_TRUE(nlohmann::json::accept(respelled)) << text;
  }
}

}  // namespace
}  // namespace qk
