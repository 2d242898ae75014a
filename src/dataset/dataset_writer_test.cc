#include "dataset/dataset_writer.h"

#include <arrow/api.h>
#include <arrow/io/file.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <parquet/arrow/reader.h>
#include <parquet/file_reader.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cerrno>
#include <cstring>

#include "dataset/schema.h"
#include "journal/test_blocks.h"

namespace qk {
namespace dataset_writer_test {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

DatasetSummary write(const fs::path& journal, const fs::path& folder,
                     const DatasetOptions& options = {}, int threads = 2) {
  ThreadPool pool(threads);
  return write_dataset(JournalSet({journal}), folder, options, pool, {});
}

std::shared_ptr<arrow::Table> read_table(const fs::path& path) {
  auto file = arrow::io::ReadableFile::Open(path.string()).ValueOrDie();
  auto reader = parquet::arrow::OpenFile(file, arrow::default_memory_pool()).ValueOrDie();
  std::shared_ptr<arrow::Table> table;
  const arrow::Status status = reader->ReadTable(&table);
  if (!status.ok()) ADD_FAILURE() << status.ToString();
  return table->CombineChunks().ValueOrDie();
}

std::shared_ptr<parquet::FileMetaData> read_footer(const fs::path& path) {
  return parquet::ParquetFileReader::OpenFile(path.string())->metadata();
}

template <typename ArrowArray>
auto values(const arrow::Table& table, const std::string& name) {
  using T = typename ArrowArray::value_type;
  const auto& array = static_cast<const ArrowArray&>(*table.GetColumnByName(name)->chunk(0));
  return std::vector<T>(array.raw_values(), array.raw_values() + array.length());
}

std::vector<float> vector_values(const arrow::Table& table, const std::string& name) {
  const auto& list = static_cast<const arrow::ListArray&>(*table.GetColumnByName(name)->chunk(0));
  const auto& floats = static_cast<const arrow::FloatArray&>(*list.values());
  return {floats.raw_values(), floats.raw_values() + floats.length()};
}

// Every file below the folder with its bytes.
std::map<std::string, std::string> all_files(const fs::path& folder) {
  std::map<std::string, std::string> files;
  for (const auto& item : fs::recursive_directory_iterator(folder)) {
    if (item.is_regular_file()) {
      files[fs::relative(item.path(), folder).string()] = read_file(item.path());
    }
  }
  return files;
}

std::vector<BlockShape> shapes() {
  return {{.layer = 0, .kind = Kind::kQuery, .heads = {0, 3}, .tokens = true, .pre_rope = true},
          {.layer = 0, .kind = Kind::kKey, .heads = {1}, .rows = 3, .sliding_window = 128}};
}

TEST(DatasetWriter, WritesOneFileForEachHead) {
  const TestFolder folder;
  write_journal(folder / "journal", 3, shapes());
  const DatasetSummary summary = write(folder / "journal", folder / "data");
  EXPECT_THAT(summary.configs, ElementsAre("l00h00q", "l00h01k", "l00h03q"));
  EXPECT_EQ(summary.rows, 3 * (5 + 5 + 3));
  const auto files = all_files(folder / "data");
  ASSERT_EQ(files.size(), 3U);
  int64_t bytes = 0;
  for (const auto& [name, content] : files) bytes += static_cast<int64_t>(content.size());
  EXPECT_EQ(summary.bytes, bytes);
  EXPECT_TRUE(files.contains("l00h03q/data.parquet"));
  // Positions 0, 37, 74, 111, 148 (+ 0..2) in buckets of 64.
  EXPECT_EQ(summary.bucket_counts, (std::map<int32_t, int64_t>{{0, 18}, {1, 15}, {2, 6}}));
}

TEST(DatasetWriter, ColumnsHoldTheRowsInDocumentOrder) {
  const TestFolder folder;
  write_journal(folder / "journal", 2, shapes());
  write(folder / "journal", folder / "data");
  const auto table = read_table(folder / "data/l00h03q/data.parquet");
  EXPECT_EQ(table->schema()->ToString(),
            "bucket: int32\nexample_id: int64\nposition: int32\nvector: list<element: float>\n"
            "sliding_window: int32\ntoken_str: string\n"
            "vector_pre_rope: list<element: float>");
  EXPECT_THAT(values<arrow::Int32Array>(*table, "bucket"),
              ElementsAre(0, 0, 1, 1, 2, 0, 0, 1, 1, 2));
  EXPECT_THAT(values<arrow::Int32Array>(*table, "position"),
              ElementsAre(0, 37, 74, 111, 148, 1, 38, 75, 112, 149));
  EXPECT_THAT(values<arrow::Int64Array>(*table, "example_id"),
              ElementsAre(5000000000, 5000000000, 5000000000, 5000000000, 5000000000, 5000000001,
                          5000000001, 5000000001, 5000000001, 5000000001));
  EXPECT_EQ(table->GetColumnByName("sliding_window")->null_count(), 10);
  const auto& tokens =
      static_cast<const arrow::StringArray&>(*table->GetColumnByName("token_str")->chunk(0));
  EXPECT_EQ(tokens.GetString(9), "t\u00e94");
  std::vector<float> expected;
  std::vector<float> expected_pre_rope;
  for (int64_t document : {0, 1}) {  // the second of two heads: rows 5 * 8 on
    const CaptureBlock block = random_block(document, shapes()[0]);
    expected.insert(expected.end(), block.vectors.begin() + 40, block.vectors.end());
    expected_pre_rope.insert(expected_pre_rope.end(), block.vectors_pre_rope.begin() + 40,
                             block.vectors_pre_rope.end());
  }
  EXPECT_EQ(vector_values(*table, "vector"), expected);
  EXPECT_EQ(vector_values(*table, "vector_pre_rope"), expected_pre_rope);
  const auto keys = read_table(folder / "data/l00h01k/data.parquet");
  EXPECT_EQ(keys->num_columns(), 5);
  EXPECT_THAT(values<arrow::Int32Array>(*keys, "sliding_window"),
              ElementsAre(128, 128, 128, 128, 128, 128));
}

TEST(DatasetWriter, RowGroupsBoundTheMemoryAndKeepTheRows) {
  const TestFolder folder;
  write_journal(folder / "journal", 7, {{.rows = 5}});
  write(folder / "journal", folder / "one");
  DatasetOptions options;
  options.rows_per_group = 8;
  write(folder / "journal", folder / "many", options);
  const fs::path file = "l00h00q/data.parquet";
  EXPECT_EQ(read_footer(folder.path() / "one" / file)->num_row_groups(), 1);
  EXPECT_EQ(read_footer(folder.path() / "many" / file)->num_row_groups(), 5);
  EXPECT_TRUE(
      read_table(folder.path() / "one" / file)->Equals(*read_table(folder.path() / "many" / file)));
}

TEST(DatasetWriter, FooterHasTheFormatTheGivenPairsAndOurName) {
  const TestFolder folder;
  write_journal(folder / "journal", 1, shapes());
  DatasetOptions options;
  options.footer = {{"qkscope.provenance", R"({"seed":0})"}, {"a", "b"}};
  write(folder / "journal", folder / "data", options);
  const auto footer = read_footer(folder / "data/l00h03q/data.parquet");
  EXPECT_EQ(footer->created_by(), created_by());
  const auto& pairs = *footer->key_value_metadata();
  EXPECT_EQ(pairs.Get("qkscope.format").ValueOrDie(), "1");
  EXPECT_EQ(pairs.Get("qkscope.provenance").ValueOrDie(), R"({"seed":0})");
  EXPECT_EQ(pairs.Get("a").ValueOrDie(), "b");
  EXPECT_TRUE(pairs.Contains("ARROW:schema"));
}

TEST(DatasetWriter, VectorsAreSplitByBytesWithoutDictionaryOrStatistics) {
  const TestFolder folder;
  write_journal(folder / "journal", 1, shapes());
  write(folder / "journal", folder / "data");
  const auto footer = read_footer(folder / "data/l00h03q/data.parquet");
  const auto group = footer->RowGroup(0);
  for (const int column : {3, 6}) {
    const auto chunk = group->ColumnChunk(column);
    EXPECT_FALSE(chunk->has_dictionary_page());
    EXPECT_FALSE(chunk->is_stats_set());
    EXPECT_EQ(chunk->compression(), arrow::Compression::ZSTD);
    EXPECT_THAT(chunk->encodings(), ::testing::Contains(parquet::Encoding::BYTE_STREAM_SPLIT));
  }
  EXPECT_TRUE(group->ColumnChunk(0)->is_stats_set());
}

TEST(DatasetWriter, ReferenceLayoutHasTheOriginalsTypes) {
  const TestFolder folder;
  write_journal(folder / "journal", 1, shapes());
  DatasetOptions options;
  options.compat_reference = true;
  write(folder / "journal", folder / "data", options);
  EXPECT_EQ(read_table(folder / "data/l00h00q/data.parquet")->schema()->ToString(),
            "bucket: int32\nexample_id: int32\nposition: int32\n"
            "vector: fixed_size_list<element: float>[8]\n"
            "sliding_window: null\ntoken_str: string\n"
            "vector_pre_rope: fixed_size_list<element: float>[8]");
  const auto keys = read_table(folder / "data/l00h01k/data.parquet");
  EXPECT_THAT(values<arrow::Int64Array>(*keys, "sliding_window"), ElementsAre(128, 128, 128));
  // 5000000000 = 0x12A05F200: its low 32 bits, as a signed number.
  EXPECT_EQ(values<arrow::Int32Array>(*keys, "example_id")[0], 0x2A05F200);
}

TEST(DatasetWriter, SameJournalGivesTheSameBytesWhateverTheThreads) {
  const TestFolder folder;
  std::vector<BlockShape> many = shapes();
  for (int32_t layer = 1; layer < 6; ++layer) {
    many.push_back({.layer = layer, .heads = {0, 1, 2}, .rows = 50, .head_dim = 16});
  }
  write_journal(folder / "journal", 4, many);
  write(folder / "journal", folder / "a", {}, 1);
  write(folder / "journal", folder / "b", {}, 1);
  write(folder / "journal", folder / "c", {}, 2);
  write(folder / "journal", folder / "d", {}, 5);
  const auto files = all_files(folder / "a");
  EXPECT_EQ(files.size(), 18U);
  EXPECT_EQ(files, all_files(folder / "b"));
  EXPECT_EQ(files, all_files(folder / "c"));
  EXPECT_EQ(files, all_files(folder / "d"));
}

TEST(DatasetWriter, SeveralJournalsGiveTheFilesOfOne) {
  const TestFolder folder;
  write_journal(folder / "all", 9, shapes());
  write_documents(folder / "first", {1, 2, 4, 8}, shapes());
  write_documents(folder / "second", {0, 3}, shapes());
  write_documents(folder / "third", {5, 6, 7}, shapes());
  DatasetOptions options;
  options.rows_per_group = 7;
  write(folder / "all", folder / "a", options);
  ThreadPool pool(2);
  const JournalSet set({folder / "first", folder / "second", folder / "third"});
  write_dataset(set, folder / "b", options, pool, {});
  EXPECT_FALSE(all_files(folder / "a").empty());
  EXPECT_EQ(all_files(folder / "a"), all_files(folder / "b"));
}

TEST(DatasetWriter, HeadWithoutRowsGetsNoFolder) {
  const TestFolder folder;
  write_journal(folder / "journal", 2, {{.layer = 0}, {.layer = 1, .rows = 0}});
  const DatasetSummary summary = write(folder / "journal", folder / "data");
  EXPECT_THAT(summary.configs, ElementsAre("l00h00q", "l00h01q"));
  EXPECT_FALSE(fs::exists(folder / "data/l01h00q"));
}

TEST(DatasetWriter, ProgressCountsFiles) {
  const TestFolder folder;
  write_journal(folder / "journal", 1, shapes());
  std::vector<std::pair<int64_t, int64_t>> calls;
  ThreadPool pool(2);
  write_dataset(JournalSet({folder / "journal"}), folder / "data", {}, pool,
                [&](int64_t done, int64_t total) { calls.emplace_back(done, total); });
  EXPECT_THAT(calls, ElementsAre(std::pair(1, 3), std::pair(2, 3), std::pair(3, 3)));
}

TEST(DatasetWriter, StoppedWritingLeavesNothing) {
  const TestFolder folder;
  write_journal(folder / "journal", 1, shapes());
  ThreadPool pool(2);
  EXPECT_EQ(error_of([&] {
              write_dataset(JournalSet({folder / "journal"}), folder / "data", {}, pool,
                            [](int64_t, int64_t) { fail("stop"); });
            }),
            "stop");
  EXPECT_TRUE(fs::is_empty(folder / "data"));
}

TEST(DatasetWriter, RecordsThatContradictEachOtherAreRefused) {
  const TestFolder folder;
  JournalWriter writer = JournalWriter::create(folder / "journal", "");
  writer.append(random_block(0, {.head_dim = 8}));
  writer.end_document({.document = 0, .num_records = 1});
  writer.append(random_block(1, {.head_dim = 16}));
  writer.end_document({.document = 1, .num_records = 1});
  EXPECT_THAT(error_of([&] { write(folder / "journal", folder / "data"); }),
              HasSubstr("documents 0 and 1 differ in the head_dim of layer 0, queries"));
}

TEST(DatasetWriter, TokenStringThatIsNotUtf8IsRefused) {
  const TestFolder folder;
  JournalWriter writer = JournalWriter::create(folder / "journal", "");
  CaptureBlock block = random_block(0, {.tokens = true});
  block.tokens[2] = "\xFF";
  writer.append(block);
  writer.end_document({.document = 0, .num_records = 1});
  EXPECT_THAT(error_of([&] { write(folder / "journal", folder / "data"); }),
              HasSubstr("a token string of document 0 in layer 0 is not UTF-8"));
}

TEST(DatasetWriter, ExistingDatasetStaysWithoutOverwrite) {
  const TestFolder folder;
  write_journal(folder / "journal", 1, shapes());
  write(folder / "journal", folder / "data");
  const auto before = all_files(folder / "data");
  EXPECT_THAT(error_of([&] { write(folder / "journal", folder / "data"); }),
              HasSubstr("l00h00q/data.parquet: exists already"));
  EXPECT_EQ(all_files(folder / "data"), before);
}

TEST(DatasetWriter, OverwriteReplacesTheWholeDataset) {
  const TestFolder folder;
  write_journal(folder / "old", 1, {{.layer = 0}, {.layer = 7}});
  write_journal(folder / "new", 2, {{.layer = 0}});
  write(folder / "old", folder / "data");
  put_file(folder / "data/README.md", "- `captured_rows`: `1`\n");
  put_file(folder / "data/notes.txt", "mine");
  put_file(folder / "data/l07h00q/notes.txt", "mine too");
  DatasetOptions options;
  options.overwrite = true;
  write(folder / "new", folder / "data", options);
  const auto files = all_files(folder / "data");
  ASSERT_EQ(files.size(), 4U);
  EXPECT_EQ(files.at("notes.txt"), "mine");
  EXPECT_EQ(files.at("l07h00q/notes.txt"), "mine too");
  EXPECT_FALSE(fs::exists(folder / "data/l07h01q"));
  EXPECT_EQ(read_table(folder / "data/l00h00q/data.parquet")->num_rows(), 10);
}

TEST(DatasetWriter, FailedOverwriteKeepsTheOldDataset) {
  const TestFolder folder;
  write_journal(folder / "old", 1, {{.layer = 0}, {.layer = 7}});
  write_journal(folder / "new", 2, {{.layer = 0}, {.layer = 8}});
  write(folder / "old", folder / "data");
  put_file(folder / "data/README.md", "- `captured_rows`: `1`\n");
  const auto before = all_files(folder / "data");
  DatasetOptions options;
  options.overwrite = true;
  ThreadPool pool(2);
  error_of([&] {
    write_dataset(JournalSet({folder / "new"}), folder / "data", options, pool,
                  [](int64_t done, int64_t) {
                    if (done == 3) fail("stop");
                  });
  });
  EXPECT_EQ(all_files(folder / "data"), before);
  EXPECT_FALSE(fs::exists(folder / "data/l08h00q"));
}

TEST(DatasetWriter, SymbolicLinksAreNotFollowed) {
  const TestFolder folder;
  write_journal(folder / "journal", 1, {{.layer = 0, .heads = {0}}});
  fs::create_directories(folder / "data");
  fs::create_directories(folder / "elsewhere");
  fs::create_directory_symlink(folder / "elsewhere", folder / "data/l00h00q");
  EXPECT_THAT(error_of([&] { write(folder / "journal", folder / "data"); }),
              HasSubstr("l00h00q: is a symbolic link"));
  EXPECT_TRUE(fs::is_empty(folder / "elsewhere"));
  // A link in the place of a file is replaced, and what it points to stays.
  fs::remove(folder / "data/l00h00q");
  fs::create_directories(folder / "data/l00h00q");
  put_file(folder / "precious", "bytes");
  fs::create_symlink(folder / "precious", folder / "data/l00h00q/data.parquet.tmp");
  fs::create_symlink(folder / "precious", folder / "data/l00h00q/data.parquet");
  DatasetOptions options;
  options.overwrite = true;
  write(folder / "journal", folder / "data", options);
  EXPECT_EQ(read_file(folder / "precious"), "bytes");
  EXPECT_FALSE(fs::is_symlink(folder / "data/l00h00q/data.parquet"));
}

// A tmpfs of a few pages on the folder; false if this process may not mount.
class SmallDisk {
 public:
  SmallDisk(fs::path path, const char* options) : path_(std::move(path)) {
    fs::create_directories(path_);
    mounted_ = ::mount("tmpfs", path_.c_str(), "tmpfs", 0, options) == 0;
  }
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;
  ~SmallDisk() {
    if (mounted_) ::umount2(path_.c_str(), MNT_DETACH);
  }
  bool mounted() const { return mounted_; }

