#include "download/file_identity.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "base/hash.h"
#include "download/test_cache.h"

namespace qk {
namespace {

namespace fs = std::filesystem;

std::string sha256_of(std::string_view text) { return sha256_hex(std::as_bytes(std::span(text))); }

const std::string kDigest(64, 'a');  // of no file here: shows that the file was not read

TEST(FileIdentity, NameSizeAndDigestSortedByName) {
  const TestFolder folder;
  // More than one step of reading, and not a multiple of it.
  const std::string large((size_t{8} << 20) + 5, 'x');
  const std::vector<fs::path> paths = {folder.write("b", large), folder.write("x/a", ""),
                                       folder.write("c", "text")};
  ThreadPool pool(2);
  const std::vector<IdentifiedFile> files = identify_files(paths, pool, {});
  ASSERT_EQ(files.size(), 3U);
  EXPECT_EQ(files[0].name, "a");
  EXPECT_EQ(files[0].bytes, 0);
  EXPECT_EQ(files[0].sha256, sha256_of(""));
  EXPECT_EQ(files[1].name, "b");
  EXPECT_EQ(files[1].bytes, std::ssize(large));
  EXPECT_EQ(files[1].sha256, sha256_of(large));
  EXPECT_EQ(files[2].name, "c");
  EXPECT_EQ(files[2].sha256, sha256_of("text"));
  const std::vector<fs::path> absent = {folder / "absent"};
  EXPECT_THROW(identify_files(absent, pool, {}), Error);
}

TEST(FileIdentity, ABlobNamedByItsDigestIsNotRead) {
  const TestCache cache("models--org--m");
  cache.add("model.safetensors", kDigest, "weights");
  cache.add("config.json", std::string(40, 'b'), "{}");
  const std::vector<fs::path> paths = {cache.snapshot() / "config.json",
                                       cache.snapshot() / "model.safetensors"};
  ThreadPool pool(1);
  std::vector<std::pair<int64_t, int64_t>> steps;
  const std::vector<IdentifiedFile> files = identify_files(
      paths, pool, [&](int64_t done, int64_t total) { steps.emplace_back(done, total); });
  EXPECT_EQ(files[0].sha256, sha256_of("{}"));
  EXPECT_EQ(files[1].sha256, kDigest);
  EXPECT_EQ(files[1].bytes, 7);
  EXPECT_THAT(steps, testing::ElementsAre(std::pair(2, 2)));  // of the file that is read
}

TEST(FileIdentity, AFileThatWasNotDownloadedHasTheDigestOfTheList) {
  const TestCache cache("models--org--m");
  cache.add("config.json", std::string(40, 'b'), "{}");
  const std::vector<fs::path> paths = {cache.snapshot() / "a.safetensors",
                                       cache.snapshot() / "config.json"};
  ThreadPool pool(1);
  ASSERT_EQ(identify_files(paths, pool, {}).size(), 1U);
  EXPECT_EQ(identify_files(paths, pool, {})[0].sha256, sha256_of("{}"));
  cache.write_tree(R"({"files":{"a.safetensors":{"size":9,"lfs_size":9,"lfs_sha256":")" + kDigest +
                   R"("}}})");
  const std::vector<IdentifiedFile> files = identify_files(paths, pool, {});
  ASSERT_EQ(files.size(), 2U);
  EXPECT_EQ(files[0].name, "a.safetensors");
  EXPECT_EQ(files[0].bytes, 9);
  EXPECT_EQ(files[0].sha256, kDigest);
  fs::create_symlink("../../blobs/gone", paths[0]);
  EXPECT_THROW(identify_files(paths, pool, {}), Error);  // it was, and its blob is gone
}

TEST(FileIdentity, OnlyLinksIntoTheCacheAreNamedByTheirDigest) {
  const TestCache cache("datasets--org--d");
  cache.add("a", kDigest, "");
  cache.add("upper", std::string(64, 'A'), "");
  cache.add("short", std::string(63, 'a'), "");
  EXPECT_EQ(digest_from_blob_name(cache.snapshot() / "a"), kDigest);
  EXPECT_EQ(digest_from_blob_name(cache.snapshot() / "upper"), "");
  EXPECT_EQ(digest_from_blob_name(cache.snapshot() / "short"), "");
  EXPECT_EQ(digest_from_blob_name(cache.repo() / "blobs" / kDigest), "");  // the file itself
  EXPECT_EQ(digest_from_blob_name(cache.snapshot() / "absent"), "");
  // A link to the link, and a blob that is a link into a store.
  const TestFolder other;
  fs::create_symlink(cache.snapshot() / "a", other / "again");
  EXPECT_EQ(digest_from_blob_name(other / "again"), kDigest);
  fs::remove(cache.repo() / "blobs" / kDigest);
  fs::create_symlink(other.write("store/" + std::string(64, 'c'), ""),
                     cache.repo() / "blobs" / kDigest);
  EXPECT_EQ(digest_from_blob_name(cache.snapshot() / "a"), kDigest);
  fs::remove(other / ("store/" + std::string(64, 'c')));
  EXPECT_EQ(digest_from_blob_name(cache.snapshot() / "a"), "");
  for (const std::string& blob : {"blobs/" + kDigest, "models--m/files/" + kDigest}) {
    fs::remove(other / "link");
    fs::create_symlink(other.write(blob, ""), other / "link");
    EXPECT_EQ(digest_from_blob_name(other / "link"), "") << blob;
  }
}

}  // namespace
}  // namespace qk
