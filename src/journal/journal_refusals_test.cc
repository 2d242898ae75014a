// What a journal refuses: files that are none, a second writer, sizes that lie, a full disk.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <csignal>
#include <cstring>

#include "base/hash.h"
#include "journal/journal.h"
#include "journal/journal_format.h"
#include "journal/test_blocks.h"

namespace qk {
namespace {

using ::testing::HasSubstr;

TEST(JournalRefusals, WhatIsNoJournalIsRefused) {
  const TestFolder folder;
  const auto path = folder / "file";
  put_file(path, "PAR1 and more bytes than a header has");
  EXPECT_EQ(error_of([&] { JournalReader reader(path); }),
            path.string() + ": is not a qkscope journal");
  std::string later(journal::kFileMagic);
  later += std::string("\x02\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 16);
  put_file(path, later);
  EXPECT_EQ(error_of([&] { JournalReader reader(path); }),
            path.string() + ": is a journal of version 2, this program reads version 1");
}

TEST(JournalRefusals, DamagedHeaderNamesTheWayOut) {
  const TestFolder folder;
  const auto path = folder / "journal";
  {
    JournalWriter::create(path, "a run");
  }
  const std::string whole = read_file(path);
  const std::string way_out =
      "; remove this file, or discard all with --overwrite (without --shard)";
  for (const size_t size : {size_t{8}, whole.size() - 1}) {
    put_file(path, whole.substr(0, size));
    EXPECT_EQ(error_of([&] { JournalReader reader(path); }),
              path.string() + ": is cut off inside its header" + way_out);
  }
  std::string damaged = whole;
  damaged[17] ^= 1;
  put_file(path, damaged);
  EXPECT_EQ(error_of([&] { JournalReader reader(path); }),
            path.string() + ": its header is damaged" + way_out);
}

TEST(JournalRefusals, ExistingFileIsNotReplaced) {
  const TestFolder folder;
  put_file(folder / "journal", "precious");
  EXPECT_THAT(error_of([&] { JournalWriter::create(folder / "journal", ""); }),
              HasSubstr("cannot be created: File exists"));
  EXPECT_EQ(read_file(folder / "journal"), "precious");
}

TEST(JournalRefusals, SecondWriterIsRefused) {
  const TestFolder folder;
  const JournalWriter writer = JournalWriter::create(folder / "journal", "");
  const JournalReader reader(folder / "journal");
  EXPECT_THAT(error_of([&] { JournalWriter::resume(reader); }),
              HasSubstr("another run is writing this journal"));
}

// A record whose checksums hold but whose contents lie.
std::string framed(journal::RecordHead head, const std::string& payload) {
  head.payload_bytes = payload.size();
  const std::vector<std::byte> encoded = journal::encode(head);
  const uint64_t piece = xxh3_64(std::as_bytes(std::span<const char>(payload)));
  const uint64_t checksum = journal::checksum_of_pieces(std::span(&piece, 1));
  std::string bytes(reinterpret_cast<const char*>(encoded.data()), encoded.size());
  bytes += payload;
  return bytes.append(reinterpret_cast<const char*>(&checksum), sizeof(checksum));
}

std::string message_for_block(const journal::BlockFixed& fixed, size_t payload_bytes) {
  const TestFolder folder;
  {
    const JournalWriter writer = JournalWriter::create(folder / "journal", "");
  }
  std::string bytes = read_file(folder / "journal");
  std::string payload(payload_bytes, '\0');
  std::memcpy(payload.data(), &fixed, sizeof(fixed));
  bytes += framed({.type = journal::RecordType::kBlock, .document = 3}, payload);
  put_file(folder / "journal", bytes);
  return error_of([&] { JournalReader reader(folder / "journal"); });
}

TEST(JournalRefusals, LyingSizesAreRefused) {
  journal::BlockFixed good;
  good.head_dim = 1;
  good.num_heads = 1;
  good.rows = 0;
  auto bad = good;
  bad.rows = int64_t{1} << 62;
  EXPECT_THAT(message_for_block(bad, 64), HasSubstr("its length does not match its sizes"));
  bad.rows = -1;
  EXPECT_THAT(message_for_block(bad, 64), HasSubstr("its length does not match its sizes"));
  bad = good;
  bad.num_heads = 0xFFFFFFFF;
  EXPECT_THAT(message_for_block(bad, 64), HasSubstr("its length does not match its sizes"));
  bad = good;
  bad.num_heads = 0;
  EXPECT_THAT(message_for_block(bad, 56), HasSubstr("its sizes are wrong"));
  bad = good;
  bad.kind = 2;
  EXPECT_THAT(message_for_block(bad, 56), HasSubstr("its kind or flags are unknown"));
  bad = good;
  bad.flags = 8;
  EXPECT_THAT(message_for_block(bad, 56), HasSubstr("its kind or flags are unknown"));
  bad = good;
  bad.token_bytes = 8;
  EXPECT_THAT(message_for_block(bad, 64), HasSubstr("token bytes without token strings"));
  bad.flags = journal::kHasTokens;
  EXPECT_THAT(message_for_block(bad, 64), HasSubstr("token strings do not fill their bytes"));
  bad = good;
  bad.num_heads = 2;  // both head 0
  EXPECT_THAT(message_for_block(bad, 56), HasSubstr("its heads do not ascend"));
}

// Writes documents until the limit on file sizes stops it; returns through the exit code of a child
// process what the parent expects. (The limit is the process's own.)
int run_into_the_limit(const std::filesystem::path& path) {
  std::signal(SIGXFSZ, SIG_IGN);
  const rlimit limit{.rlim_cur = 40000, .rlim_max = 40000};
  if (::setrlimit(RLIMIT_FSIZE, &limit) != 0) return 10;
  JournalWriter writer = JournalWriter::create(path, "{}");
  const BlockShape shape{.rows = 100, .head_dim = 16};  // 13.7 kB each
  int64_t document = 0;
  try {
    for (; document < 10; ++document) {
      writer.append(random_block(document, shape));
      writer.end_document({.document = document, .num_records = 1});
    }
  } catch (const Error& error) {
    if (std::string_view(error.what()).find("File too large") == std::string_view::npos) return 11;
    if (document != 2) return 12;
    if (static_cast<int64_t>(std::filesystem::file_size(path)) != writer.bytes()) return 13;
    // The document in progress can be started again, smaller.
    writer.append(random_block(document, {.rows = 2, .head_dim = 16}));
    writer.end_document({.document = document, .num_records = 1});
    return 0;
  }
  return 14;
}

TEST(JournalRefusals, FailedWriteLeavesTheWholeDocuments) {
  const TestFolder folder;
  const auto path = folder / "journal";
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) ::_exit(run_into_the_limit(path));
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
  const JournalReader reader(path);
  EXPECT_EQ(reader.documents().size(), 3U);
  EXPECT_FALSE(reader.torn());
}

}  // namespace
}  // namespace qk
