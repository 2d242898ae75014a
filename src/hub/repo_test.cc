#include "hub/repo.h"

#include <gtest/gtest.h>

namespace qk {
namespace repo_test {

TEST(Repo, BranchNamesAreThoseThatGitTakes) {
  // `git check-ref-format --branch NAME` of git 2.39 says the same; refs/ and commits are the Hub's.
  for (const char* good : {"main", "my/branch", "a.b", "a-b_c", "v1.0", "x@y", "\xc3\xa9"}) {
    EXPECT_EQ(branch_name_fault(good), "") << good;
  }
  for (const char* bad :
       {"",     "/a",   "a/",        "a//b",
        ".a",   "a/.b", "a.lock",    "a.lock/b",
        "a..b", "a b",  "a~",        "a^",
        "a:",   "a?",   "a*",        "a[",
        "a\\",  "a.",   "@",         "a@{b",
        "-a",   "a\tb", "refs/pr/5", "0123456789abcdef0123456789abcdef01234567"}) {
    EXPECT_NE(branch_name_fault(bad), "") << bad;
  }
}

TEST(Repo, AddressesAreEncoded) {
  EXPECT_EQ(encode_segment("my/branch"), "my%2Fbranch");
  EXPECT_EQ(encode_segment("refs/convert/parquet"), "refs%2Fconvert%2Fparquet");
  EXPECT_EQ(encode_path("a b/c#d?e%f+\xc3\xa9-._~"), "a%20b/c%23d%3Fe%25f%2B%C3%A9-._~");
  EXPECT_EQ(page_path({RepoKind::kDataset, "org/d"}), "datasets/org/d");
  EXPECT_EQ(page_path({RepoKind::kModel, "gpt2"}), "gpt2");
}

TEST(Repo, RevisionAfterTheFirstAt) {
  EXPECT_EQ(split_revision("org/d").revision, "");
  EXPECT_EQ(split_revision("org/d@my/branch").revision, "my/branch");
  EXPECT_EQ(split_revision("org/d@x@y").id, "org/d");
  EXPECT_EQ(split_revision("org/d@x@y").revision, "x@y");
}

}  // namespace repo_test
}  // namespace qk
