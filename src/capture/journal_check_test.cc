#include "capture/journal_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "base/error.h"
#include "base/test_folder.h"
#include "sampling/row_selection.h"

namespace qk {
namespace {

using ::testing::HasSubstr;

CapturePlan plan_of_two_layers() {
  CapturePlan plan;
  plan.capture.sampler = SamplerType::kUniform;
  plan.capture.base_rate = 8;
  plan.capture.min_bucket_size = 16;
  plan.head_dim = 2;
  plan.layers.resize(2);
  plan.layers[0].query_heads = {0, 1};
  plan.layers[1].query_heads = {1};
  plan.layers[1].key_heads = {0};
  return plan;
}

CaptureBlock block_of(const CapturePlan& plan, int layer, Kind kind) {
  const RowSelector selector(plan.capture.row_rules(), BucketRule::kExact);
  CaptureBlock block;
  block.document = 0;
  block.example_id = 77;
  block.layer = layer;
  block.kind = kind;
  block.head_dim = 2;
  block.heads = plan.layers[static_cast<size_t>(layer)].heads(kind);
  RowSelection rows = selector.select(77, layer, kind, block.heads.front(), 40);
  block.positions = std::move(rows.positions);
  block.buckets = std::move(rows.buckets);
  block.vectors.resize(block.heads.size() * block.positions.size() * 2);
  return block;
}

// The message of check_journal_rows on a journal of these blocks; "" if it does not throw.
std::string message_for(const CapturePlan& plan, const std::vector<CaptureBlock>& blocks) {
  const auto path = std::filesystem::temp_directory_path() /
                    fmt::format("qk-verify-rows-{}-{}", ::getpid(), blocks.size());
  std::filesystem::remove(path);
  {
    JournalWriter writer = JournalWriter::create(path, "{}");
    for (const CaptureBlock& block : blocks) writer.append(block);
    writer.end_document(
        {.document = 0, .example_id = 77, .num_tokens = 40, .num_records = std::ssize(blocks)});
  }
  const JournalSet journal({path});
  std::filesystem::remove(path);
  ThreadPool pool(1);
  try {
    check_journal_rows(journal, plan, pool);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(JournalCheck, PlannedRowsAreFine) {
  const CapturePlan plan = plan_of_two_layers();
  EXPECT_EQ(message_for(plan, {block_of(plan, 0, Kind::kQuery), block_of(plan, 1, Kind::kQuery),
                               block_of(plan, 1, Kind::kKey)}),
            "");
}

TEST(JournalCheck, EveryDifferenceIsNamed) {
  const CapturePlan plan = plan_of_two_layers();
  const std::vector<CaptureBlock> good = {block_of(plan, 0, Kind::kQuery),
                                          block_of(plan, 1, Kind::kQuery),
                                          block_of(plan, 1, Kind::kKey)};
  EXPECT_THAT(message_for(plan, {good[0], good[1]}),
              HasSubstr("document 0, layer 1, keys: expected "));
  auto bad = good;
  bad[1].positions.pop_back();
  bad[1].buckets.pop_back();
  bad[1].vectors.resize(bad[1].vectors.size() - 2);
  EXPECT_THAT(message_for(plan, bad), HasSubstr("layer 1, queries: expected "));
  bad = good;
  ++bad[2].positions.back();
  EXPECT_THAT(message_for(plan, bad), HasSubstr("layer 1, keys: other positions than planned"));
  bad = good;
  ++bad[2].buckets.back();
  EXPECT_THAT(message_for(plan, bad), HasSubstr("layer 1, keys: other buckets than planned"));
  bad = good;
  bad[0].heads = {0, 2};
  EXPECT_THAT(message_for(plan, bad), HasSubstr("layer 0, queries: other heads than planned"));
  bad = good;
  bad[0].example_id = 78;
  EXPECT_THAT(message_for(plan, bad), HasSubstr("another example id"));
  bad = good;
  bad.push_back(good[2]);
  bad.back().kind = Kind::kKey;
  bad.back().layer = 0;
  EXPECT_THAT(message_for(plan, bad), HasSubstr("layer 0, keys: expected 0 rows, found "));
  bad = good;
  bad[2].layer = 5;
  EXPECT_THAT(message_for(plan, bad), HasSubstr("rows of layer 5, the model has 2 layers"));
}

// Documents 1 and 0, each in a journal of its own; the second one lacks a block.
TEST(JournalCheck, DocumentsOfSeveralJournalsAreChecked) {
  const CapturePlan plan = plan_of_two_layers();
  const TestFolder folder;
  for (const int64_t document : {1, 0}) {
    JournalWriter writer = JournalWriter::create(folder / std::to_string(document), "{}");
    std::vector<CaptureBlock> blocks = {block_of(plan, 0, Kind::kQuery),
                                        block_of(plan, 1, Kind::kQuery),
                                        block_of(plan, 1, Kind::kKey)};
    if (document == 0) blocks.pop_back();
    for (CaptureBlock& block : blocks) {
      block.document = document;
      writer.append(block);
    }
    writer.end_document({.document = document,
                         .example_id = 77,
                         .num_tokens = 40,
                         .num_records = std::ssize(blocks)});
  }
  ThreadPool pool(1);
  EXPECT_NO_THROW(check_journal_rows(JournalSet({folder / "1"}), plan, pool));
  EXPECT_THAT([&] { check_journal_rows(JournalSet({folder / "1", folder / "0"}), plan, pool); },
              testing::ThrowsMessage<Error>(
                  testing::StartsWith((folder / "0").string() + ": document 0, layer 1, keys: ")));
}

}  // namespace
}  // namespace qk
