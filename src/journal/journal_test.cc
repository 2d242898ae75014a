#include "journal/journal.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "journal/journal_format.h"
#include "journal/test_blocks.h"

namespace qk {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string hex(std::string_view bytes) {
  std::string out;
  for (const char byte : bytes) out += fmt::format("{:02x}", static_cast<unsigned char>(byte));
  return out;
}

CaptureBlock tiny_block() {
  CaptureBlock block;
  block.document = 0;
  block.example_id = -5;
  block.layer = 2;
  block.kind = Kind::kKey;
  block.head_dim = 3;
  block.sliding_window = 7;
  block.heads = {0, 4};
  block.buckets = {9};
  block.positions = {600};
  block.tokens = {"ab"};
  block.vectors = {1, 2, 3, 4, 5, 6};
  block.vectors_pre_rope = {-1, -2, -3, -4, -5, -6};
  return block;
}

std::vector<BlockShape> two_shapes() {
  return {{.layer = 0, .kind = Kind::kQuery, .heads = {0, 2}, .rows = 3, .head_dim = 4},
          {.layer = 0, .kind = Kind::kKey, .heads = {0}, .rows = 3, .head_dim = 4, .tokens = true}};
}

// Made with struct and xxhash of Python from the text of docs/dataset-format.md.
constexpr char kTinyJournal[] =
    "514b4a4f55524e4c01000000070000007b2261223a317d004759bcc0efc9fae4"
    "514b4a5201000000000000000000000000000000000000008800000000000000"
    "a9e26ad77f83506efbffffffffffffff02000000010000000300000007000000"
    "0100000000000000020000000700000002000000000000000000000004000000"
    "0900000000000000580200000000000002000000000000006162000000000000"
    "0000803f0000004000004040000080400000a0400000c040000080bf000000c0"
    "000040c0000080c00000a0c00000c0c0fe8c63a8a46620f7514b4a5202000000"
    "000000000000000001000000000000004000000000000000f3473d4d523ad14c"
    "fbffffffffffffff590200000000000001000000000000000000000001000000"
    "02000000040000000000000000000000000000000000000000000000000004c0"
    "851177d8612cc2c7";

TEST(Journal, HasTheBytesOfTheFormat) {
  const TestFolder folder;
  JournalWriter writer = JournalWriter::create(folder / "journal", R"({"a":1})");
  writer.append(tiny_block());
  writer.end_document({.document = 0,
                       .example_id = -5,
                       .num_tokens = 601,
                       .num_records = 1,
                       .truncated = true,
                       .canary = {2, 4, 0, 0, 0, -2.5}});
  EXPECT_EQ(hex(read_file(folder / "journal")), kTinyJournal);
  EXPECT_EQ(writer.bytes(), 328);
}

TEST(Journal, IsReadBack) {
  const TestFolder folder;
  {
    JournalWriter writer = JournalWriter::create(folder / "journal", R"({"a":1})");
    writer.append(tiny_block());
    writer.end_document({.document = 0, .example_id = -5, .num_tokens = 601, .num_records = 1});
    writer.end_document({.document = 1,
                         .example_id = 6,
                         .outcome = DocumentOutcome::kNotFinite,
                         .canary = {3, 1, 2, 4, 5, 0.5}});
  }
  const JournalReader reader(folder / "journal");
  EXPECT_EQ(reader.header(), R"({"a":1})");
  EXPECT_FALSE(reader.torn());
  ASSERT_EQ(reader.documents().size(), 2U);
  EXPECT_EQ(reader.documents()[0].num_tokens, 601);
  EXPECT_EQ(reader.documents()[0].outcome, DocumentOutcome::kCaptured);
  EXPECT_EQ(reader.documents()[0].canary, (Canary{-1, 0, 0, 0, 0, 0.0}));  // has none
  EXPECT_EQ(reader.documents()[1].example_id, 6);
  EXPECT_EQ(reader.documents()[1].outcome, DocumentOutcome::kNotFinite);
  EXPECT_EQ(reader.documents()[1].canary, (Canary{3, 1, 2, 4, 5, 0.5}));
  EXPECT_TRUE(reader.has(1));
  EXPECT_FALSE(reader.has(2));
  const std::vector<JournalReader::Entry> entries = entries_of(reader);
  ASSERT_EQ(entries.size(), 1U);
  const JournalReader::Entry& entry = entries[0];
  EXPECT_EQ(entry.example_id, -5);
  EXPECT_EQ(entry.layer, 2);
  EXPECT_EQ(entry.kind, Kind::kKey);
  EXPECT_EQ(entry.sliding_window, 7);
  EXPECT_THAT(entry.heads, ElementsAre(0, 4));
  const JournalReader::Columns columns = reader.columns(entry);
  EXPECT_THAT(columns.buckets, ElementsAre(9));
  EXPECT_THAT(columns.positions, ElementsAre(600));
  EXPECT_THAT(columns.tokens, ElementsAre("ab"));
  EXPECT_THAT(reader.vectors(entry, 1), ElementsAre(4, 5, 6));
  EXPECT_THAT(reader.vectors_pre_rope(entry, 0), ElementsAre(-1, -2, -3));
  EXPECT_EQ(reinterpret_cast<uintptr_t>(reader.vectors(entry, 0).data()) % 8, 0U);
}

TEST(Journal, BlockLargerThanAPieceIsReadBack) {
  const TestFolder folder;
  const BlockShape shape{.heads = {0, 1, 2}, .rows = 1111, .head_dim = 128, .tokens = true};
  write_journal(folder / "journal", 2, {shape});
  const JournalReader reader(folder / "journal");
  const CaptureBlock block = random_block(1, shape);
  const JournalReader::Entry entry = entries_of(reader).at(1);
  for (size_t head = 0; head < 3; ++head) {
    const std::span<const float> read = reader.vectors(entry, head);
    ASSERT_EQ(read.size(), 1111U * 128);
    EXPECT_EQ(std::memcmp(read.data(), &block.vectors[head * 1111 * 128], read.size_bytes()), 0);
  }
  EXPECT_EQ(reader.columns(entry).tokens.back(), block.tokens.back());
}

// What must be readable of a journal's first `size` bytes, ends[i] being the end of document i.
void expect_prefix(const std::filesystem::path& path, const std::vector<size_t>& ends,
                   size_t size) {
  const JournalReader reader(path);
  size_t whole = 0;
  while (whole + 1 < ends.size() && ends[whole + 1] <= size) ++whole;
  ASSERT_EQ(reader.documents().size(), whole) << size;
  EXPECT_EQ(entries_of(reader).size(), 2 * whole) << size;
  EXPECT_EQ(reader.valid_bytes(), ends[whole]) << size;
  EXPECT_EQ(reader.torn(), ends[whole] != size) << size;
}

// ends[0] is the end of the header.
std::vector<size_t> write_small_journal(const std::filesystem::path& path, int64_t documents) {
  JournalWriter writer = JournalWriter::create(path, "{}");
  std::vector<size_t> ends = {static_cast<size_t>(writer.bytes())};
  for (int64_t document = 0; document < documents; ++document) {
    for (const BlockShape& shape : two_shapes()) writer.append(random_block(document, shape));
    writer.end_document({.document = document, .num_records = 2});
    ends.push_back(static_cast<size_t>(writer.bytes()));
  }
  return ends;
}

TEST(Journal, CutAtEveryByteKeepsTheWholeDocuments) {
  const TestFolder folder;
  const std::vector<size_t> ends = write_small_journal(folder / "journal", 3);
  const std::string bytes = read_file(folder / "journal");
  for (size_t size = 0; size <= bytes.size(); ++size) {
    const auto path = folder / "cut";
    put_file(path, std::string_view(bytes).substr(0, size));
    if (size < ends[0]) {
      EXPECT_THAT(error_of([&] { JournalReader reader(path); }), HasSubstr("is cut off inside"));
    } else {
      expect_prefix(path, ends, size);
    }
  }
}

TEST(Journal, ResumedAfterACutAtAnyByteHasTheSameBytes) {
  const TestFolder folder;
  const std::vector<size_t> ends = write_small_journal(folder / "journal", 3);
  const std::string bytes = read_file(folder / "journal");
  for (size_t size = ends[0]; size <= bytes.size(); size += 13) {
    const auto path = folder / "cut";
    put_file(path, std::string_view(bytes).substr(0, size));
    {
      const JournalReader reader(path);
      const auto done = static_cast<int64_t>(reader.documents().size());
      JournalWriter writer = JournalWriter::resume(reader);
      for (int64_t document = done; document < 3; ++document) {
        for (const BlockShape& shape : two_shapes()) writer.append(random_block(document, shape));
        writer.end_document({.document = document, .num_records = 2});
      }
    }
    ASSERT_EQ(read_file(path), bytes) << size;
  }
}

// Writes the documents that are missing, as a resumed run does.
void write_missing(const std::filesystem::path& path, int64_t documents) {
  const JournalReader reader(path);
  JournalWriter writer = JournalWriter::resume(reader);
  for (int64_t document = 0; document < documents; ++document) {
    if (reader.has(document)) continue;
    for (const BlockShape& shape : two_shapes()) writer.append(random_block(document, shape));
    writer.end_document({.document = document, .num_records = 2});
  }
}

// Everything that a dataset is made of.
std::string contents_of(const std::filesystem::path& path) {
  const JournalReader reader(path);
  std::string out;
  for (const JournalReader::Entry& entry : entries_of(reader)) {
    out += fmt::format("{} {} {} {}:", entry.document, entry.example_id, entry.layer,
                       letter(entry.kind));
    for (size_t head = 0; head < entry.heads.size(); ++head) {
      const auto bytes = std::as_bytes(reader.vectors(entry, head));
      out.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    }
  }
  return out;
}

// A flipped bit is found and costs its document, and only that; in the last end mark, which nothing
// follows, it makes the last document a torn tail.
TEST(Journal, EveryFlippedBitIsFoundAndItsDocumentDoneAgain) {
  const TestFolder folder;
  const std::vector<size_t> ends = write_small_journal(folder / "journal", 3);
  const std::string bytes = read_file(folder / "journal");
  const std::string contents = contents_of(folder / "journal");
  const size_t last_mark = bytes.size() - (journal::kRecordHeadBytes + journal::kDocumentEndBytes +
                                           journal::kChecksumBytes);
  for (size_t at = 0; at < bytes.size(); ++at) {
    std::string damaged = bytes;
    damaged[at] = static_cast<char>(damaged[at] ^ (1 << (at % 8)));
    const auto path = folder / "damaged";
    put_file(path, damaged);
    if (at < ends[0]) {
      error_of([&] { JournalReader reader(path); });  // any of the header's messages
      continue;
    }
    {
      const JournalReader reader(path);
      ASSERT_EQ(reader.documents().size(), 2U) << at;
      EXPECT_EQ(reader.torn(), at >= last_mark) << at;
      const int64_t document = at < ends[1] ? 0 : at < ends[2] ? 1 : 2;
      EXPECT_FALSE(reader.has(document)) << at;
      if (at < last_mark) {
        EXPECT_THAT(reader.lost(), ElementsAre(document)) << at;
        EXPECT_EQ(reader.damage().size(), 1U) << at;
        EXPECT_LE(reader.damage().front(), at);
      } else {
        EXPECT_TRUE(reader.lost().empty() && reader.damage().empty()) << at;
      }
    }
    if (at % 5 != 0) continue;
    write_missing(path, 3);
    const JournalReader reader(path);
    EXPECT_TRUE(reader.lost().empty()) << at;
    EXPECT_TRUE(contents_of(path) == contents) << at;
  }
}

TEST(Journal, BlocksOfSeveralDocumentsMayAlternate) {
  const TestFolder folder;
  const auto path = folder / "journal";
  const std::vector<BlockShape> shapes = two_shapes();
  {
    JournalWriter writer = JournalWriter::create(path, "");
    for (const BlockShape& shape : shapes) {
      for (const int64_t document : {7, 3}) writer.append(random_block(document, shape));
    }
    const DocumentEnd ends[] = {
        {.document = 7, .num_records = 2}, {.document = 5}, {.document = 3, .num_records = 2}};
    writer.end_documents(ends);
  }
  const JournalReader reader(path);
  ASSERT_EQ(reader.documents().size(), 3U);
  EXPECT_EQ(reader.documents()[0].document, 3);
  EXPECT_EQ(reader.documents()[2].document, 7);
  for (const JournalReader::Group& group : reader.groups()) {
    ASSERT_EQ(group.records.size(), 2U);
    EXPECT_EQ(group.records[0].document, 3);
    EXPECT_EQ(group.records[1].document, 7);
  }
}

// A kill between the end marks of documents that were in progress together leaves blocks without an
// end before the cut.
TEST(Journal, BlocksWithoutAnEndAreForgottenWhenTheDocumentIsDoneAgain) {
  const TestFolder folder;
  const auto path = folder / "journal";
  const std::vector<BlockShape> shapes = two_shapes();
  size_t first_end = 0;
  {
    JournalWriter writer = JournalWriter::create(path, "");
    for (const BlockShape& shape : shapes) {
      for (const int64_t document : {0, 1}) writer.append(random_block(document, shape));
    }
    first_end = static_cast<size_t>(writer.bytes()) + journal::kRecordHeadBytes +
                journal::kDocumentEndBytes + journal::kChecksumBytes;
    const DocumentEnd ends[] = {{.document = 0, .num_records = 2},
                                {.document = 1, .num_records = 2}};
    writer.end_documents(ends);
  }
  const std::string contents = contents_of(path);
  std::filesystem::resize_file(path, first_end + 20);
  {
    const JournalReader reader(path);
    EXPECT_TRUE(reader.torn());
    EXPECT_EQ(reader.valid_bytes(), first_end);
    EXPECT_TRUE(reader.has(0) && !reader.has(1));
    EXPECT_TRUE(reader.lost().empty());
  }
  write_missing(path, 2);
  EXPECT_TRUE(contents_of(path) == contents);
}

TEST(Journal, AbandonedDocumentsCanBeStartedAgain) {
  const TestFolder folder;
  const auto path = folder / "journal";
  const std::vector<size_t> ends = write_small_journal(folder / "plain", 1);
  JournalWriter writer = JournalWriter::create(path, "{}");
  writer.append(random_block(0, two_shapes()[0]));
  writer.abandon();
  EXPECT_EQ(static_cast<size_t>(writer.bytes()), ends[0]);
  for (const BlockShape& shape : two_shapes()) writer.append(random_block(0, shape));
  writer.end_document({.document = 0, .num_records = 2});
  EXPECT_TRUE(read_file(path) == read_file(folder / "plain"));
}

TEST(Journal, ZerosAfterTheLastDocumentAreATornTail) {
  const TestFolder folder;
  const std::vector<size_t> ends = write_small_journal(folder / "journal", 2);
  std::string bytes = read_file(folder / "journal");
  bytes.append(1000, '\0');
  put_file(folder / "journal", bytes);
  const JournalReader reader(folder / "journal");
  EXPECT_EQ(reader.documents().size(), 2U);
  EXPECT_TRUE(reader.torn());
  EXPECT_EQ(reader.valid_bytes(), ends.back());
}

TEST(Journal, DocumentInProgressIsNotRead) {
  const TestFolder folder;
  const auto path = folder / "journal";
  JournalWriter writer = JournalWriter::create(path, "");
  writer.append(random_block(4, two_shapes()[0]));
  EXPECT_TRUE(entries_of(JournalReader(path)).empty());
  writer.end_document({.document = 4, .num_records = 1});
  EXPECT_EQ(entries_of(JournalReader(path)).size(), 1U);
}

TEST(JournalDeathTest, BlocksThatContradictThemselvesAreBugs) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const TestFolder folder;
  JournalWriter writer = JournalWriter::create(folder / "journal", "");
  CaptureBlock block = tiny_block();
  block.vectors.pop_back();
  EXPECT_EXIT(writer.append(block), ::testing::ExitedWithCode(2), "check failed");
  EXPECT_EXIT(writer.end_document({.document = 0, .num_records = 1}), ::testing::ExitedWithCode(2),
              "check failed");
}

}  // namespace
}  // namespace qk
