#include "base/hash.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <string>
#include <vector>

#include "base/atomic_file.h"
#include "base/error.h"

namespace qk {
namespace {

std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span<const char>(text.data(), text.size()));
}

// FIPS 180-4 examples.
constexpr std::string_view kEmpty =
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
constexpr std::string_view kAbc =
    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
constexpr std::string_view kMillionA =
    "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0";

TEST(Sha256, KnownDigests) {
  EXPECT_EQ(sha256_hex({}), kEmpty);
  EXPECT_EQ(sha256_hex(bytes_of("abc")), kAbc);
  EXPECT_EQ(sha256_hex(bytes_of(std::string(1000000, 'a'))), kMillionA);
}

TEST(Sha256, PiecesGiveTheSameDigest) {
  Sha256 digest;
  EXPECT_EQ(digest.hex(), kEmpty);
  digest.update("a");
  digest.update(bytes_of(""));
  digest.update("bc");
  EXPECT_EQ(digest.hex(), kAbc);
  EXPECT_EQ(digest.hex(), kAbc);
}

// The digests of `git hash-object`.
TEST(GitBlob, KnownDigests) {
  EXPECT_EQ(MessageDigest::git_blob(0).hex(), "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391");
  MessageDigest digest = MessageDigest::git_blob(6);
  digest.update("hello\n");
  EXPECT_EQ(digest.hex(), "ce013625030ba8dba906f756967f9e9ca394464a");
}

TEST(Sha256, HashesFiles) {
  const auto path =
      std::filesystem::path(testing::TempDir()) / fmt::format("sha256_{}", ::getpid());
  std::string text(3 << 20, 'x');
  text += "tail";
  write_file(path, text);
  EXPECT_EQ(sha256_file(path), sha256_hex(bytes_of(text)));
  write_file(path, "");
  EXPECT_EQ(sha256_file(path), kEmpty);
  std::filesystem::remove(path);
  EXPECT_THROW(sha256_file(path), Error);
  EXPECT_THROW(sha256_file(testing::TempDir()), Error);
}

TEST(Xxh3, KnownDigests) {
  EXPECT_EQ(xxh3_64({}), 0x2D06800538D394C2U);
  EXPECT_NE(xxh3_64(bytes_of("a")), xxh3_64(bytes_of("b")));
  EXPECT_EQ(xxh3_64(bytes_of("abc")), 0x78AF5F94892F3950U);
}

// From hashlib.blake2b(text, digest_size=8), little-endian and signed.
TEST(Blake2b8, KnownDigests) {
  EXPECT_EQ(blake2b8(""), -5426141060434712860);
  EXPECT_EQ(blake2b8("id-a"), -6453149921550767168);
  EXPECT_EQ(blake2b8("12"), -2075941137024451989);
  EXPECT_NE(blake2b8(std::string_view("\0", 1)), blake2b8(""));
}

}  // namespace
}  // namespace qk
