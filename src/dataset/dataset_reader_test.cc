#include "dataset/dataset_reader.h"

#include <arrow/api.h>
#include <arrow/io/file.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <parquet/arrow/reader.h>
#include <parquet/arrow/writer.h>

#include <cmath>
#include <limits>

#include "dataset/card.h"
#include "dataset/dataset_writer.h"
#include "dataset/document_table.h"
#include "dataset/head_inspection.h"
#include "dataset/overwrite.h"
#include "dataset/schema.h"
#include "journal/test_blocks.h"

namespace qk {
namespace dataset_reader_test {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::vector<BlockShape> shapes() {
  return {{.layer = 0, .kind = Kind::kQuery, .heads = {0, 3}, .tokens = true, .pre_rope = true},
          {.layer = 0, .kind = Kind::kKey, .heads = {1}, .rows = 3},
          {.layer = 12, .kind = Kind::kQuery, .heads = {2, 5}, .sliding_window = 128}};
}

void write_card(const TestFolder& folder, const DatasetSummary& summary) {
  CardInfo card;
  card.model = "org/Model";
  card.summary = summary;
  put_file(folder / "data/README.md", dataset_card(card));
}

// A finished dataset in folder/data.
void make_dataset(const TestFolder& folder, DatasetOptions options = {}) {
  write_journal(folder / "journal", 3, shapes());
  ThreadPool pool(2);
  options.footer = {{std::string(kFooterProvenance), R"({"model":{"name":"org/Model"}})"}};
  write_card(folder,
             write_dataset(JournalSet({folder / "journal"}), folder / "data", options, pool, {}));
}

DatasetInfo inspect(const fs::path& folder) {
  ThreadPool pool(2);
  return read_dataset(folder, pool);
}

// "file: what" of each problem, the folder's path left out.
std::vector<std::string> problems_of(const fs::path& folder) {
  std::vector<std::string> out;
  for (const DatasetProblem& problem : inspect(folder).problems) {
    out.push_back(fs::relative(problem.file, folder).string() + ": " + problem.what);
  }
  return out;
}

TEST(DatasetReader, TellsWhatADatasetHolds) {
  const TestFolder folder;
  make_dataset(folder);
  const DatasetInfo info = inspect(folder / "data");
  EXPECT_TRUE(info.problems.empty()) << info.problems[0].file << info.problems[0].what;
  EXPECT_TRUE(info.has_card);
  EXPECT_FALSE(info.has_journal);
  EXPECT_EQ(info.model, "org/Model");
  ASSERT_EQ(info.heads.size(), 5U);
  const HeadInfo& head = info.heads[1];
  EXPECT_EQ(head.head, (ConfigName{0, 3, Kind::kQuery}));
  EXPECT_EQ(info.heads[2].head, (ConfigName{0, 1, Kind::kKey}));
  EXPECT_EQ(head.rows, 15);
  EXPECT_EQ(head.row_groups, 1);
  EXPECT_EQ(head.bucket_counts, (std::map<int64_t, int64_t>{{0, 6}, {1, 6}, {2, 3}}));
  EXPECT_EQ(head.num_example_ids, 3);
  EXPECT_EQ(head.min_position, 0);
  EXPECT_EQ(head.max_position, 150);
  EXPECT_THAT(head.sliding_windows, ElementsAre(std::nullopt));
  EXPECT_THAT(info.heads[4].sliding_windows, ElementsAre(std::optional<int64_t>(128)));
  EXPECT_EQ(head.vector_dim, 8);
  EXPECT_EQ(head.vector_bytes, 2 * 15 * 8 * 4);
  EXPECT_GT(head.stored_vector_bytes, 0);
  EXPECT_TRUE(head.has_token_str);
  EXPECT_TRUE(head.has_pre_rope);
  EXPECT_EQ(head.vector_type, "list<element: float>");
  EXPECT_EQ(head.vector_encoding, "zstd, BYTE_STREAM_SPLIT");
  EXPECT_EQ(head.example_id_type, "int64");
  EXPECT_EQ(head.created_by, created_by());
  EXPECT_EQ(head.footer.at("qkscope.format"), "1");
  EXPECT_FALSE(head.footer.contains("ARROW:schema"));
  EXPECT_EQ(head.file_bytes,
            static_cast<int64_t>(fs::file_size(folder / "data/l00h03q/data.parquet")));
}

// The ids would take memory that the plan of a capture does not count.
TEST(DatasetReader, DocumentsOfBucketsAreCountedForReportsAlone) {
  const TestFolder folder;
  make_dataset(folder);
  EXPECT_EQ(inspect(folder / "data").heads[1].bucket_documents.counts().at(0), 3);
  HeadInfo checked;
  RowWatch watch;
  inspect_head_file(folder / "data/l00h03q/data.parquet", checked, watch);
  EXPECT_EQ(checked.rows, 15);
  EXPECT_THAT(checked.bucket_documents.counts(), testing::IsEmpty());
}

TEST(DatasetReader, ReadsTheReferenceLayout) {
  const TestFolder folder;
  DatasetOptions options;
  options.compat_reference = true;
  make_dataset(folder, options);
  const DatasetInfo info = inspect(folder / "data");
  EXPECT_TRUE(info.problems.empty());
  EXPECT_EQ(info.heads[0].vector_type, "fixed_size_list<element: float>[8]");
  EXPECT_EQ(info.heads[0].vector_encoding, "zstd, dictionary");
  EXPECT_EQ(info.heads[0].example_id_type, "int32");
  EXPECT_THAT(info.heads[4].sliding_windows, ElementsAre(std::optional<int64_t>(128)));
}

TEST(DatasetReader, WhatTheCardHasIsThere) {
  const TestFolder folder;
  DatasetOptions options;
  options.document_names = {"a", "b", "c"};
  make_dataset(folder, options);
  EXPECT_THAT(problems_of(folder / "data"), ElementsAre());
  fs::rename(folder / "data/documents.parquet", folder / "table");
  EXPECT_THAT(problems_of(folder / "data"),
              ElementsAre("documents.parquet: is missing, though the card has it"));
  write_document_table(folder / "data/documents.parquet", {}, {});
  EXPECT_THAT(problems_of(folder / "data"),
              ElementsAre("documents.parquet: has 0 rows, the card says 3"));
  fs::rename(folder / "table", folder / "data/documents.parquet");
  put_file(folder / "data/README.md", "hi");
  EXPECT_THAT(problems_of(folder / "data"), ElementsAre("README.md: is not the card of a dataset"));
  fs::remove(folder / "data/README.md");
  EXPECT_THAT(problems_of(folder / "data"),
              ElementsAre("README.md: is missing: the dataset is not finished"));
}

TEST(DatasetReader, SeveralFilesOfAHeadAreOne) {
  const TestFolder folder;
  write_journal(folder / "journal", 2, {{.heads = {0}}});
  ThreadPool pool(1);
  write_card(folder,
             write_dataset(JournalSet({folder / "journal"}), folder / "data", {}, pool, {}));
  fs::copy_file(folder / "data/l00h00q/data.parquet", folder / "data/l00h00q/more.parquet");
  const DatasetInfo info = inspect(folder / "data");
  EXPECT_TRUE(info.problems.empty());
  EXPECT_EQ(info.heads[0].files.size(), 2U);
  EXPECT_EQ(info.heads[0].rows, 20);
  EXPECT_EQ(info.heads[0].num_example_ids, 2);
}

TEST(DatasetReader, FolderWithoutADatasetIsRefused) {
  const TestFolder folder;
  EXPECT_EQ(error_of([&] { inspect(folder.path()); }),
            folder.path().string() + ": holds no dataset: it has no folder like l00h00q");
  EXPECT_THAT(error_of([&] { inspect(folder / "nowhere"); }),
              HasSubstr("nowhere: cannot be read: No such file or directory"));
  prepare_output_folder(folder.path(), Start::kNew);
  put_file(journal_path(folder.path()), "");
  EXPECT_THAT(error_of([&] { inspect(folder.path()); }),
              HasSubstr("only the journal of an unfinished run"));
}

TEST(DatasetReader, CutFileIsNamed) {
  const TestFolder folder;
  make_dataset(folder);
  const fs::path file = folder / "data/l00h03q/data.parquet";
  const std::string bytes = read_file(file);
  for (const size_t size : {size_t{0}, size_t{3}, bytes.size() / 2, bytes.size() - 1}) {
    put_file(file, std::string_view(bytes).substr(0, size));
    const std::vector<std::string> problems = problems_of(folder / "data");
    ASSERT_EQ(problems.size(), 1U) << size;
    EXPECT_THAT(problems[0], HasSubstr("l00h03q/data.parquet: ")) << size;
  }
}

std::shared_ptr<arrow::Table> read_table(const fs::path& path) {
  auto file = arrow::io::ReadableFile::Open(path.string()).ValueOrDie();
  auto reader = parquet::arrow::OpenFile(file, arrow::default_memory_pool()).ValueOrDie();
  std::shared_ptr<arrow::Table> table;
  EXPECT_TRUE(reader->ReadTable(&table).ok());
  return table;
}

// Page checksums find what the encodings would let pass. Page headers have none: a flip there is
// found too, or changes no value (a statistic, say).
TEST(DatasetReader, FlippedBitInThePagesIsFoundOrHarmless) {
  const TestFolder folder;
  make_dataset(folder);
  const fs::path file = folder / "data/l00h03q/data.parquet";
  const std::string bytes = read_file(file);
  const auto table = read_table(file);
  int num_found = 0;
  int num_tried = 0;
  for (size_t at = 4; at < bytes.size() / 3; at += 7) {
    std::string damaged = bytes;
    damaged[at] = static_cast<char>(damaged[at] ^ 4);
    put_file(file, damaged);
    ++num_tried;
    if (problems_of(folder / "data").size() == 1) {
      ++num_found;
    } else {
      EXPECT_TRUE(read_table(file)->Equals(*table)) << at;
    }
  }
  EXPECT_GT(num_found, num_tried * 3 / 4);
}

TEST(DatasetReader, WhatTheCardListsMustBeThere) {
  const TestFolder folder;
  make_dataset(folder);
  fs::rename(folder / "data/l12h05q", folder / "data/l12h06q");
  EXPECT_THAT(problems_of(folder / "data"),
              ElementsAre("l12h05q: is missing, though the card lists it",
                          "l12h06q: is not listed in the card"));
}

TEST(DatasetReader, LeftoversAreNamed) {
  const TestFolder folder;
  make_dataset(folder);
  put_file(folder / "data/l12h05q/data.parquet.tmp", "");
  fs::create_directories(folder / "data/.qkscope");
  put_file(journal_path(folder / "data"), "");
  fs::create_directories(folder / "data/l99h00q");
  EXPECT_THAT(problems_of(folder / "data"),
              ElementsAre(".qkscope/journal: was left by an unfinished run",
                          "l12h05q/data.parquet.tmp: was left by an interrupted run",
                          "l99h00q: holds no Parquet file", "l99h00q: is not listed in the card"));
}

TEST(DatasetReader, HeadsOfALayerMustHaveAsManyRows) {
  const TestFolder folder;
  make_dataset(folder);
  fs::copy_file(folder / "data/l12h02q/data.parquet", folder / "data/l00h03q/data.parquet",
                fs::copy_options::overwrite_existing);
  // The same number of rows and the same positions, other vectors and columns: rows agree.
  EXPECT_TRUE(problems_of(folder / "data").empty());
  fs::copy_file(folder / "data/l00h01k/data.parquet", folder / "data/l00h03q/data.parquet",
                fs::copy_options::overwrite_existing);
  EXPECT_THAT(problems_of(folder / "data"),
              ElementsAre("l00h03q/data.parquet: has 9 rows, l00h00q has 15"));
}

TEST(DatasetReader, HeadsOfALayerHaveTheSameRowsNotOnlyAsMany) {
  const TestFolder folder;
  write_documents(folder / "journal", {0, 1}, {{.heads = {0, 1}}});
  write_documents(folder / "other", {0, 2}, {{.heads = {0, 1}}});
  ThreadPool pool(2);
  write_card(folder,
             write_dataset(JournalSet({folder / "journal"}), folder / "data", {}, pool, {}));
  write_dataset(JournalSet({folder / "other"}), folder / "other_data", {}, pool, {});
  EXPECT_TRUE(problems_of(folder / "data").empty());
  fs::copy_file(folder / "other_data/l00h01q/data.parquet", folder / "data/l00h01q/data.parquet",
                fs::copy_options::overwrite_existing);
  EXPECT_THAT(problems_of(folder / "data"),
              ElementsAre("l00h01q/data.parquet: has other rows (bucket, example_id or position) "
                          "than l00h00q"));
}

// Files made by hand, one column each given.
class HandMade {
 public:
  HandMade() {
    add("bucket", numbers<arrow::Int32Builder>({0, 1}));
    add("example_id", numbers<arrow::Int64Builder>({7, 7}));
    add("position", numbers<arrow::Int32Builder>({5, 300}));
    add("vector", vectors({{1, 2}, {3, 4}}));
    add("sliding_window", std::make_shared<arrow::NullArray>(2));
  }
  void add(const std::string& name, std::shared_ptr<arrow::Array> array) {
    columns_[name] = std::move(array);
  }
  void remove(const std::string& name) { columns_.erase(name); }

