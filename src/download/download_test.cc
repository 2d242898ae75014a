#include "download/download.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/file.h>

#include <atomic>
#include <fstream>
#include <thread>

#include "base/atomic_file.h"
#include "base/stopped.h"
#include "base/test_error.h"
#include "download/test_download.h"

namespace qk {
namespace download_test {

using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::SizeIs;

// The layout that huggingface.co/docs/hub/local-cache describes.
TEST_F(Download, LaysOutTheCache) {
  get({"config.json", "empty.txt", "sub/dir/a b.txt", kModelFile});
  // The digests of `git hash-object` and `sha256sum`.
  EXPECT_EQ(fs::read_symlink(hub_.snapshot() / "empty.txt"),
            "../../blobs/e69de29bb2d1d6434b8b29ae775ad8c2e48c5391");
  EXPECT_EQ(fs::read_symlink(hub_.snapshot() / "sub/dir/a b.txt"),
            "../../../../blobs/ce013625030ba8dba906f756967f9e9ca394464a");
  EXPECT_EQ(fs::read_symlink(hub_.snapshot() / kModelFile),
            "../../blobs/84d89877f0d4041efb6bf91a16f0248f2fd573e6af05c19f96bedb9f882f7882");
  EXPECT_EQ(text("sub/dir/a b.txt"), "hello\n");
  EXPECT_EQ(text(kModelFile), "0123456789");
  EXPECT_EQ(read_file(hub_.repo() / "refs/main"), MemoryHub::kCommit);
  EXPECT_TRUE(fs::exists(hub_.cache.path() / ".locks/models--org--m" /
                         "ce013625030ba8dba906f756967f9e9ca394464a.lock"));
}

TEST_F(Download, WhatIsThereIsNotAskedFor) {
  get({"config.json", kModelFile});
  hub_.log.clear();
  get({"config.json", kModelFile});
  EXPECT_THAT(hub_.log, SizeIs(0));
  // A blob of another commit needs only the link.
  fs::remove(hub_.snapshot() / kModelFile);
  get({kModelFile});
  EXPECT_THAT(hub_.log, SizeIs(0));
  EXPECT_EQ(text(kModelFile), "0123456789");
}

TEST_F(Download, EqualFilesAreDownloadedOnce) {
  hub_.files["copy.safetensors"] = hub_.files[kModelFile];
  hub_.large.insert("copy.safetensors");
  get({kModelFile, "copy.safetensors"});
  EXPECT_THAT(hub_.log, SizeIs(2));
  EXPECT_EQ(text("copy.safetensors"), text(kModelFile));
}

TEST_F(Download, GoesOnWhereAnEarlierRunStopped) {
  leave_partial("0123");
  const auto missing = missing_in_cache(hub_.cache.path(), hub_.tree(), {kModelFile, "empty.txt"});
  EXPECT_EQ(missing.bytes, 6);
  EXPECT_THAT(missing.files, SizeIs(2));
  get({kModelFile});
  EXPECT_THAT(hub_.log, ElementsAre(kGetModel + " bytes=4-", "GET /model.safetensors bytes=4-"));
  EXPECT_EQ(text(kModelFile), "0123456789");
  EXPECT_FALSE(fs::exists(partial()));
}

TEST_F(Download, WhatIsWholeAlreadyIsProvenAndKept) {
  leave_partial("0123456789");
  get({kModelFile});
  EXPECT_THAT(hub_.log, SizeIs(0));
  EXPECT_EQ(text(kModelFile), "0123456789");
}

TEST_F(Download, ABeginningOfSomethingElseIsDropped) {
  for (const char* begin : {"x123", "01234567890", "x123456789"}) {
    leave_partial(begin);
    get({kModelFile});
    EXPECT_EQ(text(kModelFile), "0123456789") << begin;
    fs::remove(hub_.blob(kModelFile));
  }
}

TEST_F(Download, OneFailureEndsTheOthersAndKeepsWhatCame) {
  hub_.files["b.safetensors"] = std::string(100, 'b');
  std::atomic<bool> failed{false};
  hub_.instead = [&](const HttpRequest& request) -> std::optional<HttpResponse> {
    if (request.url.ends_with("config.json")) {
      // The other transfer has begun.
      while (!fs::exists(hub_.blob("b.safetensors").string() + ".incomplete"))
        std::this_thread::yield();
      failed = true;
      HttpResponse answer;
      answer.status = 404;
      answer.headers.add("X-Error-Code", "EntryNotFound");
      return answer;
    }
    HttpResponse answer;
    answer.status = 200;
    answer.body = std::string(10, 'b');  // cut: it would be asked for again and again
    while (!failed) std::this_thread::yield();
    return answer;
  };
  EXPECT_THAT(error_of([&] { get({"b.safetensors", "config.json"}); }), HasSubstr("config.json"));
  EXPECT_FALSE(fs::exists(hub_.snapshot() / "b.safetensors"));
  EXPECT_FALSE(fs::exists(hub_.repo() / "refs/main"));
}

TEST_F(Download, AStopKeepsTheBeginning) {
  std::atomic<bool> stop{false};
  const auto client = hub_.client(hub_.settings(), &stop);
  hub_.between = [&] { stop = true; };
  EXPECT_THROW(download_to_cache(*client, hub_.cache.path(), hub_.tree(), {kModelFile}, {}),
               Stopped);
  EXPECT_EQ(read_file(partial()), "01234");
  EXPECT_FALSE(fs::exists(hub_.blob(kModelFile)));
  hub_.between = {};
  hub_.log.clear();
  get({kModelFile});
  EXPECT_THAT(cdn_log(), ElementsAre("GET /model.safetensors bytes=5-"));
  EXPECT_EQ(text(kModelFile), "0123456789");
}

// Clients that know no lock write into the file of this name.
TEST_F(Download, AFileThatAnotherProgramWritesIsLeftToIt) {
  const std::string theirs = "012345678";
  hub_.between = [&] {
    hub_.between = {};
    leave_partial(theirs);
  };
  get({kModelFile});
  EXPECT_EQ(text(kModelFile), "0123456789");
  EXPECT_EQ(read_file(partial()), theirs);
  // The other one is done first.
  fs::remove(hub_.blob(kModelFile));
  fs::remove(partial());
  hub_.between = [&] {
    hub_.between = {};
    fs::rename(partial(), hub_.blob(kModelFile));
  };
  get({kModelFile});
  EXPECT_EQ(text(kModelFile), "0123456789");
  EXPECT_EQ(std::distance(fs::directory_iterator(hub_.repo() / "blobs"), {}), 1);
}

TEST_F(Download, ABlobOfTheWrongSizeIsNotTrusted) {
  get({kModelFile});
  std::ofstream(hub_.blob(kModelFile)) << "0123";
  EXPECT_EQ(missing_in_cache(hub_.cache.path(), hub_.tree(), {kModelFile}).bytes, 10);
  get({kModelFile});
  EXPECT_EQ(text(kModelFile), "0123456789");
}

TEST_F(Download, ALinkToAnotherBlobIsReplaced) {
  get({kModelFile, "config.json"});
  fs::remove(hub_.snapshot() / "config.json");
  fs::create_symlink("../../blobs/" + hub_.remote(kModelFile).sha256,
                     hub_.snapshot() / "config.json");
  get({"config.json"});
  EXPECT_EQ(text("config.json"), "{}");
}

TEST_F(Download, WithoutLinksTheSnapshotHasTheFiles) {
  HubSettings settings = hub_.settings();
  settings.symlinks = false;
  hub_.files["copy.safetensors"] = hub_.files[kModelFile];
  hub_.large.insert("copy.safetensors");
  const auto client = hub_.client(settings);
  download_to_cache(*client, hub_.cache.path(), hub_.tree(), {kModelFile, "copy.safetensors"}, {});
  EXPECT_FALSE(fs::is_symlink(hub_.snapshot() / kModelFile));
  EXPECT_EQ(text(kModelFile), "0123456789");
  EXPECT_EQ(text("copy.safetensors"), "0123456789");
  EXPECT_FALSE(fs::exists(hub_.blob(kModelFile)));
  // A blob to which others may link stays.
  get({"config.json"});
  fs::remove(hub_.snapshot() / "config.json");
  download_to_cache(*client, hub_.cache.path(), hub_.tree(), {"config.json"}, {});
  EXPECT_FALSE(fs::is_symlink(hub_.snapshot() / "config.json"));
  EXPECT_TRUE(fs::exists(hub_.blob("config.json")));
}

TEST_F(Download, WaitsForTheLockOfAnotherProgramAndTakesItsFile) {
  const fs::path lock =
      hub_.cache.path() / ".locks/models--org--m" / (hub_.remote(kModelFile).sha256 + ".lock");
  hub_.cache.write(fs::relative(lock, hub_.cache.path()).string(), "");
  FILE* held = std::fopen(lock.c_str(), "r");
  ASSERT_EQ(::flock(fileno(held), LOCK_EX), 0);
  std::thread other([&] {
    while (hub_.num_notes == 0) std::this_thread::sleep_for(std::chrono::milliseconds(10));
    hub_.cache.write(fs::relative(hub_.blob(kModelFile), hub_.cache.path()).string(), "0123456789");
    std::fclose(held);
  });
  get({kModelFile});
  other.join();
  EXPECT_THAT(hub_.log, SizeIs(0));
  EXPECT_EQ(text(kModelFile), "0123456789");
  EXPECT_THAT(hub_.notes,
              ElementsAre(HasSubstr("waiting for another download of model.safetensors")));
}

TEST_F(Download, CountsBytesFilesAndWhatWasThere) {
  leave_partial("0123");
  TransferProgress last;
  TransferOptions options;
  options.progress = [&](const TransferProgress& progress) { last = progress; };
  get({kModelFile, "config.json"}, options);
  EXPECT_EQ(last.bytes_total, 12);
  EXPECT_EQ(last.bytes_done, 12);
  EXPECT_EQ(last.bytes_before, 4);
  EXPECT_EQ(last.files_total, 2);
  EXPECT_EQ(last.files_done, 2);
}

TEST_F(Download, RefusesWhatTheRepositoryDoesNotHave) {
  EXPECT_EQ(error_of([&] { get({"model.safetensor"}); }),
            std::string("hub: org/m: the repository has no file 'model.safetensor' at commit ") +
                MemoryHub::kCommit);
}

TEST_F(Download, OfflineNothingIsDownloaded) {
  HubSettings settings = hub_.settings();
  settings.offline = true;
  const auto client = hub_.client(settings);
  EXPECT_THAT(
      error_of([&] {
        download_to_cache(*client, hub_.cache.path(), hub_.tree(), {"config.json", kModelFile}, {});
      }),
      HasSubstr(
          "not in the Hub cache: 'model.safetensors' and 1 more files; HF_HUB_OFFLINE is set"));
  get({kModelFile});
  download_to_cache(*client, hub_.cache.path(), hub_.tree(), {kModelFile}, {});
}

TEST_F(Download, ADiskWithoutRoomIsRefusedBeforehand) {
  RepoTree tree = hub_.tree();
  tree.files.back().path = "huge.safetensors";
  std::sort(tree.files.begin(), tree.files.end(),
            [](const RemoteFile& a, const RemoteFile& b) { return a.path < b.path; });
  for (RemoteFile& file : tree.files) {
    if (file.path == "huge.safetensors") file.size = int64_t{1} << 60;
  }
  const auto client = hub_.client();
  const std::string error = error_of(
      [&] { download_to_cache(*client, hub_.cache.path(), tree, {"huge.safetensors"}, {}); });
  EXPECT_THAT(error, HasSubstr("1152921504606846976 bytes are to be downloaded to "));
  EXPECT_THAT(error, EndsWith("make room, or set HF_HUB_CACHE to a folder on another disk"));
  EXPECT_THAT(hub_.log, SizeIs(0));
}

}  // namespace download_test
}  // namespace qk
