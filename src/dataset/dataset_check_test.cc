#include "dataset/dataset_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "dataset/card.h"
#include "journal/journal.h"
#include "journal/test_blocks.h"

namespace qk {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::vector<BlockShape> shapes() {
  return {{.layer = 0, .kind = Kind::kQuery}, {.layer = 0, .kind = Kind::kKey, .heads = {0}}};
}

// A journal whose documents have canaries, as a run writes it; `off` is added to one product.
void write_journal_with_canaries(const fs::path& path, double off = 0,
                                 const std::vector<int64_t>& documents = {0, 1, 2}) {
  JournalWriter writer = JournalWriter::create(path, "{}");
  for (const int64_t document : documents) {
    const CaptureBlock queries = random_block(document, shapes()[0]);
    const CaptureBlock keys = random_block(document, shapes()[1]);
    writer.append(queries);
    writer.append(keys);
    const Canary canary = {
        .layer = 0, .query_head = 1, .key_head = 0, .query_row = 2, .key_row = 4};
    const auto vector = [](const CaptureBlock& block, size_t head, size_t row) {
      return std::span(block.vectors).subspan((head * 5 + row) * 8, 8);
    };
    DocumentEnd end{.document = document, .example_id = 5000000000 + document, .num_records = 2};
    end.canary = canary;
    end.canary.dot =
        canary_dot(vector(queries, 1, 2), vector(keys, 0, 4)) + (document == 1 ? off : 0);
    writer.end_document(end);
  }
}

// A finished dataset in folder / "data".
void write_dataset_with_card(const TestFolder& folder) {
  write_journal_with_canaries(folder / "journal");
  const JournalSet journal({folder / "journal"});
  ThreadPool pool(2);
  DatasetOptions options;
  options.canaries = canary_pairs(journal, 64);
  options.document_names = {"a", "b", "c"};
  CardInfo card;
  card.model = "tiny";
  card.summary = write_dataset(journal, folder / "data", options, pool, {});
  card.documents = count_documents(journal.documents(), false);
  write_file(folder / "data/README.md", dataset_card(card));
}

std::string problems_of(const TestFolder& folder) {
  ThreadPool pool(2);
  std::string out;
  for (const DatasetProblem& problem : check_dataset(folder / "data", pool).info.problems) {
    out += problem.file.lexically_relative(folder / "data").string() + ": " + problem.what + "\n";
  }
  return out;
}

void replace_in_card(const TestFolder& folder, std::string_view from, std::string_view to) {
  std::string card = read_file(folder / "data/README.md");
  const size_t at = card.find(from);
  ASSERT_NE(at, std::string::npos);
  card.replace(at, from.size(), to);
  put_file(folder / "data/README.md", card);
}

TEST(DatasetCheck, WholeDatasetHasNoProblem) {
  const TestFolder folder;
  write_dataset_with_card(folder);
  ThreadPool pool(2);
  const DatasetCheck check = check_dataset(folder / "data", pool);
  EXPECT_TRUE(check.info.problems.empty()) << problems_of(folder);
  EXPECT_EQ(check.num_digests, 4);
  ASSERT_EQ(check.info.documents->size(), 3U);
  EXPECT_EQ(check.info.documents->at(1), (DocumentRow{5000000001, "b", 0, false, 15}));
  EXPECT_EQ(check.num_canaries, 3);
  EXPECT_TRUE(check.counts_known);
}

TEST(DatasetCheck, AnyChangedByteIsFound) {
  const TestFolder folder;
  write_dataset_with_card(folder);
  const fs::path file = folder / "data/l00h01q/data.parquet";
  const std::string bytes = read_file(file);
  for (size_t at = 0; at < bytes.size(); at += 97) {
    std::string damaged = bytes;
    damaged[at] = static_cast<char>(damaged[at] ^ 4);
    put_file(file, damaged);
    EXPECT_THAT(problems_of(folder), HasSubstr("l00h01q/data.parquet: ")) << at;
  }
}

TEST(DatasetCheck, TableOfDocumentsIsCompared) {
  const TestFolder folder;
  write_dataset_with_card(folder);
  const fs::path path = folder / "data/documents.parquet";
  const std::string bytes = read_file(path);
  for (size_t at = 0; at < bytes.size(); at += 97) {
    std::string damaged = bytes;
    damaged[at] = static_cast<char>(damaged[at] ^ 4);
    put_file(path, damaged);
    EXPECT_THAT(problems_of(folder), HasSubstr("documents.parquet: ")) << at;
  }
  write_document_table(path, {{1, "a", 2, false, 44}}, {});
  EXPECT_THAT(problems_of(folder), HasSubstr("documents.parquet: says 44 rows in all, the heads "
                                             "have 45"));
  fs::remove(path);
  EXPECT_EQ(problems_of(folder), "documents.parquet: is missing, though the card has it\n");
  put_file(path, bytes);
  EXPECT_EQ(problems_of(folder), "");
  replace_in_card(folder, "| documents.parquet |", "| other |");
  EXPECT_EQ(problems_of(folder), "documents.parquet: is not in the card\n");
  put_file(folder / "data/documents.parquet.tmp", bytes);
  EXPECT_THAT(problems_of(folder),
              HasSubstr("documents.parquet.tmp: was left by an interrupted run"));
}

TEST(DatasetCheck, WhatTheCardSaysIsCompared) {
  const TestFolder folder;
  write_dataset_with_card(folder);
  const std::string card = read_file(folder / "data/README.md");
  const auto with = [&](std::string_view from, std::string_view to) {
    put_file(folder / "data/README.md", card);
    replace_in_card(folder, from, to);
    return problems_of(folder);
  };
  EXPECT_THAT(with("`captured_rows`: `45`", "`captured_rows`: `46`"),
              HasSubstr("README.md: says 46 rows, the files have 45"));
  EXPECT_THAT(with("`captured_configs`: `3`", "`captured_configs`: `4`"),
              HasSubstr("README.md: says 4 heads, there are 3"));
  EXPECT_THAT(with("`bucket_counts`: `b0=", "`bucket_counts`: `b0=1"),
              HasSubstr("rows in bucket 0"));
  EXPECT_THAT(with("| l00h01q/data.parquet | 15 |", "| l00h01q/data.parquet | 16 |"),
              HasSubstr("l00h01q/data.parquet: has 15 rows, the card says 16"));
  EXPECT_THAT(with("| l00h01q/data.parquet | 15 |", "| l00h07q/data.parquet | 15 |"),
              HasSubstr("l00h07q/data.parquet: is missing, though the card's table has it"));
  EXPECT_THAT(with("| l00h01q/data.parquet |", "| l00h1q/data.parquet |"),
              HasSubstr("README.md: a line of its tables cannot be read"));
  EXPECT_THAT(with("| l00h01q | 2 | l00h00k |", "| l00h01q | 3 | l00h00k |"),
              HasSubstr("canary: row 3 of l00h01q times row 4 of l00h00k gives "));
  EXPECT_THAT(with("| l00h01q | 2 | l00h00k |", "| l00h01q | 99 | l00h00k |"),
              HasSubstr("there is no such pair"));
  fs::remove(folder / "data/README.md");
  EXPECT_THAT(problems_of(folder), HasSubstr("README.md: is missing: the dataset is not finished"));
}

// The original's card has the counts without quotes, and a state file beside it.
TEST(DatasetCheck, CountsOfTheOriginalsFilesAreCompared) {
  const TestFolder folder;
  write_dataset_with_card(folder);
  put_file(folder / "data/README.md", "- `captured_rows`: `45`\n- `bucket_counts`: b0=1, b77=2\n");
  put_file(folder / "data/_saver_state.json", R"({"bucket_counts": {"0": 3}})");
  const std::string problems = problems_of(folder);
  EXPECT_THAT(problems, HasSubstr("README.md: says 1 rows in bucket 0, the files have "));
  EXPECT_THAT(problems, HasSubstr("README.md: says 2 rows in bucket 77, the files have 0"));
  EXPECT_THAT(problems, HasSubstr("_saver_state.json: says 3 rows in bucket 0, the files have "));
}

TEST(DatasetCheck, VectorThatChangedOnItsWayToTheFilesStopsTheWriting) {
  const TestFolder folder;
  write_journal_with_canaries(folder / "journal", 1e-9);
  const JournalSet journal({folder / "journal"});
  ThreadPool pool(2);
  DatasetOptions options;
  options.canaries = canary_pairs(journal, 64);
  EXPECT_THAT(error_of([&] { write_dataset(journal, folder / "data", options, pool, {}); }),
              HasSubstr("canary: row 7 of l00h01q times row 9 of l00h00k gives "));
  EXPECT_TRUE(fs::is_empty(folder / "data"));
}

TEST(DatasetCheck, CanariesAreSpreadOverTheDocuments) {
  const TestFolder folder;
  write_journal_with_canaries(folder / "journal", 0, {0, 1, 2, 3, 4, 5});
  const JournalSet journal({folder / "journal"});
  const auto query_rows = [&](int64_t most) {
    std::vector<int64_t> rows;
    for (const RowPair& pair : canary_pairs(journal, most)) rows.push_back(pair.query_row);
    return rows;
  };
  EXPECT_THAT(query_rows(3), ElementsAre(2, 12, 22));  // of the documents 0, 2, 4 of 5 rows each
  EXPECT_THAT(query_rows(1), ElementsAre(2));
  EXPECT_EQ(query_rows(64).size(), 6U);
}

TEST(DatasetCheck, CanariesOfSeveralJournalsAreThoseOfOne) {
  const TestFolder folder;
  write_journal_with_canaries(folder / "all", 0, {0, 1, 2, 3});
  write_journal_with_canaries(folder / "even", 0, {0, 2});
  write_journal_with_canaries(folder / "odd", 0, {1, 3});
  const std::vector<RowPair> pairs =
      canary_pairs(JournalSet({folder / "even", folder / "odd"}), 64);
  EXPECT_EQ(pairs, canary_pairs(JournalSet({folder / "all"}), 64));
  EXPECT_EQ(pairs.size(), 4U);
}

TEST(DatasetWriter, LostDocumentIsRefused) {
  const TestFolder folder;
  write_journal(folder / "journal", 3, shapes());
  std::string bytes = read_file(folder / "journal");
  bytes[200] = static_cast<char>(bytes[200] ^ 1);
  put_file(folder / "journal", bytes);
  ThreadPool pool(2);
  EXPECT_THAT(error_of([&] {
                write_dataset(JournalSet({folder / "journal"}), folder / "data", {}, pool, {});
              }),
              HasSubstr("document 0 is lost"));
}

TEST(DocumentCounts, AreCountedByOutcome) {
  const DocumentEnd ends[] = {
      {.document = 0, .example_id = 1, .num_tokens = 5, .truncated = true},
      {.document = 1, .example_id = 1, .num_tokens = 3},
      {.document = 2, .example_id = 1 + (int64_t{1} << 32), .num_tokens = 3},
      {.document = 3, .example_id = 4, .outcome = DocumentOutcome::kEmpty},
      {.document = 4, .example_id = 1, .outcome = DocumentOutcome::kNotUtf8},
      {.document = 5, .example_id = 1, .outcome = DocumentOutcome::kNotFinite}};
  const DocumentCounts counts = count_documents(ends, false);
  EXPECT_EQ(counts.all, 6);
  EXPECT_EQ(counts.tokens, 11);
  EXPECT_EQ(counts.truncated, 1);
  EXPECT_EQ(counts.empty, 1);
  EXPECT_EQ(counts.repeated_ids, 1);
  EXPECT_EQ(counts.skipped(), 2);
  EXPECT_EQ(count_documents(ends, true).repeated_ids, 2);  // the low 32 bits are the same
}

}  // namespace
}  // namespace qk