  template <typename Builder>
  static std::shared_ptr<arrow::Array> numbers(const std::vector<std::optional<int64_t>>& values) {
    Builder builder;
    for (const auto& value : values) {
      const auto status = value ? builder.Append(static_cast<typename Builder::value_type>(*value))
                                : builder.AppendNull();
      EXPECT_TRUE(status.ok());
    }
    return builder.Finish().ValueOrDie();
  }
  static std::shared_ptr<arrow::Array> vectors(const std::vector<std::vector<float>>& rows) {
    auto values = std::make_shared<arrow::FloatBuilder>();
    arrow::ListBuilder builder(arrow::default_memory_pool(), values);
    for (const auto& row : rows) {
      EXPECT_TRUE(builder.Append().ok());
      EXPECT_TRUE(values->AppendValues(row).ok());
    }
    return builder.Finish().ValueOrDie();
  }

  // The problems found in a dataset with this one file.
  std::vector<std::string> problems(const std::string& writer = created_by()) const {
    const TestFolder folder;
    fs::create_directories(folder / "l00h00q");
    arrow::FieldVector fields;
    arrow::ArrayVector arrays;
    for (const auto& [name, array] : columns_) {
      fields.push_back(arrow::field(name, array->type()));
      arrays.push_back(array);
    }
    const auto table = arrow::Table::Make(arrow::schema(fields), arrays);
    const auto sink =
        arrow::io::FileOutputStream::Open((folder / "l00h00q/x.parquet").string()).ValueOrDie();
    const auto properties = parquet::WriterProperties::Builder().created_by(writer)->build();
    constexpr int64_t kGroupRows = 1024;
    EXPECT_TRUE(parquet::arrow::WriteTable(*table, arrow::default_memory_pool(), sink, kGroupRows,
                                           properties)
                    .ok());
    EXPECT_TRUE(sink->Close().ok());
    return problems_of(folder.path());
  }

