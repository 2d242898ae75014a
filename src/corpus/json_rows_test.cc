#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/test_error.h"
#include "corpus/row_reader.h"

namespace qk {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

const Columns kTextOnly{"text", std::nullopt};
const Columns kTextAndId{"text", "id"};

// Gives one byte at a time, as the slowest of streams would.
class Dripping final : public ByteSource {
 public:
  explicit Dripping(std::string_view bytes) : rest_(bytes) {}
  size_t read(std::span<char> buffer) override {
    if (rest_.empty() || buffer.empty()) return 0;
    buffer[0] = rest_[0];
    rest_.remove_prefix(1);
    return 1;
  }

 private:
  std::string_view rest_;
};

std::vector<Row> rows_of(std::unique_ptr<ByteSource> bytes, const Columns& columns) {
  const std::unique_ptr<RowReader> reader =
      read_json_rows(std::move(bytes), "/c/f.json", "f.json", columns);
  std::vector<Row> rows;
  while (std::optional<Row> row = reader->next()) rows.push_back(std::move(*row));
  return rows;
}

std::vector<std::string> texts_of(std::string_view json) {
  std::vector<std::string> texts;
  for (const Row& row : rows_of(bytes_in_memory(json), kTextOnly)) texts.push_back(row.text);
  std::vector<std::string> dripped;
  for (const Row& row : rows_of(std::make_unique<Dripping>(json), kTextOnly)) {
    dripped.push_back(row.text);
  }
  EXPECT_EQ(dripped, texts);
  return texts;
}

RawId id_of(const std::string& json) {
  return rows_of(bytes_in_memory(R"({"text": "", "id": )" + json + "}"), kTextAndId).at(0).id;
}

std::string error_in(std::string_view json) {
  return error_of([&] { rows_of(bytes_in_memory(json), kTextAndId); });
}

TEST(JsonRows, LinesAndLists) {
  EXPECT_THAT(texts_of(""), ElementsAre());
  EXPECT_THAT(texts_of(" \n\t\r\n"), ElementsAre());
  EXPECT_THAT(texts_of(R"({"text":"a"})"), ElementsAre("a"));
  EXPECT_THAT(texts_of("\n{\"text\":\"a\"}\r\n\n  {\"text\":\"b\"} \n"), ElementsAre("a", "b"));
  EXPECT_THAT(texts_of("\xEF\xBB\xBF{\"text\":\"a\"}"), ElementsAre("a"));
  EXPECT_THAT(texts_of(" [ ] \n"), ElementsAre());
  EXPECT_THAT(texts_of("\n[{\"text\":\"a]},\\\"\"},\n{\"text\":\"b\"}]\n"),
              ElementsAre("a]},\"", "b"));
  EXPECT_THAT(texts_of(R"([{"x":[[{}],"]"],"text":"a\\"}])"), ElementsAre("a\\"));
}

TEST(JsonRows, OfADoubleKeyTheLastValueCounts) {
  EXPECT_THAT(texts_of(R"({"text":1,"text":"a","text":"b","in":{"text":"c"}})"), ElementsAre("b"));
}

TEST(JsonRows, IdsKeepTheirKind) {
  EXPECT_EQ(id_of("null"), RawId(std::monostate{}));
  EXPECT_EQ(id_of("true"), RawId(true));
  EXPECT_EQ(id_of("-5"), RawId(int64_t{-5}));
  EXPECT_EQ(id_of("9223372036854775807"), RawId(INT64_MAX));
  EXPECT_EQ(id_of("-9223372036854775808"), RawId(INT64_MIN));
  EXPECT_EQ(id_of("9223372036854775808"), RawId(uint64_t{1} << 63));
  EXPECT_EQ(std::get<OpaqueId>(id_of("1180591620717411303424")).text, "1180591620717411303424");
  EXPECT_EQ(std::get<OpaqueId>(id_of("-9223372036854775809")).text, "-9223372036854775809");
  EXPECT_EQ(id_of("1.0"), RawId(1.0));
  EXPECT_EQ(id_of("1e2"), RawId(100.0));
  EXPECT_EQ(id_of("\"12\""), RawId(std::string("12")));
  EXPECT_EQ(std::get<OpaqueId>(id_of(std::string(400, '7'))).text, std::string(400, '7'));
  EXPECT_EQ(id_of("1e999"), RawId(std::numeric_limits<double>::infinity()));
  EXPECT_EQ(id_of("-1.5E+400"), RawId(-std::numeric_limits<double>::infinity()));
  EXPECT_TRUE(std::isnan(std::get<double>(id_of("NaN"))));
  EXPECT_EQ(id_of("Infinity"), RawId(std::numeric_limits<double>::infinity()));
  EXPECT_EQ(id_of("-Infinity"), RawId(-std::numeric_limits<double>::infinity()));
  EXPECT_EQ(id_of("\"NaN\""), RawId(std::string("NaN")));
}

