// Several journals read as one.
#include "journal/journal_set.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "journal/test_blocks.h"

namespace qk {
namespace {

using ::testing::ElementsAre;

std::vector<BlockShape> shapes() {
  return {{.layer = 0, .tokens = true, .pre_rope = true}, {.layer = 0, .kind = Kind::kKey}};
}

std::vector<int64_t> numbers_of(const std::vector<DocumentEnd>& documents) {
  std::vector<int64_t> numbers;
  for (const DocumentEnd& end : documents) numbers.push_back(end.document);
  return numbers;
}

// Everything of a record, as one value.
struct Contents {
  int64_t document = 0, example_id = 0;
  std::vector<int32_t> buckets = {}, positions = {};
  std::vector<std::string> tokens = {};
  std::vector<float> vectors = {}, vectors_pre_rope = {};
  bool operator==(const Contents&) const = default;
};

std::vector<Contents> contents_of(const JournalSet& set) {
  std::vector<Contents> all;
  for (const JournalSet::Group& group : set.groups()) {
    for (const JournalSet::Record& record : group.records) {
      const JournalSet::Entry entry = set.entry(record);
      const JournalSet::Columns columns = set.columns(entry);
      Contents out{.document = entry.document, .example_id = entry.example_id};
      out.buckets.assign(columns.buckets.begin(), columns.buckets.end());
      out.positions.assign(columns.positions.begin(), columns.positions.end());
      out.tokens.assign(columns.tokens.begin(), columns.tokens.end());
      for (size_t head_idx = 0; head_idx < entry.heads.size(); ++head_idx) {
        std::ranges::copy(set.vectors(entry, head_idx), std::back_inserter(out.vectors));
        std::ranges::copy(set.vectors_pre_rope(entry, head_idx),
                          std::back_inserter(out.vectors_pre_rope));
      }
      all.push_back(std::move(out));
    }
  }
  return all;
}

TEST(JournalSet, SeveralFilesReadAsOne) {
  const TestFolder folder;
  write_journal(folder / "all", 6, shapes());
  write_documents(folder / "a", {0, 3, 4}, shapes());
  write_documents(folder / "b", {5, 1, 2}, shapes());
  const JournalSet set({folder / "a", folder / "b"});
  EXPECT_THAT(numbers_of(set.documents()), ElementsAre(0, 1, 2, 3, 4, 5));
  EXPECT_EQ(set.documents()[1].example_id, 5000000001);
  EXPECT_EQ(set.file_index(4), 0U);
  EXPECT_EQ(set.file_of(5).path(), folder / "b");
  const std::vector<Contents> contents = contents_of(set);
  EXPECT_EQ(contents.size(), 12U);
  EXPECT_EQ(contents, contents_of(JournalSet({folder / "all"})));
  EXPECT_EQ(set.name(), (folder / "a").string() + ", " + (folder / "b").string());
}

TEST(JournalSet, VectorsAreThoseOfTheFile) {
  const TestFolder folder;
  write_documents(folder / "a", {0}, shapes());
  write_documents(folder / "b", {1}, shapes());
  const JournalSet set({folder / "a", folder / "b"});
  const JournalSet::Entry entry = set.entry(set.groups().front().records.back());
  ASSERT_EQ(entry.document, 1);
  const std::span<const float> vectors = set.vectors(entry, 0);
  const std::span<const float> vectors_pre_rope = set.vectors_pre_rope(entry, 0);
  EXPECT_FALSE(vectors.empty());
  EXPECT_EQ(vectors.data(), set.file_of(1).vectors(entry, 0).data());
  EXPECT_FALSE(vectors_pre_rope.empty());
  EXPECT_EQ(vectors_pre_rope.data(), set.file_of(1).vectors_pre_rope(entry, 0).data());
}

TEST(JournalSet, FilesMayHaveOtherLayersAndHeads) {
  const TestFolder folder;
  write_documents(folder / "a", {0}, {{.layer = 1, .heads = {0, 2}}});
  write_documents(folder / "b", {1}, {{.layer = 0}, {.layer = 1, .heads = {1, 2}}});
  const JournalSet set({folder / "a", folder / "b"});
  ASSERT_EQ(set.groups().size(), 2U);
  EXPECT_EQ(set.groups()[0].layer, 0);
  EXPECT_THAT(set.groups()[1].heads, ElementsAre(0, 1, 2));
  EXPECT_EQ(set.groups()[1].records.size(), 2U);
}

TEST(JournalSet, OneFileIsNotCopied) {
  const TestFolder folder;
  write_journal(folder / "journal", 2, shapes());
  const JournalSet set({folder / "journal"});
  EXPECT_EQ(&set.documents(), &set.files().front().documents());
  EXPECT_EQ(&set.groups(), &set.files().front().groups());
  EXPECT_EQ(set.name(), (folder / "journal").string());
}

TEST(JournalSet, EqualCopiesCountOnce) {
  const TestFolder folder;
  write_journal(folder / "all", 4, shapes());
  write_documents(folder / "a", {0, 3}, shapes());
  write_documents(folder / "b", {3, 1, 0}, shapes());
  write_documents(folder / "c", {2, 3}, shapes());
  const JournalSet set({folder / "a", folder / "b", folder / "c"});
  EXPECT_THAT(numbers_of(set.documents()), ElementsAre(0, 1, 2, 3));
  EXPECT_EQ(set.file_index(3), 0U);
  EXPECT_EQ(set.file_index(1), 1U);
  EXPECT_EQ(set.num_copies(), 3);
  EXPECT_EQ(contents_of(set), contents_of(JournalSet({folder / "all"})));
}

// A journal of document 7 that is like others but for what `change` does.
template <typename F>
void write_changed(const std::filesystem::path& path, const F& change) {
  std::vector<CaptureBlock> blocks;
  for (const BlockShape& shape : shapes()) blocks.push_back(random_block(7, shape));
  DocumentEnd end = {.document = 7, .example_id = 5000000007, .num_tokens = 1000};
  change(blocks, end);
  end.num_records = std::ssize(blocks);
  JournalWriter writer = JournalWriter::create(path, "{}");
  for (const CaptureBlock& block : blocks) writer.append(block);
  writer.end_document(end);
}

TEST(JournalSet, CopiesThatDifferAreRefused) {
  const TestFolder folder;
  write_documents(folder / "a", {0, 7}, shapes());
  const auto difference = [&](const auto& change) {
    std::filesystem::remove(folder / "b");
    write_changed(folder / "b", change);
    return error_of([&] { JournalSet({folder / "a", folder / "b"}); });
  };
  const auto sentence = [&](const std::string& what) {
    return (folder / "b").string() + ": document 7 is not the same in " + (folder / "a").string() +
           ": " + what +
           " differ; one of the two was computed by another program or on faulty hardware: remove "
           "that journal and start again";
  };
  EXPECT_EQ(difference([](auto&, auto&) {}), "");
  EXPECT_EQ(difference([](auto& blocks, auto&) { blocks[1].vectors[3] += 1; }),
            sentence("keys of layer 0"));
  EXPECT_EQ(difference([](auto& blocks, auto&) { blocks[0].tokens[0] = "t2"; }),
            sentence("queries of layer 0"));
  EXPECT_EQ(difference([](auto& blocks, auto&) { blocks[1].layer = 1; }),
            sentence("keys of layer 0"));
  EXPECT_EQ(difference([](auto&, auto& end) { end.num_tokens = 999; }),
            sentence("its counts or its canary"));
  EXPECT_EQ(difference([](auto&, auto& end) { end.canary = {.layer = 0, .dot = 1}; }),
            sentence("its counts or its canary"));
  EXPECT_EQ(
      difference([](auto& blocks, auto&) { blocks.push_back(random_block(7, {.layer = 5})); }),
      sentence("its counts or its canary"));
}

TEST(JournalSet, IntactCopyStandsInForADamagedOne) {
  const TestFolder folder;
  write_documents(folder / "a", {0, 1, 2}, shapes());
  std::string bytes = read_file(folder / "a");
  bytes[200] = static_cast<char>(bytes[200] ^ 1);  // in document 0
  put_file(folder / "a", bytes);
  write_documents(folder / "b", {0, 1}, shapes());
  const JournalSet set({folder / "a", folder / "b"});
  set.check_lost();
  EXPECT_EQ(set.file_index(0), 1U);
  EXPECT_EQ(set.file_index(1), 0U);
  write_journal(folder / "all", 3, shapes());
  EXPECT_EQ(contents_of(set), contents_of(JournalSet({folder / "all"})));
}

TEST(JournalSet, FilesThatDisagreeAreRefused) {
  const TestFolder folder;
  write_documents(folder / "a", {0}, {{.layer = 3, .kind = Kind::kKey, .head_dim = 8}});
  write_documents(folder / "b", {1}, {{.layer = 3, .kind = Kind::kKey, .head_dim = 16}});
  EXPECT_EQ(error_of([&] { JournalSet({folder / "a", folder / "b"}); }),
            (folder / "b").string() + ": differs from " + (folder / "a").string() +
                " in the head_dim of layer 3, keys");
}

TEST(JournalSet, ADocumentIsLostUnlessAnotherFileHasIt) {
  const TestFolder folder;
  write_documents(folder / "a", {0, 1, 2}, shapes());
  std::string bytes = read_file(folder / "a");
  bytes[200] = static_cast<char>(bytes[200] ^ 1);  // in document 0
  put_file(folder / "a", bytes);
  write_documents(folder / "b", {3}, shapes());
  write_documents(folder / "c", {0}, shapes());
  const JournalSet without({folder / "b", folder / "a"});
  EXPECT_THAT(error_of([&] { without.check_lost(); }),
              testing::MatchesRegex(".*/a: damaged at byte [0-9]+: document 0 is lost"));
  JournalSet({folder / "a", folder / "c"}).check_lost();
}

}  // namespace
}  // namespace qk
