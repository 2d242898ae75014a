#include "journal/journal_index.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <thread>

#include "base/hash.h"
#include "journal/journal_format.h"
#include "journal/journal_set.h"
#include "journal/test_blocks.h"

namespace qk {
namespace journal_index_test {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;

std::vector<BlockShape> shapes() {
  return {{.layer = 0, .tokens = true, .pre_rope = true},
          {.layer = 0, .kind = Kind::kKey, .heads = {1, 4}, .sliding_window = 128},
          {.layer = 7, .heads = {0}, .rows = 3},
          {.layer = 8, .rows = 0}};
}

// Documents 2, 0 and 9, the last with a canary.
void write_some(const fs::path& path) {
  write_documents(path, {2, 0}, shapes());
  const JournalReader before(path);
  JournalWriter writer = JournalWriter::resume(before);
  writer.append(random_block(9, shapes()[0]));
  writer.end_document({.document = 9,
                       .example_id = -12,
                       .num_tokens = 77,
                       .num_records = 1,
                       .truncated = true,
                       .canary = {0, 1, 0, 4, 2, -0.125}});
}

void expect_same(const JournalReader& a, const JournalReader& b) {
  EXPECT_EQ(a.header(), b.header());
  EXPECT_EQ(a.documents(), b.documents());
  EXPECT_EQ(a.valid_bytes(), b.valid_bytes());
  EXPECT_EQ(a.damage(), b.damage());
  EXPECT_EQ(a.lost(), b.lost());
  ASSERT_EQ(a.groups().size(), b.groups().size());
  for (size_t i = 0; i < a.groups().size(); ++i) {
    const JournalReader::Group& x = a.groups()[i];
    const JournalReader::Group& y = b.groups()[i];
    EXPECT_EQ(
        std::tie(x.layer, x.kind, x.head_dim, x.sliding_window, x.has_tokens, x.has_pre_rope),
        std::tie(y.layer, y.kind, y.head_dim, y.sliding_window, y.has_tokens, y.has_pre_rope));
    EXPECT_EQ(x.heads, y.heads);
    ASSERT_EQ(x.records.size(), y.records.size());
    for (size_t k = 0; k < x.records.size(); ++k) {
      EXPECT_EQ(x.records[k].document, y.records[k].document);
      EXPECT_EQ(x.records[k].offset, y.records[k].offset);
    }
  }
}

TEST(JournalIndex, SaysWhatAScanFinds) {
  const TestFolder folder;
  write_some(folder / "journal");
  const JournalReader scanned(folder / "journal");
  const JournalReader indexed(folder / "journal", encode_index(scanned));
  expect_same(scanned, indexed);
  ASSERT_EQ(scanned.documents().size(), 3U);
  for (const JournalReader::Entry& entry : entries_of(indexed)) {
    for (size_t i = 0; i < entry.heads.size(); ++i) {
      const auto expected = scanned.vectors(entry, i);
      const auto found = indexed.vectors(entry, i);
      EXPECT_TRUE(std::ranges::equal(expected, found));
      EXPECT_TRUE(std::ranges::equal(scanned.vectors_pre_rope(entry, i),
                                     indexed.vectors_pre_rope(entry, i)));
    }
    EXPECT_TRUE(std::ranges::equal(scanned.columns(entry).tokens, indexed.columns(entry).tokens));
  }
}

TEST(JournalIndex, DamageAndTornTailAreInIt) {
  const TestFolder folder;
  write_documents(folder / "journal", {0, 1}, shapes());
  std::string bytes = read_file(folder / "journal");
  bytes[200] = static_cast<char>(bytes[200] ^ 1);
  put_file(folder / "journal", bytes + "torn");
  const JournalReader scanned(folder / "journal");
  ASSERT_FALSE(scanned.lost().empty());
  const JournalReader indexed(folder / "journal", encode_index(scanned));
  expect_same(scanned, indexed);
  EXPECT_TRUE(indexed.torn());
}

// What is damaged after the scan, or by another node's disk.
TEST(JournalIndex, DamageThatCameLaterIsNamed) {
  const TestFolder folder;
  const fs::path path = folder / "journal";
  write_documents(path, {0, 1}, shapes());
  const std::string bytes = read_file(path);
  const JournalReader scanned(path);
  const std::string index = encode_index(scanned);
  const std::vector<JournalReader::Entry> entries = entries_of(scanned);
  const auto read_with = [&](size_t at) {
    std::string damaged = bytes;
    damaged[at] = static_cast<char>(damaged[at] ^ 4);
    put_file(path, damaged);
    return error_of([&] {
      const JournalReader indexed(path, index);
      for (const JournalReader::Entry& entry : entries_of(indexed)) indexed.vectors(entry, 0);
    });
  };
  const JournalReader::Entry& entry = entries[1];
  const std::string where = fmt::format(
      "{}: the record at byte {}, of document 1, is damaged: ", path.string(), entry.offset);
  const size_t payload = entry.offset + journal::kRecordHeadBytes;
  EXPECT_EQ(read_with(entry.offset), where + "there is none");
  EXPECT_EQ(read_with(payload + 16), where + "its length does not match its sizes");  // head_dim
  EXPECT_EQ(read_with(payload + 8), where + "it is another block");                   // layer
  EXPECT_EQ(read_with(entry.offset + entry.bytes - 20), where + "its checksum is wrong");
  EXPECT_EQ(read_with(entry.offset + entry.bytes - 3), where + "its checksum is wrong");
  EXPECT_EQ(read_with(bytes.size() - 3), "") << "of the last end, which the index has";
  EXPECT_THAT(read_with(20), HasSubstr("its header is damaged"));
}

TEST(JournalIndex, ChecksumIsAskedOfVectorsBeforeRope) {
  const TestFolder folder;
  write_documents(folder / "journal", {0}, shapes());
  const std::string index = encode_index(JournalReader(folder / "journal"));
  std::string bytes = read_file(folder / "journal");
  const JournalReader::Entry entry = entries_of(JournalReader(folder / "journal"))[0];
  bytes[entry.offset + entry.bytes - 20] ^= 1;
  put_file(folder / "journal", bytes);
  const JournalReader indexed(folder / "journal", index);
  const JournalReader::Entry same = entries_of(indexed)[0];
  EXPECT_EQ(indexed.columns(same).positions.size(), 5U);
  EXPECT_THAT(error_of([&] { indexed.vectors_pre_rope(same, 0); }), HasSubstr("checksum"));
}

TEST(JournalIndex, BytesThatANodeSeesLateAreAwaited) {
  const TestFolder folder;
  const fs::path path = folder / "journal";
  write_documents(path, {0}, shapes());
  const std::string index = encode_index(JournalReader(path));
  const std::string bytes = read_file(path);
  put_file(path, bytes.substr(0, bytes.size() - 1));
  EXPECT_EQ(error_of([&] { JournalReader(path, index, 0); }),
            fmt::format("{}: has {} bytes here, {} where it was written: is its folder the same on "
                        "all nodes?",
                        path.string(), bytes.size() - 1, bytes.size()));
  fs::remove(path);
  EXPECT_THAT(error_of([&] { JournalReader(path, index, 0); }), HasSubstr("has 0 bytes here"));
  std::thread late([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    put_file(folder / "late", bytes);
    fs::rename(folder / "late", path);
  });
  EXPECT_EQ(JournalReader(path, index).documents().size(), 1U);
  late.join();
}

TEST(JournalIndex, OfAnotherFileIsRefused) {
  const TestFolder folder;
  write_documents(folder / "a", {0}, shapes());
  JournalWriter::create(folder / "b", "{\"run\":1}");
  const std::string index = encode_index(JournalReader(folder / "b"));
  EXPECT_THAT(error_of([&] { JournalReader(folder / "a", index); }),
              HasSubstr("is another file than the journal whose index is used"));
}

TEST(JournalIndex, SetsOfIndexedFilesCompareCopiesToo) {
  const TestFolder folder;
  write_documents(folder / "a", {0, 1}, shapes());
  write_documents(folder / "b", {1, 2}, shapes());
  const auto open = [&] {
    std::vector<JournalReader> files;
    for (const char* name : {"a", "b"}) {
      files.emplace_back(folder / name, encode_index(JournalReader(folder / name)));
    }
    return JournalSet(std::move(files));
  };
  EXPECT_EQ(open().num_copies(), 1);
  fs::remove(folder / "b");
  std::vector<BlockShape> others = shapes();
  others[0].heads = {0, 2};
  write_documents(folder / "b", {1, 2}, others);
  EXPECT_THAT(error_of(open), HasSubstr("document 1 is not the same in"));
}

// With a right checksum, as a fault of ours or a malicious rank would send it.
std::string sealed(std::string bytes) {
  const uint64_t checksum = xxh3_64(std::as_bytes(std::span<const char>(bytes)));
  bytes.append(reinterpret_cast<const char*>(&checksum), sizeof(checksum));
  return bytes;
}

TEST(JournalIndex, BadBytesAreAnError) {
  const TestFolder folder;
  write_some(folder / "journal");
  const std::string index = encode_index(JournalReader(folder / "journal"));
  const std::string inner = index.substr(0, index.size() - 8);
  ASSERT_EQ(sealed(inner), index);
  EXPECT_EQ(error_of([] { decode_index("", "j"); }), "j: the journal's index is damaged");
  int num_refused = 0;
  int num_tried = 0;
  const auto try_bytes = [&](const std::string& bytes) {
    ++num_tried;
    const std::string error = error_of([&] {
      const JournalReader reader(folder / "journal", bytes, 0);
      for (const JournalReader::Entry& entry : entries_of(reader)) {
        for (size_t i = 0; i < entry.heads.size(); ++i) reader.vectors(entry, i);
        reader.columns(entry);
      }
    });
    if (error.empty()) return;
    ++num_refused;
    EXPECT_THAT(error,
                MatchesRegex(".*(index is damaged|is damaged: |is another file|bytes here).*"));
  };
  for (size_t size = 0; size < inner.size(); ++size) {
    try_bytes(sealed(inner.substr(0, size)));
    for (const int flip : {1, 0x10, 0x80, 0xFF}) {
      std::string changed = inner;
      changed[size] = static_cast<char>(changed[size] ^ flip);
      EXPECT_NE(error_of([&] { decode_index(changed + index.substr(inner.size()), "j"); }), "");
      try_bytes(sealed(changed));
    }
  }
  try_bytes(sealed(inner + '\0'));
  EXPECT_GT(num_refused, num_tried / 2);
}

// A count says more than there is.
TEST(JournalIndex, CountsAskForNoMoreMemoryThanThereAreBytes) {
  const std::string huge = "\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x7F";
  for (const std::string& start : {std::string(), std::string(2, '\0'), std::string(3, '\0')}) {
    EXPECT_THAT(error_of([&] { decode_index(sealed("QKINDEX1" + start + huge), "j"); }),
                HasSubstr("is damaged"));
  }
}

}  // namespace journal_index_test
}  // namespace qk