 private:
  std::map<std::string, std::shared_ptr<arrow::Array>> columns_;
};

TEST(DatasetReader, HandMadeFileIsFine) { EXPECT_TRUE(HandMade().problems().empty()); }

TEST(DatasetReader, WrongColumnsAreNamed) {
  HandMade file;
  file.remove("position");
  EXPECT_THAT(file.problems(), ElementsAre("l00h00q/x.parquet: has no column position (or two)"));
  file = HandMade();
  file.add("extra", HandMade::numbers<arrow::Int32Builder>({1, 2}));
  EXPECT_THAT(file.problems(), ElementsAre("l00h00q/x.parquet: has an unknown column extra"));
  file = HandMade();
  file.add("bucket", HandMade::numbers<arrow::DoubleBuilder>({1, 2}));
  EXPECT_THAT(file.problems(), ElementsAre("l00h00q/x.parquet: column bucket has the type double"));
  file = HandMade();
  file.add("vector", HandMade::numbers<arrow::FloatBuilder>({1, 2}));
  EXPECT_THAT(file.problems(), ElementsAre("l00h00q/x.parquet: column vector has the type float"));
  file = HandMade();
  file.add("position", HandMade::numbers<arrow::Int32Builder>({1, std::nullopt}));
  EXPECT_THAT(file.problems(), ElementsAre("l00h00q/x.parquet: column position has null values"));
}

TEST(DatasetReader, WrongValuesAreNamed) {
  HandMade file;
  file.add("vector", HandMade::vectors({{1, 2}, {3}}));
  EXPECT_THAT(file.problems(),
              ElementsAre("l00h00q/x.parquet: row 1: a vector has 1 numbers, those before have 2"));
  for (const float bad : {std::nanf(""), std::numeric_limits<float>::infinity(),
                          -std::numeric_limits<float>::infinity()}) {
    file.add("vector", HandMade::vectors({{1, 2}, {3, bad}}));
    EXPECT_THAT(file.problems(), ElementsAre("l00h00q/x.parquet: row 1: a vector is not finite"));
  }
  file = HandMade();
  file.add("position", HandMade::numbers<arrow::Int32Builder>({1, -1}));
  EXPECT_THAT(file.problems(), ElementsAre("l00h00q/x.parquet: row 1: position -1 is negative"));
  file = HandMade();
  file.add("bucket", HandMade::numbers<arrow::Int64Builder>({0, int64_t{1} << 40}));
  EXPECT_THAT(file.problems(),
              ElementsAre("l00h00q/x.parquet: row 1: bucket 1099511627776 is out of range"));
}

TEST(DatasetReader, FilesOfOtherProgramsHaveTheColumnsThatAreAnalysed) {
  HandMade file;
  file.remove("sliding_window");
  file.remove("example_id");
  file.add("extra", HandMade::numbers<arrow::Int32Builder>({1, std::nullopt}));
  file.add("token_str", HandMade::numbers<arrow::Int32Builder>({1, std::nullopt}));
  file.add("bucket", HandMade::numbers<arrow::DoubleBuilder>({-1, 2}));
  EXPECT_THAT(file.problems("polars"), ElementsAre());
  file.add("example_id", HandMade::numbers<arrow::UInt64Builder>({0, -1}));
  file.add("bucket", HandMade::numbers<arrow::Int64Builder>({0, int64_t{1} << 40}));
  EXPECT_THAT(file.problems("polars"), ElementsAre());
  file.add("position", HandMade::numbers<arrow::Int32Builder>({1, std::nullopt}));
  EXPECT_THAT(file.problems("polars"),
              ElementsAre("l00h00q/x.parquet: row 1: column position: expected an integer, found "
                          "null"));
}

}  // namespace dataset_reader_test
}  // namespace qk