 private:
  fs::path path_;
  bool mounted_ = false;
};

TEST(FullDisk, DatasetSaysSoAndLeavesNothing) {
  const TestFolder folder;
  const SmallDisk disk(folder / "disk", "size=64k");
  if (!disk.mounted()) GTEST_SKIP() << "this process may not mount a tmpfs";
  write_journal(folder / "journal", 4, {{.heads = {0, 1, 2, 3}, .rows = 200, .head_dim = 64}});
  const std::string message = error_of([&] { write(folder / "journal", folder / "disk/data"); });
  EXPECT_THAT(message, HasSubstr("data.parquet.tmp: cannot be written: No space left on device"));
  EXPECT_TRUE(fs::is_empty(folder / "disk/data"));
}

TEST(FullDisk, JournalStaysValid) {
  const TestFolder folder;
  const SmallDisk disk(folder / "disk", "size=64k");
  if (!disk.mounted()) GTEST_SKIP() << "this process may not mount a tmpfs";
  const fs::path path = folder / "disk/journal";
  JournalWriter writer = JournalWriter::create(path, "{}");
  int64_t document = 0;
  const std::string message = error_of([&] {
    for (; document < 100; ++document) {
      writer.append(random_block(document, {.rows = 100, .head_dim = 16}));
      writer.end_document({.document = document, .num_records = 1});
    }
  });
  EXPECT_THAT(message, HasSubstr("journal: cannot be written: No space left on device"));
  const JournalReader reader(path);
  EXPECT_FALSE(reader.torn());
  EXPECT_EQ(static_cast<int64_t>(reader.documents().size()), document);
}

}  // namespace dataset_writer_test
}  // namespace qk
