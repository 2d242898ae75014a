#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <fstream>

#include "base/atomic_file.h"
#include "base/test_error.h"
#include "base/thread_pool.h"
#include "download/download.h"
#include "download/local_folder.h"
#include "download/test_memory_hub.h"

namespace qk {
namespace folder_download_test {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::SizeIs;
using testing::StartsWith;

class FolderDownload : public testing::Test {
 protected:
  FolderDownload() {
    hub_.files = {{"sub/a.txt", "hello\n"}, {"model.safetensors", "0123456789"}};
    hub_.large = {"model.safetensors"};
  }
  void get(const RepoTree& tree) {
    const auto client = hub_.client();
    std::vector<std::string> paths;
    for (const RemoteFile& file : tree.files) paths.push_back(file.path);
    download_to_folder(*client, hub_.cache.path(), tree, paths, folder_.path(), {});
  }
  void get() { get(hub_.tree()); }
  std::string text(const std::string& path) const { return read_file(folder_ / path); }

  MemoryHub hub_;
  TestFolder folder_;
};

TEST_F(FolderDownload, TwoAtOnce) {
  for (int i = 0; i < 100; ++i) {
    const LocalFolder folder(folder_ / std::to_string(i));
    ThreadPool pool(4);
    EXPECT_NO_THROW(pool.parallel_for(16, [&](int64_t, int) {
      folder.prepare();
      folder.write_record(hub_.tree().files.front(), MemoryHub::kCommit);
    }));
  }
}

TEST_F(FolderDownload, WritesFilesAndTheRecordsOfPython) {
  get();
  EXPECT_EQ(text("sub/a.txt"), "hello\n");
  EXPECT_EQ(text("model.safetensors"), "0123456789");
  EXPECT_THAT(text(".cache/huggingface/download/sub/a.txt.metadata"),
              StartsWith(std::string(MemoryHub::kCommit) +
                         "\nce013625030ba8dba906f756967f9e9ca394464a\n1"));
  EXPECT_EQ(text(".cache/huggingface/.gitignore"), "*");
  hub_.log.clear();
  get();
  EXPECT_THAT(hub_.log, SizeIs(0));
}

TEST_F(FolderDownload, CopiesWhatTheCacheHas) {
  const auto client = hub_.client();
  download_to_cache(*client, hub_.cache.path(), hub_.tree(), {"model.safetensors"}, {});
  hub_.log.clear();
  get();
  EXPECT_THAT(hub_.log, SizeIs(1));  // sub/a.txt
  EXPECT_EQ(text("model.safetensors"), "0123456789");
  EXPECT_FALSE(fs::is_symlink(folder_ / "model.safetensors"));
}

TEST_F(FolderDownload, ADamagedFileOfTheCacheIsDownloaded) {
  hub_.cache.write(fs::relative(hub_.blob("model.safetensors"), hub_.cache.path()).string(),
                   "x123456789");
  get();
  EXPECT_EQ(text("model.safetensors"), "0123456789");
}

TEST_F(FolderDownload, KeepsFilesOfTheSameContent) {
  folder_.write("model.safetensors", "0123456789");
  folder_.write("sub/a.txt", "hello\n");
  get();
  EXPECT_THAT(hub_.log, SizeIs(0));
}

TEST_F(FolderDownload, RefusesFilesThatNobodyDownloaded) {
  folder_.write("sub/a.txt", "my own");
  EXPECT_THAT(error_of([&] { get(); }),
              HasSubstr("sub/a.txt: its content is not that of the repository"));
  EXPECT_EQ(text("sub/a.txt"), "my own");
  EXPECT_THAT(hub_.log, SizeIs(0));
}

TEST_F(FolderDownload, ReplacesWhatWasDownloadedUnlessItWasChangedSince) {
  get();
  hub_.files["sub/a.txt"] = "newer\n";
  get();
  EXPECT_EQ(text("sub/a.txt"), "newer\n");
  std::ofstream(folder_ / "sub/a.txt") << "mine!\n";
  fs::last_write_time(folder_ / "sub/a.txt",
                      fs::file_time_type::clock::now() + std::chrono::seconds(5));
  EXPECT_THAT(error_of([&] { get(); }), HasSubstr("no record says that it was downloaded"));
}

TEST_F(FolderDownload, NamesOfTheRecordsAreRefused) {
  hub_.files = {{".cache/huggingface/download/x.metadata", "x"}};
  EXPECT_THAT(error_of([&] { get(); }), HasSubstr("has the name of a record"));
}

TEST_F(FolderDownload, AFolderUnderTheNameIsRefused) {
  fs::create_directories(folder_ / "model.safetensors");
  EXPECT_THAT(error_of([&] { get(); }), HasSubstr("model.safetensors: expected a file or nothing"));
}

}  // namespace folder_download_test
}  // namespace qk
