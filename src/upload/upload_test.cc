#include "upload/upload.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "base/test_error.h"
#include "upload/lfs_batch.h"
#include "upload/test_upload_hub.h"
#include "upload/upload_content.h"
#include "upload/upload_tree.h"

namespace qk::upload_test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class Upload : public testing::Test {
 protected:
  Upload() {
    target_.repo = {RepoKind::kDataset, UploadHub::kRepo};
    target_.message = "message";
  }

  void add(const std::string& path, const std::string& bytes) {
    files_.push_back(describe_file(path, folder_.write(path, bytes)));
  }
  void add_dataset(int num_heads = 3) {
    for (int i = 0; i < num_heads; ++i) {
      add(fmt::format("l{:02}h00q/data.parquet", i), fmt::format("PAR1 of head {}", i));
    }
    add("README.md", "---\nconfigs: []\n---\n");
  }
  std::map<std::string, std::string> contents() const {
    std::map<std::string, std::string> out;
    for (const UploadFile& file : files_) {
      out[file.path] = first_bytes(file, static_cast<size_t>(file.size));
    }
    return out;
  }
  UploadResult run() {
    const auto client = hub_.client();
    return run_upload(*client, target_, plan_upload(*client, target_, files_), files_, {});
  }
  UploadPlan plan() { return plan_upload(*hub_.client(), target_, files_); }
  HubFault fault_of_run(std::string* sentence = nullptr) {
    try {
      run();
    } catch (const HubError& error) {
      if (sentence != nullptr) *sentence = error.what();
      return error.fault();
    }
    ADD_FAILURE() << "no error";
    return HubFault::kRefused;
  }
  void expect_published() { EXPECT_EQ(hub_.files(target_.branch), contents()); }

  TestFolder folder_;
  UploadHub hub_;
  UploadTarget target_;
  std::vector<UploadFile> files_;
};

TEST_F(Upload, NewRepository) {
  hub_.exists = false;
  target_.branch = "my/b";
  target_.is_private = true;
  add_dataset();
  const UploadPlan planned = plan();
  EXPECT_TRUE(planned.creates_repo);
  EXPECT_TRUE(planned.creates_branch);
  EXPECT_EQ(planned.created.size(), 4U);
  EXPECT_FALSE(hub_.exists);
  const UploadResult result = run();
  expect_published();
  EXPECT_TRUE(hub_.is_private);
  EXPECT_EQ(result.commit, hub_.branches.at("my/b"));
  EXPECT_EQ(result.url, "http://hub.test/datasets/org/qk/commit/" + result.commit);
  EXPECT_EQ(result.num_commits, 1);
  EXPECT_EQ(result.num_transferred, 3);
  EXPECT_EQ(hub_.messages.at(result.commit), "message");
  EXPECT_EQ(hub_.branches.size(), 2U);
}

TEST_F(Upload, SecondTimeSendsNothing) {
  add_dataset();
  run();
  hub_.log.clear();
  const UploadResult again = run();
  EXPECT_TRUE(again.nothing_to_do);
  EXPECT_EQ(again.commit, hub_.branches.at("main"));
  for (const char* verb : {"POST", "PUT", "DELETE"}) EXPECT_EQ(hub_.count(verb), 0) << verb;
}

TEST_F(Upload, OnlyChangesAreCommitted) {
  add_dataset();
  run();
  files_.pop_back();
  add("README.md", "other");
  add("l09h00q/data.parquet", "PAR1 more");
  const UploadPlan planned = plan();
  ASSERT_EQ(planned.created.size(), 1U);
  EXPECT_EQ(planned.created[0].path, "l09h00q/data.parquet");
  ASSERT_EQ(planned.changed.size(), 1U);
  EXPECT_EQ(planned.changed[0].path, "README.md");
  EXPECT_EQ(planned.unchanged.size(), 3U);
  hub_.most_operations = 2;
  EXPECT_EQ(run().num_commits, 1);
  expect_published();
}

TEST_F(Upload, ForeignFilesStayUnlessReplaced) {
  const std::string head = hub_.branches.at("main");
  hub_.add_commit("main", {{".gitattributes", {""}}, {"b/old", {"1"}}, {"a.md", {"2"}}}, head, "");
  add_dataset();
  EXPECT_THAT(plan().foreign, ElementsAre("a.md", "b/old"));
  EXPECT_THAT(plan().deleted, IsEmpty());
  run();
  EXPECT_EQ(hub_.files("main").at("b/old"), "1");
  target_.replaces = true;
  EXPECT_THAT(plan().deleted, ElementsAre("a.md", "b/old"));
  run();
  expect_published();
  EXPECT_TRUE(hub_.commits.at(hub_.branches.at("main")).contains(".gitattributes"));
}

TEST_F(Upload, NewBranchAppearsWholeAndWithoutTheFilesOfMain) {
  hub_.add_commit("main", {{".gitattributes", {""}}, {"data", {"1"}}}, "", "");
  target_.branch = "b";
  add_dataset();
  hub_.before = [&](const std::string&) {
    if (hub_.branches.contains("b")) expect_published();
  };
  run();
  expect_published();
  EXPECT_EQ(hub_.files("main").at("data"), "1");
}

