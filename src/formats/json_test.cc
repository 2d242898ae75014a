#include "formats/json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "base/error.h"

namespace qk {
namespace json_test {

using testing::HasSubstr;

std::string error_of(std::string_view text) {
  try {
    parse_json(text, "f.json");
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

TEST(ParseJson, KeepsEveryKindOfValue) {
  const auto value = parse_json(
      R"({"a": [1, -2, 1e3, true, null, "x\u00e9\n"], "b": {"c": {}, "d": []}, "":0})", "f.json");
  EXPECT_TRUE(value["a"][0].is_number_unsigned());
  EXPECT_EQ(value["a"][1], -2);
  EXPECT_TRUE(value["a"][2].is_number_float());
  EXPECT_EQ(value["a"][2], 1000.0);
  EXPECT_EQ(value["a"][3], true);
  EXPECT_TRUE(value["a"][4].is_null());
  EXPECT_EQ(value["a"][5], "x\xC3\xA9\n");
  EXPECT_TRUE(value["b"]["c"].is_object());
  EXPECT_TRUE(value["b"]["d"].is_array());
  EXPECT_EQ(value[""], 0);
  EXPECT_EQ(value.size(), 3);
  EXPECT_EQ(parse_json(" 5 ", "f.json"), 5);
}

TEST(ParseJson, KeepsIntegersOf64Bits) {
  const auto value = parse_json("[18446744073709551615, -9223372036854775808]", "f.json");
  EXPECT_EQ(value[0].get<uint64_t>(), UINT64_MAX);
  EXPECT_EQ(value[1].get<int64_t>(), INT64_MIN);
  EXPECT_TRUE(parse_json("18446744073709551616", "f.json").is_number_float());
}

struct BadText {
  std::string text;
  std::string sentence;
};

TEST(ParseJson, SaysWhatIsWrongAndWhere) {
  const BadText table[] = {
      {"", "f.json: line 1, column 1: is not JSON"},
      {"{\"a\": 1,\n \"b\": }", "f.json: line 2, column 7: is not JSON"},
      {"{} x", "f.json: line 1, column 4: is not JSON"},
      {"[1,]", "line 1, column 4"},
      {"{'a': 1}", "line 1, column 2"},
      {"[01]", "line 1, column 3"},
      {"[NaN]", "is not JSON"},
      {"// comment\n1", "is not JSON"},
      {"\"\xFF\"", "ill-formed UTF-8"},
      {"\"\\ud800\"", "surrogate"},
      {"\"a\nb\"", "line"},
      {std::string("1\0 junk", 7), "f.json: line 1, column 2: is not JSON: a NUL byte"},
      {"1e999", "overflow"},
      {"{\"a\": 1, \"b\": 2, \"a\": 3}", "f.json: key 'a' occurs twice in one object"},
      {"[{\"x\": {\"k\\u0001\": [], \"k\\u0001\": 3}}]", "key 'k?' occurs twice"},
  };
  for (const BadText& row : table) {
    EXPECT_THAT(error_of(row.text), HasSubstr(row.sentence)) << row.text;
    EXPECT_THAT(error_of(row.text), Not(HasSubstr("json.exception"))) << row.text;
  }
  EXPECT_EQ(error_of("{\"a\": {\"k\": 1}, \"b\": {\"k\": 1}}"), "no error");
}

TEST(ParseJson, LimitsDepth) {
  const std::string deepest = std::string(100, '[') + std::string(100, ']');
  EXPECT_EQ(error_of(deepest), "no error");
  EXPECT_EQ(error_of("[" + deepest + "]"), "f.json: is nested more than 100 deep");
  EXPECT_THAT(error_of(std::string(1'000'000, '[')), HasSubstr("nested more than 100 deep"));
  std::string objects;
  for (int i = 0; i < 100'000; ++i) objects += "{\"a\":";
  EXPECT_THAT(error_of(objects), HasSubstr("nested more than 100 deep"));
}

TEST(ParseJson, LimitsTheNumberOfValues) {
  EXPECT_EQ(parse_json(R"([0, {"a": []}])", "f.json", {.values = 4}).size(), 2);
  try {
    parse_json(R"([0, {"a": []}])", "f.json", {.values = 3});
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "f.json: holds more than 3 values");
  }
}

// The right values are those of Python's json.loads.
TEST(ParsePythonJson, TakesWhatPythonTakes) {
  const auto value = parse_python_json(
      R"({"a": [NaN, Infinity, -Infinity, 1e999, -1e400, 1], "b": 1, "s": "NaN \" -Infinity 1e999",
          "b": 2, "c": {"k": [1], "k": Infinity}})",
      "f.json");
  EXPECT_TRUE(std::isnan(value["a"][0].get<double>()));
  EXPECT_EQ(value["a"][1], std::numeric_limits<double>::infinity());
  EXPECT_EQ(value["a"][2], -std::numeric_limits<double>::infinity());
  EXPECT_EQ(value["a"][3], std::numeric_limits<double>::infinity());
  EXPECT_EQ(value["a"][4], -std::numeric_limits<double>::infinity());
  EXPECT_EQ(value["a"][5], 1);
  EXPECT_EQ(value["b"], 2);
  EXPECT_EQ(value["s"], "NaN \" -Infinity 1e999");
  EXPECT_EQ(value["c"]["k"], std::numeric_limits<double>::infinity());
  EXPECT_EQ(parse_python_json(R"(["\ud83d\ude00 \ud800", "\\ud800"])", "f.json"),
            nlohmann::json({"\xF0\x9F\x98\x80 \xEF\xBF\xBD", "\\ud800"}));
}

TEST(ParsePythonJson, SaysWhatIsWrongAndWhere) {
  const auto refusal = [](std::string_view text) -> std::string {
    try {
      parse_python_json(text, "f.json");
    } catch (const Error& error) {
      return error.what();
    }
    return "no error";
  };
  EXPECT_THAT(refusal("{\"a\": NaN,\n \"b\": }"),
              HasSubstr("f.json: line 2, column 7: is not JSON"));
  for (const char* text : {"[nan]", "[+Infinity]", "[-NaN]", "[1NaN]", "[1.NaN]", "[NaNN]", "[Inf]",
                           "NaN NaN", "'a'", "", "[1,]", "[01]", "[-]", "\"\\ud80\"", "\"open"}) {
    EXPECT_THAT(refusal(text), HasSubstr("is not JSON")) << text;
  }
}

}  // namespace json_test
}  // namespace qk
