#include "capture/earlier_work.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "base/test_error.h"
#include "capture/resume.h"
#include "capture/test_run.h"
#include "dataset/journal_files.h"
#include "journal/test_blocks.h"

namespace qk {
namespace earlier_work_test {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr int64_t kRows = 5;
constexpr int64_t kHeads = 2;

// A folder of journals, and a run into it.
struct Folder {
  Folder() : run(test_run({"w1"})) {
    run.config.output.data_root = folder.path().string();
    options.warn = [this](const std::string& sentence) { warnings.push_back(sentence); };
    std::filesystem::create_directories(folder / ".qkscope");
  }

  // One block a document.
  std::filesystem::path write(const std::string& name, const JournalHeader& header,
                              const std::vector<int64_t>& documents) {
    const std::filesystem::path path = folder / ".qkscope" / name;
    JournalWriter writer = JournalWriter::create(path, to_text(header));
    for (const int64_t document : documents) {
      writer.append(random_block(document, {.rows = kRows}));
      writer.end_document({.document = document,
                           .example_id = 5000000000 + document,
                           .num_tokens = 1000,
                           .num_records = 1});
    }
    return path;
  }

  EarlierWork read() {
    const std::optional<JournalSet> journals = open_earlier_journals(context(), record);
    return earlier_work(journals.value(), context(), record);
  }
  RunContext context() { return {run, options, memory, pool, true, {}}; }

  TestFolder folder;
  PreparedRun run;
  RunOptions options;
  MemoryPlan memory;
  ThreadPool pool{1};
  RunRecord record = {R"({"a":1})", "{}"};
  std::vector<std::string> warnings;
};

TEST(EarlierWork, IsTheUnionOfTheJournals) {
  Folder folder;
  folder.write("journal", {folder.record.provenance, true}, {0, 1});
  folder.write("journal.a", {folder.record.provenance, false, Shard{1, 3}}, {4});
  folder.write("journal.b", {folder.record.provenance, false, Shard{2, 3}}, {2, 5});
  const EarlierWork work = folder.read();
  EXPECT_THAT(work.done, ElementsAre(0, 1, 2, 4, 5));
  EXPECT_TRUE(work.overwrite);
  EXPECT_EQ(work.num_shards, 0);  // one is of a whole run
  EXPECT_EQ(work.counts.num_documents, 5);
  EXPECT_EQ(work.counts.num_documents_before, 5);
  EXPECT_EQ(work.counts.num_tokens, 5000);
  EXPECT_EQ(work.counts.num_rows, 5 * kRows * kHeads);
  EXPECT_THAT(folder.warnings, IsEmpty());
}

// Of other shards of the same N it needs nothing; the rest may have documents of its own.
TEST(EarlierWork, AShardCountsItsOwnDocuments) {
  Folder folder;
  folder.write("journal", {folder.record.provenance, false}, {0, 1});
  folder.write("journal.a", {folder.record.provenance, false, Shard{0, 3}}, {6});
  folder.write("journal.b", {folder.record.provenance, false, Shard{1, 3}}, {4});
  folder.write("journal.c", {folder.record.provenance, false, Shard{3, 6}}, {9});
  folder.options.shard = Shard{1, 3};
  const EarlierWork work = folder.read();
  EXPECT_THAT(work.done, ElementsAre(0, 1, 4, 9));
  EXPECT_EQ(work.counts.num_documents, 2);
  EXPECT_EQ(work.counts.num_tokens_before, 2000);
  EXPECT_EQ(work.counts.num_rows, 2 * kRows * kHeads);
}

TEST(EarlierWork, KnowsTheNumberOfShards) {
  Folder folder;
  folder.write("journal.a", {folder.record.provenance, false, Shard{0, 3}}, {0});
  folder.write("journal.b", {folder.record.provenance, false, Shard{1, 3}}, {1});
  EXPECT_EQ(folder.read().num_shards, 3);
  folder.write("journal.c", {folder.record.provenance, false, Shard{1, 4}}, {5});
  EXPECT_EQ(folder.read().num_shards, 0);
}

TEST(EarlierWork, AJournalOfAnotherRunIsRefused) {
  Folder folder;
  folder.write("journal.a", {folder.record.provenance, false}, {0});
  folder.write("journal.b", {R"({"a":2})", false}, {1});
  EXPECT_EQ(error_of([&] { folder.read(); }),
            (folder.folder / ".qkscope" / "journal.b").string() +
                ": is the journal of another run: a was 2, now it is 1; --overwrite discards it");
}

// Damages the first document of a journal.
void damage(const std::filesystem::path& path) {
  std::string bytes = read_file(path);
  bytes[300] = static_cast<char>(bytes[300] ^ 1);
  put_file(path, bytes);
}

TEST(EarlierWork, DamageCostsWhatNoJournalHas) {
  Folder folder;
  damage(folder.write("journal.a", {folder.record.provenance, false}, {7, 3}));
  EXPECT_THAT(folder.read().done, ElementsAre(3));
  ASSERT_EQ(folder.warnings.size(), 1U);
  EXPECT_THAT(folder.warnings[0], HasSubstr("document 7 is computed again"));
  folder.write("journal.b", {folder.record.provenance, false}, {7});
  EXPECT_THAT(folder.read().done, ElementsAre(3, 7));
  EXPECT_THAT(folder.warnings[1], HasSubstr("have already been recomputed"));
}

// By --finish, and by a shard that has others.
TEST(EarlierWork, WhatIsNotComputedIsMissing) {
  Folder folder;
  damage(folder.write("journal.a", {folder.record.provenance, false}, {7, 3}));
  folder.options.finish = true;
  folder.read();
  EXPECT_THAT(folder.warnings.at(0), HasSubstr("document 7 is missing now"));
  folder.options.finish = false;
  folder.options.shard = Shard{0, 2};
  folder.read();
  EXPECT_THAT(folder.warnings.at(1), HasSubstr("document 7 is missing now"));
  folder.options.shard = Shard{1, 2};
  folder.read();
  EXPECT_THAT(folder.warnings.at(2), HasSubstr("document 7 is computed again"));
}

}  // namespace earlier_work_test
}  // namespace qk
