// Corpora with something at fault: what counts is the text, row by row. Expected texts: datasets,
// pyarrow and Python's json (tools/make_corpus_fault_fixtures.py).
#include <arrow/api.h>
#include <arrow/util/compression.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "base/atomic_file.h"
#include "base/test_error.h"
#include "base/test_folder.h"
#include "corpus/test_corpus.h"
#include "corpus/test_parquet.h"

namespace qk {
namespace corpus_faults_test {

using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using Texts = std::vector<std::optional<std::string>>;

const std::string kFaults = QK_TEST_DATA "/corpus_faults/";
const std::string kPointer =
    "version https://git-lfs.github.com/spec/v1\noid sha256:" + std::string(64, 'e') +
    "\nsize 17209920\n";

const std::string kPointerOfWindows =
    "version https://git-lfs.github.com/spec/v1\r\noid sha256:12\r\nsize 17209920\r\n";

CorpusConfig at(const std::string& path, bool skip) {
  CorpusConfig config;
  config.path = path;
  config.skip_bad_text = skip;
  return config;
}

std::vector<Document> read(const CorpusConfig& config) {
  const std::unique_ptr<Corpus> corpus = open_local(config);
  std::vector<Document> documents;
  while (std::optional<Document> document = corpus->next()) {
    documents.push_back(std::move(*document));
  }
  return documents;
}

Texts texts_of(const std::vector<Document>& documents) {
  Texts out;
  for (const Document& document : documents) {
    const bool is_good = document.fault == TextFault::kNone;
    EXPECT_TRUE(is_good || document.text.empty());
    out.push_back(is_good ? std::optional(document.text) : std::nullopt);
  }
  return out;
}

std::string error_in(const CorpusConfig& config) {
  return error_of([&] { read(config); });
}

Texts expected_texts(const nlohmann::json& values) {
  Texts out;
  for (const auto& value : values) {
    out.push_back(value.is_null() ? std::nullopt : std::optional(value.get<std::string>()));
  }
  return out;
}

TEST(CorpusFaults, EveryGoodTextIsReadAndEveryBadOneCounted) {
  const auto cases = nlohmann::json::parse(read_file(kFaults + "cases.json"));
  ASSERT_GT(cases.size(), 30U);
  for (const nlohmann::json& expected : cases) {
    const std::string path = kFaults + expected["path"].get<std::string>();
    SCOPED_TRACE(path);
    const Texts texts = expected_texts(expected["texts"]);
    EXPECT_EQ(texts_of(read(at(path, true))), texts);
    // Without skipping, the run stops at the first bad text, and nowhere else.
    const auto first_bad = std::find(texts.begin(), texts.end(), std::nullopt) - texts.begin();
    CorpusConfig stops = at(path, false);
    stops.max_samples = first_bad;
    EXPECT_EQ(texts_of(read(stops)), Texts(texts.begin(), texts.begin() + first_bad));
    ++*stops.max_samples;
    const std::string error = error_in(stops);
    EXPECT_EQ(error.empty(), first_bad == std::ssize(texts)) << error;
    if (error.empty()) continue;
    EXPECT_THAT(error, testing::ContainsRegex("(row|line) [0-9]+: "));
  }
}

std::shared_ptr<arrow::Array> numbers(const std::vector<int64_t>& values) {
  arrow::Int64Builder builder;
  EXPECT_TRUE(builder.AppendValues(values).ok());
  return builder.Finish().ValueOrDie();
}

std::shared_ptr<arrow::Array> strings(const std::vector<std::string>& values) {
  arrow::StringBuilder builder;
  EXPECT_TRUE(builder.AppendValues(values).ok());
  return builder.Finish().ValueOrDie();
}

TEST(CorpusFaults, NumbersInALaterFileAreNoTexts) {
  const TestFolder folder;
  write_parquet(folder / "a.parquet", {"text"}, {strings({"a"})});
  write_parquet(folder / "b.parquet", {"text"}, {numbers({7, 8})});
  write_parquet(folder / "c.parquet", {"text"}, {strings({"c"})});
  const std::string path = folder.path().string();
  EXPECT_EQ(texts_of(read(at(path, true))), (Texts{"a", std::nullopt, std::nullopt, "c"}));
  EXPECT_EQ(error_in(at(path, false)), (folder / "b.parquet").string() +
                                           " row 0: column 'text': expected a string, found "
                                           "int64; dataset.on_bad_text: skip leaves such "
                                           "documents out");
}

TEST(CorpusFaults, LaterFilesAndRowsWithoutTheColumn) {
  const TestFolder folder;
  write_parquet(folder / "p/a.parquet", {"text", "id"}, {strings({"a"}), numbers({1})});
  write_parquet(folder / "p/b.parquet", {"id"}, {numbers({2})});
  write_parquet(folder / "p/c.parquet", {"text", "id"}, {strings({"c"}), numbers({3})});
  folder.write("j/a.jsonl", "{\"text\":\"a\"}\n{\"id\":2}\n{\"text\":\"c\"}\n");
  const std::string advice =
      "no column 'text': it has id; dataset.on_bad_text: skip leaves such "
      "documents out";
  for (const char* name : {"p", "j"}) {
    EXPECT_EQ(texts_of(read(at(folder / name, true))), (Texts{"a", std::nullopt, "c"}));
    EXPECT_THAT(error_in(at(folder / name, false)), EndsWith(advice));
  }
}

// A column that no text was ever in is the wrong one: nothing could be captured.
TEST(CorpusFaults, AWrongColumnIsNotSkipped) {
  const TestFolder folder;
  write_parquet(folder / "a/a.parquet", {"text"}, {numbers({7})});
  folder.write("b/a.jsonl", "{\"body\":1}\n{\"body\":2}\n");
  folder.write("c/a.jsonl", "{\"text\":1}\n{\"text\":[2]}\n");
  for (const bool skip : {true, false}) {
    EXPECT_THAT(error_in(at(folder / "a", skip)), EndsWith("expected strings, found int64"));
    EXPECT_THAT(error_in(at(folder / "b", skip)),
                EndsWith("a.jsonl line 1: no column 'text': it has body"));
    EXPECT_THAT(error_in(at(folder / "c", skip)),
                HasSubstr("a.jsonl line 1: column 'text': expected a string, found a number"));
  }
}

TEST(CorpusFaults, FilesAndRowGroupsWithoutRowsHoldNoDocument) {
  const TestFolder folder;
  write_parquet(folder / "a.parquet", {"text", "id"}, {strings({}), numbers({})});
  write_parquet(folder / "b.parquet", {"text", "id"}, {strings({"b"}), numbers({7})});
  write_parquet(folder / "c.parquet", {"text", "id"}, {strings({}), numbers({})});
  CorpusConfig config = at(folder.path().string(), false);
  config.id_column = "id";
  EXPECT_EQ(texts_of(read(config)), Texts{"b"});
  EXPECT_EQ(texts_of(read(at(folder / "a.parquet", false))), Texts{});
}

// As datasets knows them.
TEST(CorpusFaults, PackedFilesAreKnownByTheirFirstBytes) {
  const TestFolder folder;
  for (const char* file : {"a.jsonl.gz", "b.jsonl.zst", "c.jsonl.bz2"}) {
    const std::string path = std::string(QK_TEST_DATA "/corpus/packed/") + file;
    const Texts expected = texts_of(read(at(path, false)));
    ASSERT_FALSE(expected.empty());
    for (const char* name : {"a.jsonl", "a.jsonl.GZ", "a.json", "a.json.zst"}) {
      const std::string copy = folder.write(name, read_file(path));
      EXPECT_EQ(texts_of(read(at(copy, false))), expected) << file << " as " << name;
    }
  }
  const std::string zip = folder.write("a.txt", std::string("PK\x03\x04") + "a text");
  EXPECT_THAT(error_in(at(zip, true)), EndsWith("one packed as .gz, .zst or .bz2, found .zip"));
}

TEST(CorpusFaults, NothingIsLostAfterANul) {
  const TestFolder folder;
  const std::string row = "{\"text\":\"a\"}";
  for (const std::string& rest : {std::string(3, '\0'), std::string(1, '\0') + row}) {
    for (const std::string& file : {row + rest + "\n", "[" + row + rest + "]"}) {
      EXPECT_THAT(error_in(at(folder.write("a.json", file), true)),
                  EndsWith(": not JSON: found a NUL byte at offset 12"));
    }
  }
}

TEST(CorpusFaults, APointerIsNoTextWhenItIsPacked) {
  const TestFolder folder;
  const auto codec = arrow::util::Codec::Create(arrow::Compression::GZIP).ValueOrDie();
  std::string packed(1024, '\0');
  packed.resize(codec
                    ->Compress(std::ssize(kPointer),
                               reinterpret_cast<const uint8_t*>(kPointer.data()), 1024,
                               reinterpret_cast<uint8_t*>(packed.data()))
                    .ValueOrDie());
  EXPECT_THAT(error_in(at(folder.write("a.txt.gz", packed), true)),
              HasSubstr("a.txt.gz: unpacked, it is a Git LFS pointer"));
}

TEST(CorpusFaults, OneObjectOverSeveralLines) {
  const TestFolder folder;
  for (const char* text : {"{\n\"text\": \"a\"\n}\n", "{\"text\":\"a\"}{\"text\":\"b\"}\n"}) {
    EXPECT_THAT(error_in(at(folder.write("a.json", text), true)),
                EndsWith("; expected one whole object a line, or a list of objects"));
  }
}

TEST(CorpusFaults, FoldersOfSaveToDiskAreNamed) {
  const TestFolder folder;
  folder.write("a/state.json", "{\n}");
  folder.write("a/dataset_info.json", "{}");
  folder.write("a/data-00000-of-00001.arrow", "");
  folder.write("b/dataset_dict.json", "{}");
  folder.write("b/train/state.json", "{\n}");
  folder.write("c/state.json/a.jsonl", "{\"text\":\"a\"}");
  for (const char* name : {"a", "b"}) {
    EXPECT_THAT(error_in(at(folder / name, true)), HasSubstr(": was written by save_to_disk"));
  }
  EXPECT_EQ(error_in(at(folder / "c", true)), "");
}

TEST(CorpusFaults, IdsThatAreNotUnicodeLeaveTheDocumentOut) {
  const TestFolder folder;
  write_parquet(folder / "a.parquet", {"text", "id"},
                {strings({"a", "b", "c"}), strings({"x", "\xE9", "z"})});
  folder.write("a.jsonl", "{\"text\":\"a\",\"id\":\"x\"}\n{\"text\":\"b\",\"id\":\"\\ud800\"}\n");
  for (const char* name : {"a.parquet", "a.jsonl"}) {
    CorpusConfig config = at(folder / name, true);
    EXPECT_EQ(texts_of(read(config)).at(1), "b") << name;  // the column is not used
    config.id_column = "id";
    const std::vector<Document> documents = read(config);
    EXPECT_EQ(texts_of(documents).at(0), "a") << name;
    EXPECT_EQ(documents.at(1).fault, TextFault::kNotUtf8) << name;
    config.skip_bad_text = false;
    EXPECT_THAT(error_in(config), HasSubstr("column 'id': expected U")) << name;
  }
}

TEST(CorpusFaults, FilesBeyondTheRowsThatAreUsedAreNotRead) {
  const TestFolder folder;
  write_parquet(folder / "p/a.parquet", {"text"}, {strings({"a", "b"})});
  folder.write("p/b.parquet", "damaged");
  folder.write("t/a.txt", "a");
  folder.write("t/b.txt", kPointer);
  folder.write("j/a.jsonl", "{\"text\":\"a\"}\n{\"text\":\"b\"}\n");
  folder.write("j/b.jsonl", kPointer);
  for (const char* name : {"p", "t", "j"}) {
    CorpusConfig config = at(folder / name, false);
    EXPECT_NE(error_in(config), "") << name;
    config.max_samples = 1;
    EXPECT_EQ(texts_of(read(config)), Texts{"a"}) << name;
    config.max_samples.reset();
    config.split = "train[:1]";
    EXPECT_EQ(texts_of(read(config)), Texts{"a"}) << name;
    config.split = "train[-1:]";  // needs the number of rows
    EXPECT_NE(error_in(config), "") << name;
  }
}

TEST(CorpusFaults, LinksToNothingAreRefused) {
  const TestFolder folder;
  folder.write("a.jsonl", "{\"text\":\"a\"}\n");
  std::filesystem::create_symlink("../blobs/b", folder / "b.jsonl");
  const std::string sentence =
      "is a link to ../blobs/b, which is not there (an incomplete download?)";
  EXPECT_THAT(error_in(at(folder.path().string(), true)),
              EndsWith("b.jsonl: cannot be opened: " + sentence));
  EXPECT_THAT(error_in(at(folder / "*.jsonl", true)), EndsWith(sentence));
  std::filesystem::rename(folder / "b.jsonl", folder / "README.md");
  EXPECT_THAT(error_in(at(folder.path().string(), true)), EndsWith("README.md: " + sentence));
}

TEST(CorpusFaults, OtherSplitsAreNotRead) {
  const TestFolder folder;
  folder.write("train.jsonl", "{\"text\":\"a\"}\n");
  folder.write("test.jsonl", kPointer);
  EXPECT_EQ(texts_of(read(at(folder.path().string(), false))), Texts{"a"});
}

// A pointer has the name of the file that it stands for, whatever the format.
TEST(CorpusFaults, PointersAreRefusedInEveryFormat) {
  const TestFolder folder;
  for (const char* name : {"a.parquet", "a.jsonl", "a.json", "a.ndjson", "a.txt", "a.jsonl.gz",
                           "a.json.zst", "a.txt.bz2", "a.jsonl.xz", "a.jsonl.lz4", "a.txt.zip"}) {
    for (const std::string& pointer : {kPointer, kPointerOfWindows}) {
      const std::string file = folder.write(name, pointer);
      for (const bool skip : {true, false}) {
        EXPECT_THAT(error_in(at(file, skip)),
                    testing::AllOf(testing::StartsWith(file + ": is a Git LFS pointer"),
                                   HasSubstr("17209920 bytes"), HasSubstr("git lfs pull")));
      }
    }
  }
}

TEST(CorpusFaults, OnePointerAmongManyFilesIsFoundBeforeTheFirstDocument) {
  const TestFolder folder;
  for (const char* name : {"a.txt", "b.txt", "d.txt"}) folder.write(name, "text");
  folder.write("blobs/x", kPointer);
  std::filesystem::create_symlink("blobs/x", folder / "c.txt");
  EXPECT_THAT(error_of([&] { open_local(at(folder.path().string(), true)); }),
              HasSubstr("c.txt: is a Git LFS pointer"));
}

}  // namespace corpus_faults_test
}  // namespace qk
