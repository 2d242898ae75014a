// Catalogs of datasets without a record: folders alone.
#include "heads/head_catalog.h"

#include <gtest/gtest.h>

#include "base/atomic_file.h"
#include "base/error.h"
#include "base/test_folder.h"

namespace qk {
namespace {

namespace fs = std::filesystem;

class Catalog : public testing::Test {
 protected:
  void make(std::initializer_list<const char*> heads, const fs::path& below = "") const {
    for (const char* head : heads) fs::create_directories(root_ / below / head);
  }

  HeadCatalog read() const {
    ThreadPool pool(2);
    return read_catalog(root_, model_dir_, configured_, compat_reference_, pool);
  }

  // The root's path in a sentence becomes R.
  std::string shortened(std::string text) const {
    for (size_t at; (at = text.find(root_.string())) != std::string::npos;) {
      text.replace(at, root_.string().size(), "R");
    }
    return text;
  }

  std::string fault() const {
    try {
      read();
    } catch (const Error& error) {
      return shortened(error.what());
    }
    return "";
  }

  std::vector<std::string> warnings() const {
    std::vector<std::string> out;
    for (const std::string& warning : read().warnings) out.push_back(shortened(warning));
    return out;
  }

  void give(int64_t layers, int64_t q_heads, int64_t k_heads) {
    configured_.num_layers = layers;
    configured_.num_q_heads = q_heads;
    configured_.num_k_heads = k_heads;
  }

  TestFolder folder_;
  fs::path root_ = folder_.path();
  std::string model_dir_;
  HeadCounts configured_;
  bool compat_reference_ = false;
};

TEST_F(Catalog, FoldersOfAllHeadsGiveTheMap) {
  make({"l00h00q", "l00h01q", "l00h02q", "l00h03q", "l00h00k", "l00h01k", "l01h02q", "l01h01k"});
  const HeadCatalog catalog = read();
  EXPECT_TRUE(catalog.is_counted);
  EXPECT_EQ(catalog.num_layers, 2);
  EXPECT_EQ(catalog.num_q_heads, 4);
  EXPECT_EQ(catalog.num_k_heads, 2);
  EXPECT_EQ(catalog.num_heads, 5);
  EXPECT_EQ(catalog.num_not_captured, 3);
  ASSERT_EQ(catalog.groups.size(), 3U);
  EXPECT_EQ(catalog.groups[1].k_head, 1);
  EXPECT_EQ(catalog.groups[1].q_heads, (std::vector<int64_t>{2, 3}));
}

TEST_F(Catalog, NumbersThatCannotBeInferredMustBeGiven) {
  make({"l00h05q", "l00h01k"});
  EXPECT_EQ(
      fault(),
      "num_q_heads: must be given: R does not record it, and not all of the first 6 heads were "
      "captured");
  give(1, 8, 2);
  const HeadCatalog catalog = read();
  EXPECT_FALSE(catalog.is_counted);
  ASSERT_EQ(catalog.groups.size(), 1U);
  EXPECT_EQ(catalog.groups[0].k_head, 1);
  EXPECT_EQ(catalog.num_not_captured, 7);
}

TEST_F(Catalog, WrongNumbersAreRefused) {
  make({"l00h00q", "l00h01q", "l00h02q", "l00h00k", "l00h01k"});
  EXPECT_EQ(fault(), "num_q_heads: expected a multiple of num_k_heads (2), found 3");
  give(1, 2, 2);
  EXPECT_EQ(fault(), "R: found l00h02q, though num_q_heads is 2");
  give(1, 4, 1);
  EXPECT_EQ(fault(), "R: found l00h01k, though num_k_heads is 1");
  make({"l02h00q"});
  give(2, 4, 2);
  EXPECT_EQ(fault(), "R: found l02h00q, though num_layers is 2");
  compat_reference_ = true;  // the original takes the first layers
  EXPECT_EQ(read().num_heads, 3);
}

// As the original: every head of the grid is tried, others are not looked at.
TEST_F(Catalog, TheConfiguredGridDecidesWithCompatReference) {
  make({"l00h00q", "l00h01q", "l00h02q", "l00h00k", "l00h01k", "l01h00q", "l01h00k"});
  compat_reference_ = true;
  give(1, 2, 1);
  HeadCatalog catalog = read();
  EXPECT_EQ(catalog.num_heads, 2);
  EXPECT_TRUE(catalog.missing.empty());
  EXPECT_EQ(warnings(),
            (std::vector<std::string>{
                "R: l00h01k and 3 more heads outside the grid of 1 layers, 2 query heads "
                "and 1 key heads are left out"}));
  give(2, 4, 2);
  catalog = read();
  EXPECT_EQ(catalog.num_heads, 4);
  EXPECT_EQ(catalog.num_not_captured, 4);
  ASSERT_EQ(catalog.missing.size(), 4U);
  EXPECT_EQ(catalog.missing[0].first, (HeadId{0, 3, 1}));
  EXPECT_EQ(catalog.missing[0].second, root_ / "l00h03q" / "data.parquet");
  give(1, 2, 2);
  fs::remove(root_ / "l00h01k");
  catalog = read();
  ASSERT_EQ(catalog.missing.size(), 1U);
  EXPECT_EQ(catalog.missing[0].second, root_ / "l00h01k" / "data.parquet");
  give(500'000, 4, 2);
  EXPECT_EQ(fault(),
            "num_layers and num_q_heads: expected at most 1000000 heads, found 500000 layers of 4");
}

TEST_F(Catalog, QueriesOrKeysAlone) {
  make({"l00h00q", "l00h01q"});
  EXPECT_EQ(fault(), "R: holds no keys");
  make({"l01h00k"});
  EXPECT_EQ(fault(), "R: no query head has the keys of its group in the dataset");
  make({"l01h01q"});
  const HeadCatalog catalog = read();
  EXPECT_EQ(catalog.num_heads, 1);
  EXPECT_EQ(catalog.without_keys.size(), 2U);
}

TEST_F(Catalog, TheOlderLayoutAndTheRoot) {
  make({"l00h00q", "l00h00k"}, "Some_Model");
  model_dir_ = "Some_Model";
  EXPECT_EQ(read().folder, root_ / "Some_Model");
  model_dir_ = "";
  EXPECT_EQ(read().folder, root_ / "Some_Model");
  model_dir_ = "Other_Model";
  EXPECT_EQ(
      fault(),
      "R: holds no heads, and no folder Other_Model: it has no folder like l00h00q; the heads "
      "lie in Some_Model: name that folder");
  make({"l00h00q", "l00h00k"});
  EXPECT_EQ(read().folder, root_);
  EXPECT_EQ(warnings(), (std::vector<std::string>{
                            "model_dir: R has no folder Other_Model: its own heads are read",
                            "R/Some_Model: is not read: it holds heads of its own, like l00h00k"}));
}

TEST_F(Catalog, ATableBesideTheHeadsDoesNotEndTheSearch) {
  make({"l00h00q", "l00h00k"}, "model");
  make({"l00h00q", "_delta_log"}, "another");
  EXPECT_EQ(read().folder, root_ / "model");
}

TEST_F(Catalog, ACaptureThatIsNotFinishedIsNoticed) {
  make({"l00h00q", "l00h00k", ".qkscope"});
  EXPECT_FALSE(read().is_unfinished);
  write_file(root_ / ".qkscope" / "journal", "x");
  EXPECT_TRUE(read().is_unfinished);
}

}  // namespace
}  // namespace qk
