// Expected texts and ids: the `datasets` library (tools/make_corpus_fixtures.py).
#include "corpus/corpus.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/atomic_file.h"
#include "base/hash.h"
#include "base/test_error.h"
#include "corpus/test_corpus.h"

namespace qk {
namespace corpus_test {

using testing::ElementsAre;

const std::string kCorpora = QK_TEST_DATA "/corpus/";

std::vector<Document> read_all(const CorpusConfig& config) {
  const std::unique_ptr<Corpus> corpus = open_local(config);
  std::vector<Document> documents;
  while (std::optional<Document> document = corpus->next()) {
    documents.push_back(std::move(*document));
  }
  EXPECT_FALSE(corpus->next());
  const auto found = static_cast<int64_t>(documents.size());
  EXPECT_EQ(corpus->num_documents().value_or(found), found);
  return documents;
}

std::vector<std::string> texts_of(const std::vector<Document>& documents) {
  std::vector<std::string> texts;
  texts.reserve(documents.size());
  for (const Document& document : documents) texts.push_back(document.text);
  return texts;
}

CorpusConfig at(const std::string& path) {
  CorpusConfig config;
  config.path = path;
  return config;
}

TEST(Corpus, FilesThatAreLeftOutAreNotRead) {
  const TestFolder folder;
  folder.write("a.txt", "a");
  folder.write("out/b.txt", "b");
  folder.write("README.md", "---\nconfigs:\n- config_name: en\n  data_files: none.txt\n---\n");
  const std::filesystem::path root = std::filesystem::canonical(folder.path());
  for (const std::string pattern : {"", "/**"}) {
    CorpusConfig config = at(folder.path().string() + pattern);
    config.left_out = {root / "README.md", root / "out/b.txt", root.parent_path() / "a.txt"};
    EXPECT_EQ(texts_of(read_all(config)), std::vector<std::string>{"a"});
  }
}

TEST(Corpus, AllAreTheSplitsOneAfterTheOther) {
  CorpusConfig config = at(kCorpora + "sharded");
  config.split = "train+test";
  const std::vector<std::string> sum = texts_of(read_all(config));
  config.split = "all";
  EXPECT_EQ(texts_of(read_all(config)), sum);
  config.split = "test";
  EXPECT_GT(sum.size(), texts_of(read_all(config)).size());
}

TEST(Corpus, TextsAndIdsAreThoseOfDatasets) {
  const nlohmann::json cases = nlohmann::json::parse(read_file(kCorpora + "reading.json"));
  ASSERT_GT(cases.size(), 30U);
  for (const nlohmann::json& expected : cases) {
    SCOPED_TRACE(expected.dump().substr(0, 200));
    CorpusConfig config = at(kCorpora + expected["path"].get<std::string>());
    if (!expected["name"].is_null()) config.name = expected["name"];
    config.split = expected["split"];
    config.text_column = expected["text_column"];
    if (!expected["id_column"].is_null()) config.id_column = expected["id_column"];
    const std::vector<Document> documents = read_all(config);
    EXPECT_EQ(texts_of(documents), expected["texts"].get<std::vector<std::string>>());
    std::vector<std::string> ids;
    for (const Document& document : documents) {
      EXPECT_EQ(document.index, static_cast<int64_t>(ids.size()));
      ids.push_back(std::to_string(document.example_id));
    }
    EXPECT_EQ(ids, expected["ids"].get<std::vector<std::string>>());
  }
}

TEST(Corpus, NamesAreIdsFilesOrRowNumbers) {
  const auto names = [](const CorpusConfig& config) {
    std::vector<std::string> out;
    for (const Document& document : read_all(config)) out.push_back(document.name);
    return out;
  };
  const TestFolder folder;
  CorpusConfig config = at(folder.write(
      "train.jsonl",
      "{\"text\": \"a\", \"id\": \"x y\"}\n{\"text\": \"b\", \"id\": 7}\n{\"text\": \"c\", \"id\": "
      "null}\n"));
  EXPECT_THAT(names(config), ::testing::ElementsAre("0", "1", "2"));
  config.id_column = "id";
  EXPECT_THAT(names(config), ::testing::ElementsAre("x y", "7", "None"));
  EXPECT_EQ(read_all(config)[0].example_id, blake2b8("x y"));
  EXPECT_EQ(names(at(kCorpora + "texts"))[0], "train/a.txt");
}

TEST(Corpus, PatternsAndFilesAreTheSplitTrain) {
  EXPECT_EQ(read_all(at(kCorpora + "sharded/data/train-*.parquet")).size(), 4U);
  EXPECT_EQ(read_all(at(kCorpora + "**/*-of-00002.parquet")).size(), 4U);
  EXPECT_EQ(read_all(at(kCorpora + "sharded/data/test-00000-of-00001.parquet")).size(), 2U);
  EXPECT_EQ(read_all(at(kCorpora + "texts/train/a.txt")).size(), 1U);
}

TEST(Corpus, PlacesNameFileAndRow) {
  const std::vector<Document> parquet = read_all(at(kCorpora + "sharded"));
  EXPECT_EQ(parquet[3].place, "data/train-00001-of-00002.parquet row 1");
  const std::vector<Document> lines = read_all(at(kCorpora + "jsonl/rows.jsonl"));
  EXPECT_EQ(lines[0].place, "rows.jsonl line 1");
  EXPECT_EQ(lines[2].place, "rows.jsonl line 4");
  EXPECT_EQ(lines[5].place, "rows.jsonl line 8");
  EXPECT_EQ(read_all(at(kCorpora + "array"))[4].place, "list.json row 4");
  EXPECT_EQ(read_all(at(kCorpora + "texts"))[0].place, "train/a.txt");
}

TEST(Corpus, MaxSamplesKeepsTheFirstRows) {
  for (const char* path : {"groups", "array", "sharded", "texts"}) {
    SCOPED_TRACE(path);
    CorpusConfig config = at(kCorpora + path);
    const std::vector<std::string> all = texts_of(read_all(config));
    for (const int64_t n : {0, 1, 3, 1000}) {
      config.max_samples = n;
      const size_t kept = std::min(all.size(), static_cast<size_t>(n));
      const std::vector<std::string> first(all.begin(), all.begin() + static_cast<ptrdiff_t>(kept));
      EXPECT_EQ(texts_of(read_all(config)), first) << n;
    }
  }
  CorpusConfig config = at(kCorpora + "array");
  EXPECT_FALSE(open_local(config)->num_documents());  // known only after reading
  config.max_samples = 0;
  EXPECT_EQ(open_local(config)->num_documents(), 0);
}

TEST(Corpus, AnEmptyIdColumnIsNone) {
  CorpusConfig config = at(kCorpora + "groups");
  config.id_column = "";
  EXPECT_EQ(read_all(config)[7].example_id, 7);
}

TEST(Corpus, AnEmptyNameIsTheDefaultConfig) {
  CorpusConfig config = at(kCorpora + "card");
  const std::vector<std::string> expected = texts_of(read_all(config));
  EXPECT_FALSE(expected.empty());
  config.name = "";
  EXPECT_EQ(texts_of(read_all(config)), expected);
}

TEST(Corpus, FilesAreListedInReadingOrder) {
  const std::unique_ptr<Corpus> corpus = open_local(at(kCorpora + "packed"));
  std::vector<std::string> names;
  for (const CorpusFile& file : corpus->files()) {
    names.push_back(file.name);
    EXPECT_EQ(file.bytes, static_cast<int64_t>(std::filesystem::file_size(file.path)));
    EXPECT_EQ(file.sha256, "");
  }
  EXPECT_THAT(names, ElementsAre("a.jsonl.gz", "b.jsonl.zst", "c.jsonl.bz2", "d.jsonl"));
}

TEST(Identify, DependsOnNamesAndContentsNotOnThePlace) {
  const TestFolder a;
  const TestFolder b;
  for (const TestFolder* folder : {&a, &b}) {
    folder->write("x.txt", "one");
    folder->write("y.txt", "two");
  }
  const auto identity = [](const TestFolder& folder) {
    return identify(*open_local(at(folder.path().string())));
  };
  const std::string first = identity(a);
  EXPECT_EQ(first.size(), 64U);
  EXPECT_EQ(identity(b), first);
  const std::unique_ptr<Corpus> corpus = open_local(at(a.path().string()));
  identify(*corpus);
  EXPECT_EQ(corpus->files()[0].sha256, sha256_file(a / "x.txt"));
  b.write("y.txt", "tw0");
  EXPECT_NE(identity(b), first);
  b.write("y.txt", "two");
  EXPECT_EQ(identity(b), first);
  std::filesystem::rename(b / "y.txt", b / "z.txt");
  EXPECT_NE(identity(b), first);
}

}  // namespace corpus_test
}  // namespace qk