TEST(JsonRows, AnIdMayBeMissingOnlyAfterTheFirstRow) {
  const std::vector<Row> rows =
      rows_of(bytes_in_memory("{\"text\":\"\",\"id\":1}\n{\"text\":\"\"}"), kTextAndId);
  EXPECT_EQ(rows.at(1).id, RawId(std::monostate{}));
  EXPECT_EQ(error_in(R"({"text":""})"), "/c/f.json line 1: no column 'id': it has text");
}

TEST(JsonRows, TheTextMayBeTheId) {
  const std::vector<Row> rows = rows_of(bytes_in_memory(R"({"id":"x"})"), Columns{"id", "id"});
  EXPECT_EQ(rows.at(0).text, "x");
  EXPECT_EQ(rows.at(0).id, RawId(std::string("x")));
}

TEST(JsonRows, ErrorsNameTheRowAndTheColumn) {
  const std::string good = "{\"text\":\"\",\"id\":1}\n\n";
  EXPECT_EQ(error_in(good + R"({"id":1,"body":""})"),
            "/c/f.json line 3: no column 'text': it has id, body; dataset.on_bad_text: skip leaves "
            "such documents out");
  EXPECT_EQ(error_in(good + R"({"id":1,"text":null})"),
            "/c/f.json line 3: column 'text': expected a string, found null; dataset.on_bad_text: "
            "skip leaves such documents out");
  EXPECT_EQ(
      error_in(good + R"({"id":1,"text":["a"]})"),
      "/c/f.json line 3: column 'text': expected a string, found a list; dataset.on_bad_text: "
      "skip leaves such documents out");
  EXPECT_EQ(
      error_in(good + R"({"id":{},"text":""})"),
      "/c/f.json line 3: column 'id': expected a string, a number, a boolean or null, found an "
      "object");
  EXPECT_EQ(error_in(good + "3"), "/c/f.json line 3: expected an object, found a number");
  EXPECT_EQ(error_in(good + "\"text\""), "/c/f.json line 3: expected an object, found a string");
  EXPECT_EQ(error_in("[{\"text\":\"\",\"id\":1},[]]"),
            "/c/f.json row 1: expected an object, found a list");
}

TEST(JsonRows, WhatIsNotJsonIsRefused) {
  for (const char* line :
       {"{", "{}}", "{\"text\":\"a\"", "{\"text\":\"a\"} {}", "{'text':'a'}", "{\"text\":\"a\n\"}",
        "{\"text\":\"a\",}", "{\"text\":\"a\",\"id\":01}", "{\"text\":\"a\",\"id\":01e999}",
        "{\"text\":\"a\",\"id\":1NaN}", "{\"text\":\"a\",\"id\":-NaN}", "{\"text\":\"a\",NaN:1}",
        "{\"text\":\"a\",\"id\":1e999e}", "{\"text\":\"a\",\"id\":NaNs}", "{ NaN : 1}",
        "{\"text\":\"\\ud80\"}", "{\"text\":\"\\ud800\\u\"}", "{\"text\":\"a\"\x80}",
        "// no\n{\"text\":\"a\"}"}) {
    EXPECT_THAT(error_in(line), HasSubstr("/c/f.json line 1: not JSON: ")) << line;
  }
}

// Python's json.loads reads all of these lines; the text of each is "a".
TEST(JsonRows, WhatOtherKeysHoldDoesNotMatter) {
  for (const char* line :
       {R"({"x":"\ud83d","text":"a","id":1})", R"({"text":"a","id":1,"x":["\udc00\ud83d"]})",
        R"({"\ud83d":{"text":"b"},"text":"a","id":1})", R"({"text":"a","id":1,"x":1e999})",
        R"({"text":"a","id":1,"x":[-1e999,NaN,-Infinity,{"y":Infinity}]})",
        R"({"text":1,"id":1,"x":true,"x":"b","text":"a"})",
        R"({"text":"\ud83d","id":1,"text":"a"})", R"({"text":"a","id":1,"x":"\u0000"})"}) {
    for (const bool keep_faulty : {false, true}) {
      const auto rows = rows_of(bytes_in_memory(line), {"text", "id", keep_faulty});
      EXPECT_EQ(rows.at(0).text, "a") << line;
      EXPECT_EQ(rows.at(0).id, RawId(int64_t{1})) << line;
      EXPECT_EQ(rows.at(0).fault, TextFault::kNone) << line;
    }
  }
  const std::string digits(400, '9');
  EXPECT_THAT(texts_of("{\"x\":" + digits + ",\"text\":\"a\"}"), ElementsAre("a"));
  for (const char* bytes : {"\x80", "\xC0\x80", "\xED\xA0\x80", "\xFF\xFE", "\xF0\x9F"}) {
    const std::string key = std::string("{\"k") + bytes + "\":0,\"x\":[\"" + bytes + "\"],";
    EXPECT_THAT(texts_of(key + R"("text":"a"})"), ElementsAre("a"));
  }
}

