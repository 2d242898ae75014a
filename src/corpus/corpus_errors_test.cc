// What the user reads when a corpus cannot be opened or read.
#include <arrow/api.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>

#include "base/atomic_file.h"
#include "base/test_error.h"
#include "corpus/test_corpus.h"
#include "corpus/test_parquet.h"

namespace qk {
namespace {

using testing::AllOf;
using testing::EndsWith;
using testing::HasSubstr;

const std::string kCorpora = QK_TEST_DATA "/corpus/";
const std::string kAdvice = "; dataset.on_bad_text: skip leaves such documents out";

CorpusConfig at(const std::string& path) {
  CorpusConfig config;
  config.path = path;
  return config;
}

CorpusConfig with_columns(const std::string& path, const std::string& text,
                          std::optional<std::string> id = std::nullopt) {
  CorpusConfig config = at(path);
  config.text_column = text;
  config.id_column = std::move(id);
  return config;
}

// The sentence of the first error while opening and reading all of it.
std::string error_with(const CorpusConfig& config) {
  return error_of([&] {
    const std::unique_ptr<Corpus> corpus = open_local(config);
    while (corpus->next()) {
    }
  });
}

template <typename Builder, typename Value>
std::shared_ptr<arrow::Array> array_of(const std::vector<std::optional<Value>>& values) {
  Builder builder;
  for (const auto& value : values) {
    EXPECT_TRUE((value ? builder.Append(*value) : builder.AppendNull()).ok());
  }
  return builder.Finish().ValueOrDie();
}

std::shared_ptr<arrow::Array> strings(const std::vector<std::optional<std::string>>& values) {
  return array_of<arrow::StringBuilder>(values);
}

TEST(CorpusErrors, NothingAtThePath) {
  ::setenv("HF_HUB_CACHE", "/no/cache", 1);
  const TestFolder folder;
  EXPECT_EQ(error_with(at("")), "dataset.path: expected a path or a Hub id, found nothing");
  EXPECT_EQ(error_with(at(folder / "no.jsonl")),
            "dataset.path: '" + (folder / "no.jsonl").string() +
                "' is neither a file nor a folder, nor the id of a Hub repository");
  EXPECT_THAT(error_with(at("org/data")),
              AllOf(HasSubstr("not in the Hub cache /no/cache (revision main)"),
                    HasSubstr("`hf download org/data --repo-type dataset`")));
  EXPECT_EQ(error_with(at(folder / "*.parquet")),
            "dataset.path: no file matches the pattern '" + (folder / "*.parquet").string() + "'");
  EXPECT_EQ(error_with(at(folder / "no/such/*.parquet")),
            "dataset.path: no file matches the pattern '" +
                (folder / "no/such/*.parquet").string() + "'");
  EXPECT_EQ(error_with(at(folder.path().string())),
            "dataset.path: " + folder.path().string() +
                ": expected data files (.parquet, .jsonl, .json, .ndjson, .txt), found none");
  EXPECT_EQ(error_with(at("/dev/null")), "dataset.path: /dev/null: neither a file nor a folder");
  ::unsetenv("HF_HUB_CACHE");
}

TEST(CorpusErrors, KindsOfFiles) {
  const TestFolder folder;
  const std::string csv = folder.write("a/x.csv", "1");
  folder.write("b/x.parquet", "");
  folder.write("b/y.jsonl", "");
  EXPECT_EQ(error_with(at(csv)),
            "dataset.path: " + csv +
                ": expected a file of one of the kinds .parquet, .jsonl, .json, .ndjson, .txt");
  EXPECT_THAT(error_with(at(folder / "a")), HasSubstr("split 'train': most files are .csv"));
  EXPECT_THAT(error_with(at(folder / "b/*")),
              EndsWith("expected files of one kind, found x.parquet and y.jsonl"));
  const std::string packed = folder.write("c.jsonl.xz", "");
  EXPECT_EQ(error_with(at(packed)),
            packed + ": expected a plain file, or one packed as .gz, .zst or .bz2, found .xz");
}

TEST(CorpusErrors, SplitsAndConfigs) {
  CorpusConfig config = at(kCorpora + "sharded");
  config.split = "dev";
  EXPECT_THAT(error_with(config), AllOf(HasSubstr("dataset.split: 'dev' is not a split of"),
                                        EndsWith("sharded: it has train, test")));
  config.split = "train + test";
  EXPECT_THAT(error_with(config), EndsWith("(slices are written name[from:to], sums name+name)"));
  config.split = "train+dev";
  EXPECT_THAT(error_with(config), HasSubstr("dataset.split: 'dev' is not a split of"));
  config = at(kCorpora + "jsonl/rows.jsonl");
  config.split = "test";
  EXPECT_THAT(error_with(config), EndsWith("rows.jsonl: it has train"));
  config = at(kCorpora + "sharded");
  config.name = "x";
  EXPECT_THAT(error_with(config), AllOf(HasSubstr("dataset.name: 'x' is not a config of"),
                                        EndsWith(": it has default")));
  config = at(kCorpora + "card");
  config.name = "x";
  EXPECT_THAT(error_with(config), EndsWith("card: it has big, small"));
  config.name = "small";
  config.split = "test";
  EXPECT_THAT(error_with(config), EndsWith("card: it has train"));
}

TEST(CorpusErrors, Cards) {
  const TestFolder folder;
  folder.write("a.jsonl", R"({"text":""})");
  const auto with_card = [&](const std::string& configs) {
    folder.write("README.md", "---\nconfigs:\n" + configs + "---\n");
    return error_with(at(folder.path().string()));
  };
  EXPECT_EQ(with_card("- config_name: a\n  data_files: a.jsonl\n"), "");
  EXPECT_THAT(with_card("- config_name: [\n"), HasSubstr("README.md: not readable as YAML"));
  EXPECT_THAT(with_card("- config_name: " + std::string(100000, '[') + "\n"),
              HasSubstr("README.md: "));
  EXPECT_THAT(with_card("  a: 1\n"), EndsWith("README.md: configs: expected a list"));
  EXPECT_THAT(with_card("- data_files: a.jsonl\n"), HasSubstr("with a string 'config_name'"));
  EXPECT_THAT(with_card("- config_name: a\n- config_name: a\n"), EndsWith("'a' occurs twice"));
  EXPECT_THAT(with_card("- config_name: a\n  data_files: {train: a.jsonl}\n"),
              EndsWith("config 'a': data_files: expected a path or a list of paths"));
  EXPECT_THAT(with_card("- config_name: a\n  data_files: ../a.jsonl\n"),
              EndsWith("config 'a': data_files: '../a.jsonl' leads out of the folder"));
  EXPECT_THAT(with_card("- config_name: a\n  data_files: hf://x/a.jsonl\n"),
              EndsWith("expected a path inside the folder, found 'hf://x/a.jsonl'"));
  EXPECT_THAT(with_card("- config_name: a\n  data_files: b.jsonl\n"),
              EndsWith("config 'a': data_files: 'b.jsonl' is not a file there"));
  EXPECT_THAT(with_card("- config_name: a\n  default: maybe\n"),
              EndsWith("default: expected true or false"));
  EXPECT_THAT(with_card("- config_name: a\n  field: rows\n"),
              EndsWith("config 'a': the option 'field' is not supported"));
  EXPECT_THAT(
      with_card("- config_name: a\n  data_files: [{split: x, path: a.jsonl}, {split: x, path: "
                "a.jsonl}]\n"),
      EndsWith("split 'x' occurs twice"));
  folder.write(".huggingface.yaml", "configs: [{config_name: b, data_files: '*.jsonl'}]");
  EXPECT_EQ(with_card("- config_name: [\n"), "");  // it wins over the README
}

TEST(CorpusErrors, OptionsOfOtherConfigs) {
  const TestFolder folder;
  folder.write("a.jsonl", R"({"text":""})");
  folder.write("README.md",
               "---\nconfigs:\n- config_name: a\n  data_files: a.jsonl\n- config_name: b\n"
               "  data_files: a.jsonl\n  field: rows\n---\n");
  CorpusConfig config = at(folder.path().string());
  config.name = "a";
  EXPECT_EQ(error_with(config), "");
  config.name = "b";
  EXPECT_THAT(error_with(config), EndsWith("config 'b': the option 'field' is not supported"));
}

TEST(CorpusErrors, Columns) {
  const std::string types = kCorpora + "types/all.parquet";
  EXPECT_EQ(
      error_with(with_columns(kCorpora + "sharded", "body")),
      kCorpora + "sharded/data/train-00000-of-00002.parquet: no column 'body': it has id, text");
  EXPECT_THAT(error_with(with_columns(kCorpora + "sharded", "text", "key")),
              EndsWith("no column 'key': it has id, text"));
  EXPECT_EQ(error_with(with_columns(types, "int64")),
            types + ": column 'int64': expected strings, found int64");
  EXPECT_EQ(error_with(with_columns(types, "text", "date")),
            types +
                ": column 'date': expected strings, numbers, booleans or binary as ids, found "
                "date32[day]");
  EXPECT_THAT(error_with(with_columns(types, "text", "list")),
              HasSubstr("column 'list': expected"));
  EXPECT_THAT(error_with(with_columns(kCorpora + "texts", "body")),
              EndsWith("a.txt: no column 'body': a text file has text"));
  EXPECT_THAT(error_with(with_columns(kCorpora + "texts", "text", "id")),
              EndsWith("a.txt: no column 'id': a text file has text"));
  EXPECT_THAT(error_with(with_columns(kCorpora + "array", "body")),
              EndsWith("list.json row 0: no column 'body': it has id, text, deep"));
}

TEST(CorpusErrors, CellsOfParquet) {
  const TestFolder folder;
  const std::string file = folder / "a.parquet";
  write_parquet(file, {"text"}, {strings({"a", std::nullopt})});
  EXPECT_EQ(error_with(at(file)),
            file + " row 1: column 'text': expected a string, found null" + kAdvice);
  write_parquet(file, {"text"}, {strings({"a", "b", "cd\xFF"})});
  EXPECT_EQ(
      error_with(at(file)),
      file + " row 2: column 'text': expected UTF-8, found the byte 0xff at offset 2" + kAdvice);
  write_parquet(file, {"text", "text"}, {strings({"a"}), strings({"b"})});
  EXPECT_EQ(error_with(at(file)), file + ": more than one column 'text': it has text, text");
  write_parquet(file, {"text", "id"},
                {strings({"a"}), array_of<arrow::DoubleBuilder, double>({1e30})});
  EXPECT_THAT(error_with(with_columns(file, "text", "id")),
              HasSubstr("a.parquet row 0: column 'id': "));
}

TEST(CorpusErrors, TypesThatDifferBetweenFiles) {
  const TestFolder folder;
  const auto integers = array_of<arrow::Int32Builder, int32_t>({1});
  const auto wide = array_of<arrow::Int64Builder, int64_t>({1});
  write_parquet(folder / "a.parquet", {"text", "id"}, {strings({"a"}), integers});
  write_parquet(folder / "b.parquet", {"text", "id"}, {strings({"b"}), wide});
  write_parquet(folder / "bb.parquet", {"text", "id"},
                {strings({"b"}), array_of<arrow::DoubleBuilder, double>({2})});
  EXPECT_EQ(error_with(with_columns(folder.path().string(), "text", "id")), "");
  write_parquet(folder / "c.parquet", {"text", "id"}, {strings({"c"}), strings({"1"})});
  EXPECT_EQ(error_with(with_columns(folder.path().string(), "text", "id")),
            (folder / "c.parquet").string() +
                ": column 'id': expected int32 as in a.parquet, found string");
  EXPECT_EQ(error_with(at(folder.path().string())), "");  // the column is not used
}

TEST(CorpusErrors, DamagedFiles) {
  const TestFolder folder;
  const std::string good = read_file(kCorpora + "groups/rows.parquet");
  const std::string parquet = folder.write("cut.parquet", good.substr(0, good.size() / 2));
  EXPECT_THAT(error_with(at(parquet)), HasSubstr(parquet + ": not readable as Parquet: "));
  folder.write("cut.parquet", "");
  EXPECT_THAT(error_with(at(parquet)), HasSubstr(parquet + ": not readable as Parquet: "));
  folder.write("cut.parquet", "not at all a Parquet file, just text");
  EXPECT_THAT(error_with(at(parquet)), HasSubstr(parquet + ": not readable as Parquet: "));
  const std::string lines = folder.write("a.jsonl", "{\"text\":\"a\"}\n{\"text\":\n");
  EXPECT_THAT(error_with(at(lines)), HasSubstr(lines + " line 2: not JSON: "));
  const std::string text = folder.write("a.txt", "abc\xC3(");
  EXPECT_EQ(error_with(at(text)),
            text + ": expected UTF-8, found the byte 0xc3 at offset 3" + kAdvice);
  for (const char* name : {"a.jsonl.gz", "b.jsonl.zst", "c.jsonl.bz2"}) {
    const std::string packed = read_file(kCorpora + "packed/" + name);
    const std::string cut = folder.write(name, packed.substr(0, packed.size() - 12));
    EXPECT_THAT(error_with(at(cut)), HasSubstr(cut + ": cannot be read, or is damaged: ")) << name;
    const std::string other = folder.write(name, "not packed at all");
    EXPECT_THAT(error_with(at(other)), HasSubstr(other + ": cannot be read, or is damaged: "));
  }
}

// As a user who is not root, who reads everything.
std::string error_without_rights(const CorpusConfig& config) {
  constexpr uid_t kNobody = 65534;
  const uid_t user = ::geteuid();
  if (user == 0 && ::seteuid(kNobody) != 0) return "cannot become another user";
  const std::string error = error_with(config);
  EXPECT_EQ(::seteuid(user), 0);
  return error;
}

TEST(CorpusErrors, UnreadableFilesAndFolders) {
  const TestFolder folder;
  const std::string file = folder.write("a/a.jsonl", R"({"text":""})");
  ::chmod(folder.path().c_str(), 0755);
  ::chmod(file.c_str(), 0);
  const std::string file_error = error_without_rights(at(file));
  ::chmod((folder / "a").c_str(), 0);
  const std::string folder_error = error_without_rights(at(folder.path().string()));
  const std::string inner_error = error_without_rights(at(file));
  ::chmod((folder / "a").c_str(), 0700);
  EXPECT_THAT(file_error, HasSubstr(file + ": cannot be opened: "));
  EXPECT_EQ(folder_error, folder.path().string() + ": cannot list the folder: Permission denied");
  EXPECT_EQ(inner_error, "dataset.path: " + file + ": Permission denied");
}

TEST(CorpusErrors, NegativeMaxSamples) {
  CorpusConfig config = at(kCorpora + "sharded");
  config.max_samples = -1;
  EXPECT_EQ(error_with(config), "dataset.max_samples: expected 0 or more, found -1");
}

}  // namespace
}  // namespace qk
