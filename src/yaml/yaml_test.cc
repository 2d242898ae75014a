// Scalars and documents against PyYAML's answers (tools/make_yaml_fixtures.py), the differences
// that are meant, and what PyYAML does not have: places, refused documents, closed lists.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "yaml/overrides.h"
#include "yaml/yaml_reader.h"

namespace qk {
namespace {

using Json = nlohmann::json;
using Kind = YamlValue::Kind;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

const Json& fixture() {
  static const Json json = Json::parse(std::ifstream(QK_TEST_DATA "/yaml/pyyaml.json"));
  return json;
}

// A scalar's kind and value as the fixture has them.
Json answer(const YamlValue& value) {
  switch (value.kind) {
    case Kind::kNull:
      return {{"kind", "null"}, {"value", nullptr}};
    case Kind::kBoolean:
      return {{"kind", "boolean"}, {"value", value.boolean}};
    case Kind::kInteger:
      EXPECT_EQ(value.number, static_cast<double>(value.integer)) << value.text;
      return {{"kind", "integer"}, {"value", value.integer}};
    case Kind::kNumber:
      if (std::isfinite(value.number)) return {{"kind", "number"}, {"value", value.number}};
      return {{"kind", "number"}, {"value", fmt::format("{}", value.number)}};
    case Kind::kDate:
      return {{"kind", "date"}};
    default:
      return {{"kind", "text"}};
  }
}

// docs/config.md, "Differences from PyYAML".
const std::map<std::string, Json>& meant_differences() {
  const auto number = [](double value) { return Json{{"kind", "number"}, {"value", value}}; };
  const Json text = {{"kind", "text"}};
  static const std::map<std::string, Json> differences = {
      {"1e3", number(1e3)},     {"1e+3", number(1e3)}, {"1e-3", number(1e-3)},
      {"-1e-3", number(-1e-3)}, {"1E5", number(1e5)},  {"1.0e3", number(1e3)},
      {"1.0E3", number(1e3)},   {"-.5", number(-0.5)}, {"+.5", number(0.5)},
      {"08", number(8)},        {"09", number(9)},     {"018", number(18)},
      {"0_", number(0)},        {"_1", number(1)},     {"_1.5", number(1.5)},
      {"._5", number(0.5)},     {"+-1", number(-1)},   {"1.5e+400", text}};
  return differences;
}

TEST(YamlScalars, AreThoseOfPyYaml) {
  const auto& meant = meant_differences();
  size_t num_differences = 0;
  for (Json expected : fixture()["scalars"]) {
    const std::string text = expected["text"];
    expected.erase("text");
    const YamlValue value = resolve_scalar(text);
    EXPECT_EQ(value.text, text);
    const Json found = answer(value);
    if (const auto it = meant.find(text); it != meant.end()) {
      ++num_differences;
      EXPECT_EQ(found, it->second) << text;
      EXPECT_NE(found, expected) << text << ": is not a difference any more";
    } else {
      EXPECT_EQ(found, expected) << text;
    }
  }
  EXPECT_EQ(num_differences, meant.size());
}

TEST(YamlDocuments, AreThoseOfPyYaml) {
  // yaml-cpp takes tabs between tokens, and the end of the text for a closing quote.
  const std::map<std::string, Json> meant = {{"tab between", {{"a", 1}}},
                                             {"tab after a dash", {{"a", Json::array({1})}}},
                                             {"unclosed quote", {{"a", "x "}}}};
  for (const Json& document : fixture()["documents"]) {
    const std::string name = document["name"];
    const auto read = [&] {
      return Json::parse(yaml_to_json(parse_yaml(document["text"].get<std::string>(), "F")));
    };
    if (const auto it = meant.find(name); it != meant.end()) {
      EXPECT_TRUE(document.contains("error")) << name;
      EXPECT_EQ(read(), it->second) << name;
    } else if (document.contains("error")) {
      EXPECT_THROW(read(), Error) << name;
    } else {
      EXPECT_EQ(read(), document["value"]) << name;
    }
  }
}

TEST(YamlDocuments, ValuesHaveTheirPlaces) {
  const YamlValue tree = parse_yaml(
      "# comment\n"
      "a: 1\n"
      "b:\n"
      "c:\n"
      "  d: x\n"
      "  e:\n"
      "  - 1\n"
      "  - 2\n"
      "\n"
      "f: |\n"
      "  text\n"
      "g: {h: 1,\n"
      "    i: 2}\n",
      "run.yaml");
  const auto place = [](const YamlValue& mapping, const char* key) {
    return mapping.find(key)->place;
  };
  EXPECT_EQ(place(tree, "a"), "run.yaml:2");
  EXPECT_EQ(place(tree, "b"), "run.yaml:3");
  const YamlValue& c = *tree.find("c");
  EXPECT_EQ(place(c, "d"), "run.yaml:5");
  EXPECT_EQ(place(c, "e"), "run.yaml:6");
  EXPECT_EQ(c.find("e")->items[1].place, "run.yaml:8");
  EXPECT_EQ(place(tree, "f"), "run.yaml:10");
  EXPECT_EQ(place(*tree.find("g"), "i"), "run.yaml:13");
  EXPECT_EQ(place(parse_yaml("a: 1", "F", /*lines=*/false), "a"), "F");
}

TEST(YamlDocuments, MergedKeysKeepTheirPlaces) {
  const YamlValue tree = parse_yaml("base: &b\n  x: 1\n  y: 2\nuse:\n  <<: *b\n  y: 3\n", "F");
  const YamlValue& use = *tree.find("use");
  EXPECT_EQ(use.find("x")->place, "F:2");
  EXPECT_EQ(use.find("y")->place, "F:6");
  EXPECT_EQ(use.find("y")->integer, 3);
}

TEST(YamlDocuments, QuotedTextIsMarked) {
  const YamlValue tree = parse_yaml("a: 'on'\nb: on\nc: plain\n", "F");
  EXPECT_TRUE(tree.find("a")->quoted);
  EXPECT_FALSE(tree.find("b")->quoted);
  EXPECT_FALSE(tree.find("c")->quoted);
}

// The message of the Error that reading the text gives.
std::string refusal(const std::string& text) {
  try {
    parse_yaml(text, "F");
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(YamlDocuments, AKeyThatOccursTwiceIsRefused) {
  EXPECT_EQ(refusal("a: 1\nb: 2\na: 3\n"), "F:3: key \"a\" occurs twice, first at F:1");
  EXPECT_EQ(refusal("s:\n  a: 1\n  'a': 1\n"), "F:3: key \"a\" occurs twice, first at F:2");
}

TEST(YamlDocuments, LimitsAreKept) {
  const auto nested = [](size_t depth) {
    return "a: " + std::string(depth, '[') + std::string(depth, ']');
  };
  EXPECT_EQ(refusal(nested(32)), "");
  EXPECT_EQ(refusal(nested(33)), "F:1: values are nested deeper than 32");
  std::string many = "a: [";
  for (int i = 0; i < 99'998; ++i) many += "1,";
  EXPECT_EQ(refusal(many + "]"), "");
  EXPECT_EQ(refusal(many + "1]"), "F:1: more than 100000 values");
  EXPECT_EQ(refusal("[1]: 2"), "F:1: a key must be text");
  EXPECT_EQ(refusal("a: 1\n---\nb: 2\n"), "F: holds 2 documents, expected one");
  EXPECT_EQ(refusal("{a: 1}, {b: 2}\n"), "F: holds 100 documents or more, expected one");
  EXPECT_THAT(refusal("a: 1\nb: [1\n"), HasSubstr("is not YAML: "));
}

TEST(YamlJson, InfinitiesAndNanAreRefused) {
  EXPECT_EQ(yaml_to_json(parse_yaml("b: 1\na: [x, 0.5, null, yes, 2024-01-31]", "F")),
            R"({"b":1,"a":["x",0.5,null,true,"2024-01-31"]})");
  for (const char* text : {"a: .inf", "a: -.INF", "a: .nan"}) {
    EXPECT_THAT([&] { yaml_to_json(parse_yaml(text, "F")); },
                ThrowsMessage<Error>(HasSubstr("is not finite")));
  }
}

TEST(YamlOverrides, ReplaceAndAdd) {
  YamlValue tree = parse_yaml("a: {b: 1}\nc:\n", "F");
  apply_override(tree, "a.b=on");
  apply_override(tree, "c.d.e=[1, x=y]");
  EXPECT_EQ(Json::parse(yaml_to_json(tree)),
            Json::parse(R"({"a": {"b": true}, "c": {"d": {"e": [1, "x=y"]}}})"));
  EXPECT_EQ(tree.find("a")->find("b")->place, "--set a.b=on");
  EXPECT_THAT([&] { apply_override(tree, "a.b.c=1"); },
              ThrowsMessage<Error>(HasSubstr("c is not a key of boolean on at --set a.b=on")));
  for (const char* text : {"a", "=1", "a.=1", ".a=1"}) {
    EXPECT_THAT([&] { apply_override(tree, text); },
                ThrowsMessage<Error>(HasSubstr("expected key=value")));
  }
}

TEST(MappingReader, ChoosesAWordOfAClosedList) {
  const YamlValue tree = parse_yaml("a: green\nb: gren\nc: purple\n", "F");
  MappingReader reader(tree, "s");
  const std::string_view words[] = {"red", "green"};
  EXPECT_EQ(reader.choice("a", *reader.text("a"), words), 1U);
  EXPECT_THAT([&] { reader.choice("b", *reader.text("b"), words); },
              ThrowsMessage<Error>("F:2: s.b: expected red or green, found gren; did you mean "
                                   "green?"));
  EXPECT_THAT([&] { reader.choice("c", *reader.text("c"), words); },
              ThrowsMessage<Error>("F:3: s.c: expected red or green, found purple"));
}

}  // namespace
}  // namespace qk