TEST_F(Upload, BranchEqualToMainIsOnlyCreated) {
  add_dataset();
  run();
  target_.branch = "b";
  EXPECT_FALSE(run().nothing_to_do);
  EXPECT_EQ(hub_.branches.at("b"), hub_.branches.at("main"));
}

TEST_F(Upload, EqualContentsAreSentOnce) {
  add("a/data.parquet", "PAR1 same");
  add("b/data.parquet", "PAR1 same");
  EXPECT_EQ(run().num_transferred, 1);
  EXPECT_EQ(hub_.count("PUT"), 1);
  expect_published();
}

TEST_F(Upload, BlocksOf256) {
  add_dataset(513);
  run();
  expect_published();
  EXPECT_EQ(hub_.count("preupload"), 3);  // of 514 files
  EXPECT_EQ(hub_.count("objects/batch"), 3);
}

TEST_F(Upload, EmptyFilesAreStoredInGit) {
  add("empty.parquet", "");
  run();
  EXPECT_EQ(hub_.count("batch"), 0);
  expect_published();
}

TEST_F(Upload, Parts) {
  hub_.part_bytes = 5;
  add("a.parquet", "PAR1 abcdefghi");
  add("b.parquet", "PAR1 abcde");
  run();
  EXPECT_EQ(hub_.count("PUT /part/"), 5);
  EXPECT_EQ(hub_.count("POST /join/"), 2);
  expect_published();
}

TEST_F(Upload, ExpiredAddressesAreAskedForAgain) {
  hub_.part_bytes = 5;
  hub_.faults = {{.on = "/part/2/", .status = 403}, {.on = "/put/", .status = 403}};
  add("a.parquet", "PAR1 abcdefghi");
  add("b.parquet", "PAR1");
  run();
  expect_published();
  EXPECT_EQ(hub_.count("batch"), 3);
  hub_.faults = {{.on = "/put/", .times = 100, .status = 403}};
  add("c.parquet", "c");
  std::string sentence;
  fault_of_run(&sentence);
  EXPECT_THAT(sentence, HasSubstr("c.parquet"));
  EXPECT_FALSE(hub_.files("main").contains("c.parquet"));
}

TEST_F(Upload, StoreThatRefuses) {
  add("a.parquet", "PAR1");
  hub_.faults = {{.on = "/put/", .status = 400}};
  std::string sentence;
  EXPECT_EQ(fault_of_run(&sentence), HubFault::kRefused);
  EXPECT_THAT(sentence, HasSubstr("the store does not take a.parquet, of 4 bytes (status 400"));
  hub_.faults = {{.on = "/put/", .status = 413}};
  fault_of_run(&sentence);
  EXPECT_THAT(sentence, HasSubstr("raise its limit"));
  hub_.faults = {
      {.on = "/put/",
       .times = 9,
       .status = 403,
       .body = "<?xml version=\"1.0\"?>\n<Error><Code>X</Code><Message>Clock</Message></Error>"}};
  fault_of_run(&sentence);
  EXPECT_THAT(sentence,
              HasSubstr("refuses a.parquet, though its address is new (status 403, 'Clock')"));
  hub_.faults.clear();
  hub_.refused_object = files_[0].sha256;
  fault_of_run(&sentence);
  EXPECT_THAT(sentence, HasSubstr("too large for us"));
}

TEST_F(Upload, LostAnswersAreLookedFor) {
  for (const int status : {0, 500, 504}) {
    for (const bool is_done : {true, false}) {
      add("f.txt", fmt::format("{} {}", status, is_done));
      files_.erase(files_.begin(), files_.end() - 1);
      const std::string parent = hub_.branches.at("main");
      hub_.faults = {{.on = "/commit/", .status = status, .is_done = is_done}};
      const UploadResult result = run();
      expect_published();
      EXPECT_EQ(hub_.parents.at(result.commit), parent);
    }
  }
}

TEST_F(Upload, BranchThatMoves) {
  add_dataset();
  const std::string head = hub_.branches.at("main");
  hub_.before = [&](const std::string& line) {
    if (line.find("/commit/") != std::string::npos) hub_.add_commit("main", {}, head, "other");
  };
  std::string sentence;
  EXPECT_EQ(fault_of_run(&sentence), HubFault::kMoved);
  EXPECT_THAT(sentence, HasSubstr(fmt::format("moved from {} to {}", head.substr(0, 12),
                                              hub_.branches.at("main").substr(0, 12))));
  EXPECT_THAT(hub_.files("main"), IsEmpty());
}

TEST_F(Upload, PartsOnAStagingBranch) {
  add_dataset(10);
  target_.files_per_commit = 4;
  const std::string parent = hub_.branches.at("main");
  hub_.before = [&](const std::string& line) {
    if (line.find("/commit/") != std::string::npos) {
      EXPECT_EQ(hub_.branches.at("main"), parent);
    }
  };
  EXPECT_EQ(run().num_commits, 3);
  expect_published();
  EXPECT_EQ(hub_.branches.size(), 1U);
  const std::string before_last = hub_.parents.at(hub_.branches.at("main"));
  EXPECT_FALSE(hub_.commits.at(before_last).contains("README.md"));
}