TEST(JsonRows, PairsOfSurrogatesAreCharacters) {
  EXPECT_THAT(texts_of(R"({"x":NaN,"text":"\uD83D\ude00\\ud800\ufffd"})"),
              ElementsAre("\xF0\x9F\x98\x80\\ud800\xEF\xBF\xBD"));
}

TEST(JsonRows, TextsThatAreNotUnicodeAreAtFault) {
  for (const char* text : {R"(\ud83d)", R"(a\uDE00b)", R"(\ud83d\ud83d\ude00)", "\x80", "a\xC0\x80",
                           "\xED\xA0\x80", R"(\ud83d\n)", R"(\\\ud83d)"}) {
    const std::string line = std::string(R"({"id":7,"text":")") + text + "\"}";
    EXPECT_EQ(error_in(line),
              "/c/f.json line 1: column 'text': expected Unicode text, found a lone surrogate or "
              "bytes that are not UTF-8; dataset.on_bad_text: skip leaves such documents out");
    const auto rows = rows_of(bytes_in_memory(line), {"text", "id", true});
    EXPECT_EQ(rows.at(0).fault, TextFault::kNotUtf8) << text;
    EXPECT_EQ(rows.at(0).text, "") << text;
    EXPECT_EQ(rows.at(0).id, RawId(int64_t{7})) << text;
    const std::string id = std::string(R"({"text":"a","id":")") + text + "\"}";
    EXPECT_THAT(error_in(id), HasSubstr("column 'id': expected Unicode text"));
    EXPECT_EQ(rows_of(bytes_in_memory(id), {"text", "id", true}).at(0).fault, TextFault::kNotUtf8);
    EXPECT_EQ(rows_of(bytes_in_memory(id), kTextOnly).at(0).text, "a");
  }
}

TEST(JsonRows, RowsWithoutATextAreAtFault) {
  const auto rows =
      rows_of(bytes_in_memory("{\"id\":1}\n{\"id\":2,\"text\":3}"), {"text", "id", true});
  EXPECT_EQ(rows.at(0).fault, TextFault::kNoText);
  EXPECT_EQ(rows.at(0).wrong_column, "/c/f.json line 1: no column 'text': it has id");
  EXPECT_EQ(rows.at(1).fault, TextFault::kNoText);
  EXPECT_EQ(rows.at(1).wrong_column,
            "/c/f.json line 2: column 'text': expected a string, found a number");
}

TEST(JsonRows, ListsMustCloseAndEndTheFile) {
  EXPECT_EQ(error_in("[{\"text\":\"\",\"id\":1},{\"text"),
            "/c/f.json row 1: the list ends inside this row");
  EXPECT_EQ(error_in("[{\"text\":\"\",\"id\":1},]"),
            "/c/f.json row 1: expected an object, found nothing");
  EXPECT_EQ(error_in("[{\"text\":\"\",\"id\":1},,1]"),
            "/c/f.json row 1: expected an object, found nothing");
  EXPECT_EQ(error_in("[{\"text\":\"\",\"id\":1}] x"),
            "/c/f.json: expected nothing after the list, found more");
  EXPECT_THAT(error_in("[{\"text\":\"\",\"id\":1} {}]"), HasSubstr("row 0: not JSON"));
}

TEST(JsonRows, DeepNestingIsHarmless) {
  const std::string deep(100000, '[');
  const std::string closed = deep + std::string(deep.size(), ']');
  EXPECT_THAT(texts_of("{\"x\":" + closed + ",\"text\":\"a\"}"), ElementsAre("a"));
  EXPECT_THAT(error_in("{\"x\":" + deep), HasSubstr("not JSON"));
  EXPECT_NE(error_in(deep), "");
}

}  // namespace
}  // namespace qk
