#include "dataset/dataset_writing.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "dataset/overwrite.h"
#include "journal/journal_index.h"
#include "journal/test_blocks.h"

namespace qk {
namespace dataset_writing_test {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::map<std::string, std::string> all_files(const fs::path& folder) {
  std::map<std::string, std::string> files;
  for (const auto& item : fs::recursive_directory_iterator(folder)) {
    if (!item.is_regular_file()) continue;
    files[fs::relative(item.path(), folder).string()] = read_file(item.path());
  }
  return files;
}

std::vector<BlockShape> shapes() {
  std::vector<BlockShape> all;
  for (int32_t layer = 0; layer < 4; ++layer) {
    all.push_back({.layer = layer, .heads = {0, 3}, .rows = 9, .tokens = true, .pre_rope = true});
    all.push_back({.layer = layer, .kind = Kind::kKey, .heads = {1}, .rows = 3 + layer});
  }
  return all;
}

// The journals of one run by three writers, a copy of a document among them, and what one process
// makes of them.
class Writing : public testing::Test {
 protected:
  Writing() {
    write_documents(folder_ / "a", {0, 4, 2}, shapes());
    write_documents(folder_ / "b", {3, 4}, shapes());
    write_documents(folder_ / "c", {1, 5, 6}, shapes());
    for (const char* name : {"a", "b", "c"}) {
      indexes_.push_back(encode_index(JournalReader(folder_ / name)));
    }
    options_.rows_per_group = 7;
    options_.document_names = {"one", "two", "three", "four", "five", "six", "seven"};
    options_.canaries = {
        {"l01h03q", "l01h01k", 11, 5, dot_of(1, 1, 11 - 9, 5 - 4)},
        {"l00h00q", "l00h01k", 0, 0, dot_of(0, 0, 0, 0)},
    };
  }

  // Of the last query head and the key head of shapes(), both rows of the same document.
  static double dot_of(int64_t document, int32_t layer, int64_t query_row, int64_t key_row) {
    const CaptureBlock queries = random_block(document, shapes()[static_cast<size_t>(2 * layer)]);
    const CaptureBlock keys = random_block(document, shapes()[static_cast<size_t>(2 * layer) + 1]);
    const int64_t rows = std::ssize(queries.positions);
    const int64_t head = layer == 0 ? 0 : 1;
    const std::span<const float> q(queries.vectors);
    const std::span<const float> k(keys.vectors);
    return canary_dot(q.subspan(static_cast<size_t>((head * rows + query_row) * 8), 8),
                      k.subspan(static_cast<size_t>(key_row * 8), 8));
  }

  JournalSet scanned() const { return JournalSet({folder_ / "a", folder_ / "b", folder_ / "c"}); }
  JournalSet indexed() const {
    std::vector<JournalReader> files;
    for (size_t i = 0; i < indexes_.size(); ++i) {
      files.emplace_back(folder_ / std::string(1, static_cast<char>('a' + i)), indexes_[i]);
    }
    return JournalSet(std::move(files));
  }
  // By one process that scanned.
  std::map<std::string, std::string> expected(DatasetSummary* summary = nullptr) {
    const DatasetSummary made = write_dataset(scanned(), folder_ / "alone", options_, pool_, {});
    if (summary != nullptr) *summary = made;
    return all_files(folder_ / "alone");
  }