TEST_F(Upload, StagingGoesOnWhereItWasStopped) {
  add_dataset(10);
  target_.files_per_commit = 2;
  hub_.faults = {{.on = "/commit/", .is_stop = true, .skip = 3}};
  EXPECT_THROW(run(), Stopped);
  EXPECT_THAT(hub_.files("main"), IsEmpty());
  EXPECT_EQ(hub_.branches.size(), 2U);
  const int puts = hub_.count("PUT");
  EXPECT_EQ(run().num_commits, 3);
  EXPECT_EQ(hub_.count("PUT"), puts);
  expect_published();
  EXPECT_EQ(hub_.branches.size(), 1U);
}

TEST_F(Upload, StagingOfAnotherUploadIsRemoved) {
  add_dataset(10);
  target_.files_per_commit = 2;
  hub_.faults = {{.on = "/commit/", .is_stop = true, .skip = 3}};
  EXPECT_THROW(run(), Stopped);
  add("more.txt", "1");
  hub_.branches["qkscope-staging-of-mine"] = hub_.branches.at("main");
  run();
  expect_published();
  EXPECT_EQ(hub_.branches.size(), 2U);
  EXPECT_TRUE(hub_.branches.contains("qkscope-staging-of-mine"));
}

TEST_F(Upload, StagedUploadToABranchThatMoves) {
  add_dataset(10);
  target_.files_per_commit = 2;
  bool has_moved = false;
  hub_.before = [&](const std::string& line) {
    if (has_moved || line.find("/commit/") == std::string::npos) return;
    has_moved = true;
    hub_.add_commit("main", {}, "", "other");
  };
  EXPECT_EQ(fault_of_run(), HubFault::kMoved);
  EXPECT_THAT(hub_.files("main"), IsEmpty());
}

TEST_F(Upload, HubThatTakesLittleAtOnce) {
  add_dataset(10);
  hub_.most_operations = 3;
  run();
  expect_published();
  hub_.most_operations = 0;
  files_.pop_back();
  add("README.md", "other");
  EXPECT_EQ(fault_of_run(), HubFault::kTooLarge);
}

TEST_F(Upload, FileThatChanges) {
  add("a.parquet", "PAR1");
  hub_.before = [&](const std::string& line) {
    if (line.starts_with("PUT")) std::ofstream(folder_ / "a.parquet") << "other";
  };
  EXPECT_THAT(error_of([&] { run(); }), HasSubstr("was changed while it was being published"));
  EXPECT_THAT(hub_.files("main"), IsEmpty());
}

TEST_F(Upload, FileThatGitIgnores) {
  add_dataset();
  hub_.ignored = "README.md";
  EXPECT_THAT(error_of([&] { run(); }), HasSubstr(".gitignore names README.md"));
  EXPECT_THAT(hub_.files("main"), IsEmpty());
}

TEST_F(Upload, FinishedBranchIsCompared) {
  add_dataset();
  hub_.spoils_trees = true;
  EXPECT_THAT(error_of([&] { run(); }), HasSubstr("l00h00q/data.parquet has the digest 000"));
}

TEST_F(Upload, AddressesOfTheOfficialHubAreThoseOfTheEndpoint) {
  add("a.parquet", "PAR1");
  const auto client = hub_.client();
  const auto url_from = [&](const std::string& store) {
    hub_.store = store;
    return ask_lfs_uploads(*client, target_.repo, "main", {&files_[0]}).begin()->second.url;
  };
  EXPECT_EQ(url_from("https://huggingface.co/x"), "http://hub.test/x/put/" + files_[0].sha256);
  EXPECT_THAT(url_from("https://huggingface.community"), HasSubstr("https://huggingface.comm"));
  EXPECT_THROW(url_from("nowhere"), HubError);
}

TEST_F(Upload, ProgressEndsAtTheTotal) {
  add_dataset();
  TransferProgress last;
  const auto client = hub_.client();
  hub_.faults = {{.on = "PUT", .status = 500}};
  run_upload(*client, target_, plan(), files_,
             {.progress = [&](const TransferProgress& progress) { last = progress; }});
  EXPECT_TRUE(last.is_upload);
  EXPECT_EQ(last.files_done, 3);
  EXPECT_EQ(last.files_total, 3);
  EXPECT_EQ(last.bytes_done, last.bytes_total);
  EXPECT_EQ(last.bytes_total, 3 * 14);
}

TEST(UploadContent, NamesOfContents) {  // from base64, git hash-object and sha256sum
  const UploadFile file = describe_text("a", "hello\n");
  EXPECT_EQ(base64("hello\n"), "aGVsbG8K");
  EXPECT_EQ(base64("hello"), "aGVsbG8=");
  EXPECT_EQ(base64(""), "");
  EXPECT_EQ(git_blob_id(file), "ce013625030ba8dba906f756967f9e9ca394464a");
  EXPECT_EQ(file.sha256, "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03");
  EXPECT_EQ(first_bytes(file, 3), "hel");
}

}  // namespace
}  // namespace qk::upload_test
