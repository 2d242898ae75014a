// Expected rows: `datasets` 4.4.1.
#include "corpus/split_slice.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/test_error.h"
#include "corpus/test_corpus.h"

namespace qk {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// "begin end" of the slice of a split with num_rows rows; the name if it is not a slice.
std::string rows(const std::string& text, std::optional<int64_t> num_rows) {
  const std::vector<SplitSlice> terms = parse_split(text);
  const SplitSlice& slice = terms.front();
  if (terms.size() == 1 && slice.split == text) return text;
  const RowRange range = rows_of(slice, num_rows);
  return fmt::format("{} {}", range.begin, range.end ? std::to_string(*range.end) : "all");
}

TEST(SplitSlice, RowsAreThoseOfDatasets) {
  EXPECT_EQ(rows("train[:3]", 7), "0 3");
  EXPECT_EQ(rows("train[2:]", 7), "2 7");
  EXPECT_EQ(rows("train[:]", 7), "0 7");
  EXPECT_EQ(rows("my.split_1[2:4]", 7), "2 4");
  EXPECT_EQ(rows("train[:99]", 7), "0 7");
  EXPECT_EQ(rows("train[99:]", 7), "7 7");
  EXPECT_EQ(rows("train[5:2]", 7), "5 5");
  EXPECT_EQ(rows("train[-3:]", 7), "4 7");
  EXPECT_EQ(rows("train[-30:-1]", 7), "0 6");
  EXPECT_EQ(rows("train[25%:75%]", 7), "2 5");
  EXPECT_EQ(rows("train[:50%]", 5), "0 2");  // 2.5 to the even one
  EXPECT_EQ(rows("train[-50%:]", 7), "3 7");
  EXPECT_EQ(rows("train[1:4]", std::nullopt), "1 4");
  EXPECT_EQ(rows("train[1:]", std::nullopt), "1 all");
}

TEST(SplitSlice, OtherTextIsAName) {
  for (const char* text :
       {"train", "train+", "+test", "train + test", "train[:2]+te st", "train[2]", "train[a:b]",
        "train[:2](closest)", "[:2]", "train[:2", "train:[2]", "train[:%]"}) {
    EXPECT_EQ(rows(text, 7), text);
  }
}

TEST(SplitSlice, AtMostAllRows) {
  EXPECT_THAT(error_of([] { rows("train[:101%]", 7); }), HasSubstr("expected at most 100%"));
}

TEST(SplitSlice, Sums) {
  const std::vector<SplitSlice> terms = parse_split("train[:2]+dev.1+test[-50%:]");
  ASSERT_EQ(terms.size(), 3U);
  EXPECT_EQ(terms[0].split, "train");
  EXPECT_EQ(terms[0].to, 2);
  EXPECT_EQ(terms[1].split, "dev.1");
  EXPECT_FALSE(terms[1].needs_num_rows());
  EXPECT_EQ(terms[2].from, -50);
  EXPECT_TRUE(terms[2].needs_num_rows());
}

std::vector<std::string> texts(const std::string& path, const std::string& split) {
  CorpusConfig config;
  config.path = path;
  config.split = split;
  const std::unique_ptr<Corpus> corpus = open_local(config);
  std::vector<std::string> out;
  while (const std::optional<Document> document = corpus->next()) {
    EXPECT_EQ(document->index, std::ssize(out));  // and so the running id
    EXPECT_EQ(document->example_id, std::ssize(out));
    out.push_back(document->text);
  }
  EXPECT_EQ(corpus->num_documents().value_or(std::ssize(out)), std::ssize(out));
  return out;
}

TEST(SplitSlice, OfACorpus) {
  const TestFolder folder;
  std::string lines;
  for (const char* text : {"a", "b", "c", "d", "e"}) {
    folder.write(fmt::format("texts/{}.txt", text), text);
    lines += fmt::format("{{\"text\": \"{}\"}}\n", text);
  }
  const std::string json = folder.write("rows.jsonl", lines);
  const std::string plain = folder / "texts";
  EXPECT_THAT(texts(json, "train[1:3]"), ElementsAre("b", "c"));
  EXPECT_THAT(texts(json, "train[3:9]"), ElementsAre("d", "e"));
  EXPECT_THAT(texts(json, "train[9:]"), ElementsAre());
  EXPECT_THAT(texts(plain, "train[1:3]"), ElementsAre("b", "c"));
  EXPECT_THAT(texts(plain, "train[-2:]"), ElementsAre("d", "e"));
  EXPECT_THAT(texts(plain, "train[40%:]"), ElementsAre("c", "d", "e"));
  EXPECT_THAT(texts(plain, "train[4:2]"), ElementsAre());
  EXPECT_THAT(texts(json, "train[-2:]"), ElementsAre("d", "e"));
  EXPECT_THAT(texts(json, "train[:40%]"), ElementsAre("a", "b"));
}

TEST(SplitSlice, SumOfSplits) {
  const TestFolder folder;
  folder.write("train.jsonl", "{\"text\": \"a\", \"id\": 7}\n{\"text\": \"b\", \"id\": 8}\n");
  folder.write("test.jsonl", "{\"text\": \"c\", \"id\": 9}\n{\"text\": \"d\", \"id\": 6}\n");
  const std::string path = folder / "";
  EXPECT_THAT(texts(path, "train+test"), ElementsAre("a", "b", "c", "d"));
  EXPECT_THAT(texts(path, "test[1:]+train+test[:1]"), ElementsAre("d", "a", "b", "c"));
  EXPECT_THAT(error_of([&] { texts(path, "train+dev"); }), HasSubstr("dev"));
  CorpusConfig config;
  config.path = path;
  config.split = "train+test";
  config.id_column = "id";
  config.max_samples = 3;
  const std::unique_ptr<Corpus> corpus = open_local(config);
  std::vector<int64_t> ids;
  while (const std::optional<Document> document = corpus->next()) {
    EXPECT_EQ(document->index, std::ssize(ids));
    ids.push_back(document->example_id);
  }
  EXPECT_THAT(ids, ElementsAre(7, 8, 9));
  config.id_column.reset();
  const std::unique_ptr<Corpus> numbered = open_local(config);
  for (const char* number : {"0", "1", "2"}) EXPECT_EQ(numbered->next()->name, number);
  ASSERT_EQ(corpus->files().size(), 2U);
  EXPECT_EQ(corpus->digested_files().at(1).name, "test.jsonl");
  EXPECT_EQ(corpus->digested_files().size(), 2U);
  config.split = "train";
  EXPECT_NE(identify(*corpus), identify(*open_local(config)));
}

}  // namespace
}  // namespace qk