  TestFolder folder_;
  std::vector<std::string> indexes_;
  DatasetOptions options_;
  ThreadPool pool_{2};
};

TEST_F(Writing, UnitsAreLayers) {
  const JournalSet journal = scanned();
  const DatasetWriting writing(journal, folder_ / "data", options_);
  ASSERT_EQ(writing.units().size(), 4U);
  EXPECT_EQ(writing.num_files(), 12);
  EXPECT_EQ(writing.units()[2].layer, 2);
  EXPECT_EQ(writing.units()[2].num_files(), 3U);
}

TEST_F(Writing, WritersInAnyOrderGiveTheBytesOfOne) {
  DatasetSummary alone;
  const auto files = expected(&alone);
  ASSERT_EQ(files.size(), 13U);
  std::mt19937 random(7);
  for (int round = 0; round < 3; ++round) {
    const fs::path data = folder_ / fmt::format("data{}", round);
    const JournalSet leaders = scanned();
    const JournalSet first_set = indexed();
    const JournalSet second_set = indexed();
    DatasetWriting leader(leaders, data, options_, "job.0.node1-1");
    DatasetWriting first(first_set, data, options_, "job.0.node1-2");
    DatasetWriting second(second_set, data, options_, "job.0.node2-1");
    leader.begin();
    std::vector<size_t> units = {0, 1, 2, 3};
    std::ranges::shuffle(units, random);
    std::vector<std::string> results(units.size());
    for (size_t i = 0; i < units.size(); ++i) {
      DatasetWriting& writer = i % 3 == 0 ? first : i % 3 == 1 ? second : leader;
      results[units[i]] = writer.write_unit(units[i], pool_);
    }
    EXPECT_FALSE(fs::exists(data / "l00h00q/data.parquet"));
    const DatasetSummary summary = leader.finish(results);
    EXPECT_EQ(all_files(data), files);
    EXPECT_EQ(summary.files, alone.files);
    EXPECT_EQ(summary.configs, alone.configs);
    EXPECT_EQ(summary.bucket_counts, alone.bucket_counts);
    EXPECT_EQ(summary.buckets, alone.buckets);
    EXPECT_EQ(summary.buckets, bucket_facts(leaders));
    EXPECT_EQ(summary.rows, alone.rows);
    EXPECT_EQ(summary.bytes, alone.bytes);
    EXPECT_EQ(summary.documents, alone.documents);
  }
}

// Both go on as if the other were dead; whichever result comes first counts.
TEST_F(Writing, UnitThatIsDoneTwiceAtTheSameTimeIsFine) {
  const auto files = expected();
  const JournalSet journal = indexed();
  DatasetWriting leader(journal, folder_ / "data", options_, "leader");
  DatasetWriting other(journal, folder_ / "data", options_, "other");
  ThreadPool other_pool(1);
  leader.begin();
  std::vector<std::string> results(4);
  std::string copy;
  // Between two files of one writer the other writes them all.
  results[1] = leader.write_unit(1, pool_, [&] {
    if (copy.empty()) copy = other.write_unit(1, other_pool);
  });
  EXPECT_NE(copy, results[1]);
  for (const size_t unit : {0, 2, 3}) results[unit] = other.write_unit(unit, other_pool);
  results[1] = copy;
  EXPECT_TRUE(fs::exists(folder_ / "data/l01h00q/data.parquet.leader.1.tmp"));
  leader.finish(results);
  EXPECT_EQ(all_files(folder_ / "data"), files);
}

// A writer that was thought dead writes on while the leader finishes.
TEST_F(Writing, LateWriterSpoilsNothing) {
  const auto files = expected();
  const JournalSet journal = indexed();
  DatasetWriting leader(journal, folder_ / "data", options_, "leader");
  DatasetWriting late(journal, folder_ / "data", options_, "late");
  ThreadPool late_pool(1);
  leader.begin();
  std::vector<std::string> results;
  for (size_t unit = 0; unit < 4; ++unit) results.push_back(leader.write_unit(unit, pool_));
  bool has_finished = false;
  const std::string result = late.write_unit(2, late_pool, [&] {
    if (!has_finished) leader.finish(results);
    has_finished = true;
  });
  EXPECT_NE(result, "") << "its later files were made after the others had been removed";
  late.remove_rest();
  EXPECT_EQ(all_files(folder_ / "data"), files);
}

TEST_F(Writing, SameWriterNeverWritesAFileTwice) {
  const auto files = expected();
  const JournalSet journal = indexed();
  DatasetWriting leader(journal, folder_ / "data", options_, "leader");
  DatasetWriting other(journal, folder_ / "data", options_, "other");
  leader.begin();
  std::vector<std::string> results;
  for (size_t unit = 0; unit < 4; ++unit) results.push_back(other.write_unit(unit, pool_));
  const std::string again = other.write_unit(0, pool_);
  EXPECT_NE(decode_unit_result(again, "").token, decode_unit_result(results[0], "").token);
  leader.finish(results);
  EXPECT_EQ(all_files(folder_ / "data"), files);
}

TEST_F(Writing, LeftoversOfKilledWritersGo) {
  const auto files = expected();
  const JournalSet journal = scanned();
  {
    DatasetWriting killed(journal, folder_ / "data", options_, "killed");
    fs::create_directories(folder_ / "data/l00h00q");
    put_file(folder_ / "data/l00h00q/data.parquet.dead.3.tmp", "torn");
    put_file(folder_ / "data/l00h00q/notes.tmp", "mine");
    killed.begin();
    EXPECT_FALSE(fs::exists(folder_ / "data/l00h00q/data.parquet.dead.3.tmp"));
    killed.write_unit(1, pool_);
    EXPECT_TRUE(fs::exists(folder_ / "data/l01h03q"));
  }
  EXPECT_FALSE(fs::exists(folder_ / "data/l01h03q"));
  EXPECT_EQ(read_file(folder_ / "data/l00h00q/notes.tmp"), "mine");
  fs::remove(folder_ / "data/l00h00q/notes.tmp");
  put_file(folder_ / "data/l00h00q/data.parquet.dead.3.tmp", "torn");
  write_dataset(journal, folder_ / "data", options_, pool_, {});
  EXPECT_EQ(all_files(folder_ / "data"), files);
  put_file(folder_ / "data/l00h00q/data.parquet.dead.3.tmp", "torn");
  remove_dataset(folder_ / "data", {});
  EXPECT_FALSE(fs::exists(folder_ / "data/l00h00q"));
}

TEST_F(Writing, FaultsOfCanariesTravel) {
  options_.canaries[0].dot += 1;
  const JournalSet journal = indexed();
  DatasetWriting leader(journal, folder_ / "data", options_, "leader");
  DatasetWriting other(journal, folder_ / "data", options_, "other");
  leader.begin();
  std::vector<std::string> results;
  for (size_t unit = 0; unit < 4; ++unit) results.push_back(other.write_unit(unit, pool_));
  EXPECT_THAT(error_of([&] { leader.finish(results); }),
              HasSubstr("canary: row 11 of l01h03q times row 5 of l01h01k gives "));
  EXPECT_FALSE(fs::exists(folder_ / "data/l00h00q/data.parquet"));
}

TEST_F(Writing, CanaryThatNoUnitHasIsAFault) {
  options_.canaries = {{"l09h00q", "l09h00k", 0, 0, 1}};
  const JournalSet journal = scanned();
  DatasetWriting leader(journal, folder_ / "data", options_, "leader");
  leader.begin();
  std::vector<std::string> results;
  for (size_t unit = 0; unit < 4; ++unit) results.push_back(leader.write_unit(unit, pool_));
  EXPECT_THAT(error_of([&] { leader.finish(results); }), HasSubstr("there is no such pair"));
}

// The index was right when it was made.
TEST_F(Writing, DamageAfterTheScanIsFoundByTheUnit) {
  const JournalReader reader(folder_ / "c");
  const JournalReader::Entry entry = entries_of(reader).back();
  std::string bytes = read_file(folder_ / "c");
  bytes[entry.offset + entry.bytes - 20] ^= 1;  // a vector of layer 3
  put_file(folder_ / "c", bytes);
  const JournalSet journal = indexed();
  DatasetWriting writer(journal, folder_ / "data", options_, "leader");
  writer.begin();
  EXPECT_NE(writer.write_unit(2, pool_), "");
  EXPECT_THAT(error_of([&] { writer.write_unit(3, pool_); }), HasSubstr("its checksum is wrong"));
}

TEST_F(Writing, BadResultsAreRefused) {
  const JournalSet journal = scanned();
  DatasetWriting leader(journal, folder_ / "data", options_, "leader");
  leader.begin();
  std::vector<std::string> results;
  for (size_t unit = 0; unit < 4; ++unit) results.push_back(leader.write_unit(unit, pool_));
  const auto with = [&](const std::string& text) {
    std::vector<std::string> changed = results;
    changed[2] = text;
    return error_of([&] { leader.finish(changed); });
  };
  const std::string where = (folder_ / "data").string() + ": layer 2: ";
  EXPECT_EQ(with(""), where + "the result of a writer is damaged");
  EXPECT_THAT(with("{}"), HasSubstr(where + "the result of a writer is damaged: "));
  EXPECT_THAT(with(R"({"token":"../x","heads":[],"buckets":[],"canaries":[]})"),
              HasSubstr("is damaged"));
  EXPECT_EQ(with(results[1]), where + "a writer wrote other files");
  UnitResult result = decode_unit_result(results[2], "");
  EXPECT_EQ(encode(result), results[2]);
  result.heads.pop_back();
  EXPECT_EQ(with(encode(result)), where + "a writer wrote other files");
  EXPECT_EQ(error_of([&] { leader.finish(results); }), "");
}

TEST_F(Writing, LeaderRefusesWhatOneProcessRefuses) {
  const JournalSet journal = scanned();
  fs::create_directories(folder_ / "data/l00h00q");
  put_file(folder_ / "data/l00h00q/data.parquet", "old");
  DatasetWriting leader(journal, folder_ / "data", options_, "leader");
  EXPECT_THAT(error_of([&] { leader.begin(); }), HasSubstr("exists already"));
  EXPECT_EQ(read_file(folder_ / "data/l00h00q/data.parquet"), "old");
}

}  // namespace dataset_writing_test
}  // namespace qk
