// What the plan counts against what is allocated.
#include "capture/memory_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "base/test_allocations.h"
#include "capture/block_collector.h"
#include "capture/capture_loop.h"
#include "capture/corpus_documents.h"
#include "capture/test_devices.h"
#include "capture/test_run.h"
#include "model/weight_pages.h"

namespace qk {
namespace memory_plan_test {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

// At least what is used, at most a fifth more.
void expect_counted(int64_t planned, int64_t used) {
  EXPECT_GE(planned, used - used / 50);  // the allocator's own
  EXPECT_LE(planned, used + used / 5);
}

// Layers of two query heads and one key head.
CapturePlan plan_of(int64_t num_layers, int64_t head_dim) {
  CapturePlan plan;
  plan.capture.sampler = SamplerType::kAll;
  plan.head_dim = head_dim;
  plan.layers.resize(static_cast<size_t>(num_layers));
  for (LayerPlan& layer : plan.layers) {
    layer.query_heads = {0, 1};
    layer.key_heads = {0};
  }
  return plan;
}

// The tap's rows of one layer and kind: zeros.
void take(BlockCollector& collector, int layer, Site site, const std::vector<int32_t>& rows,
          const std::vector<int32_t>& heads, int64_t head_dim) {
  const std::vector<float> values(rows.size() * heads.size() * static_cast<size_t>(head_dim));
  collector.take(layer, site, {values.data(), {std::ssize(rows), std::ssize(heads), head_dim}});
}

class Lists : public testing::Test {
 protected:
  void SetUp() override {
    if (!allocations_are_counted()) GTEST_SKIP() << "another allocator counts";
  }

  // The most that request and collector hold when a block leaves.
  static int64_t used(const CapturePlan& plan, std::span<const TokenizedDocument> documents,
                      int64_t& planned) {
    const int64_t before = allocated_bytes();
    const BatchRequest request = make_batch_request(plan, lengths_of(documents));
    planned = request.list_bytes() + request.largest_block_bytes(plan);
    int64_t tap_bytes = 0;  // of the rows that stand in for those of the forward pass
    int64_t most = 0;
    BlockCollector collector(plan, documents, request, nullptr, [&](const CaptureBlock&) {
      most = std::max(most, allocated_bytes() - before - tap_bytes);
    });
    const bool both = plan.capture.rope == CaptureRope::kBoth;
    for (size_t layer = 0; layer < plan.layers.size(); ++layer) {
      const LayerRequest& tap = request.tap.layers[layer];
      const auto give = [&](Site site, const std::vector<int32_t>& rows,
                            const std::vector<int32_t>& heads) {
        tap_bytes = std::ssize(rows) * std::ssize(heads) * plan.head_dim * 4;
        take(collector, static_cast<int>(layer), site, rows, heads, plan.head_dim);
      };
      if (both) give(Site::kQueryPreRope, tap.query_rows, tap.query_heads);
      give(Site::kQueryPostRope, tap.query_rows, tap.query_heads);
      if (both) give(Site::kKeyPreRope, tap.key_rows, tap.key_heads);
      give(Site::kKeyPostRope, tap.key_rows, tap.key_heads);
    }
    return most;
  }
};

TEST_F(Lists, OfEveryPosition) {
  std::vector<TokenizedDocument> documents(1);
  documents[0].ids.assign(200'000, 1);
  int64_t planned = 0;
  const int64_t bytes = used(plan_of(4, 1), documents, planned);
  expect_counted(planned, bytes);
}

// They are drawn into growing lists.
TEST_F(Lists, OfASampler) {
  CapturePlan plan = plan_of(4, 1);
  plan.capture.sampler = SamplerType::kUniform;
  plan.capture.base_rate = 0.7;
  plan.capture.min_bucket_size = 1;
  std::vector<TokenizedDocument> documents(1);
  documents[0].ids.assign(200'000, 1);
  int64_t planned = 0;
  const int64_t bytes = used(plan, documents, planned);
  expect_counted(planned, bytes);
}

// Its rows are not ascending: their order is kept beside them.
TEST_F(Lists, OfARowCap) {
  CapturePlan plan = plan_of(4, 1);
  plan.capture.max_rows_per_batch = 150'000;
  std::vector<TokenizedDocument> documents(1);
  documents[0].ids.assign(200'000, 1);
  int64_t planned = 0;
  const int64_t bytes = used(plan, documents, planned);
  expect_counted(planned, bytes);
}

TEST_F(Lists, AndVectorsOfBothColumns) {
  CapturePlan plan = plan_of(2, 32);
  plan.capture.rope = CaptureRope::kBoth;
  std::vector<TokenizedDocument> documents(3);
  for (TokenizedDocument& document : documents) document.ids.assign(10'000, 1);
  int64_t planned = 0;
  const int64_t bytes = used(plan, documents, planned);
  expect_counted(planned, bytes);
}

// Of a whole run: hidden states, keys and values, taps, rows, ids; nothing is tokenised when it is
// measured.
TEST(MemoryPlan, WorkIsWhatARunAllocates) {
  if (!allocations_are_counted()) GTEST_SKIP() << "another allocator counts";
  for (const CaptureRope rope : {CaptureRope::kPost, CaptureRope::kBoth}) {
    PreparedRun run = test_run({words(4'000)});
    run.config.tokenizer.max_length = 4'000;
    run.config.capture.rope = run.plan.capture.rope = rope;
    run.config.capture.max_rows_per_batch = run.plan.capture.max_rows_per_batch = 3'000;
    RunOptions options;
    options.num_threads = 1;
    options.forward.chunk_tokens = 1024;
    const MemoryPlan memory = plan_memory(run, options);
    const TestFolder folder;
    JournalWriter journal = JournalWriter::create(folder / "journal", "{}");
    ThreadPool pool(1);
    int64_t most = 0;
    const int64_t before = allocated_bytes();
    options.progress = [&](const RunProgress&) {
      most = std::max(most, allocated_bytes() - before);
    };
    CorpusDocuments source(run, {});
    CaptureLoop loop(run, options, memory, pool, source, {});
    EXPECT_TRUE(loop.run(journal));
    expect_counted(memory.work - memory.tokenizer, most);
  }
}

TEST(MemoryPlan, LessMemoryMeansFewerDocumentsThenSmallerChunks) {
  PreparedRun run = test_run({words(3)});
  run.config.inference.batch_size = 16;
  run.config.tokenizer.max_length = 4000;
  RunOptions options;
  options.num_threads = 1;
  options.forward.chunk_tokens = 4096;
  const MemoryPlan free = plan_memory(run, options);
  EXPECT_TRUE(free.fits);
  EXPECT_EQ(free.batch.documents, 16);
  EXPECT_FALSE(free.batch.hard);
  options.ram_bytes = free.peak() + (int64_t{16} << 20);
  MemoryPlan last = plan_memory(run, options);
  EXPECT_TRUE(last.fits);
  EXPECT_TRUE(last.batch.hard);
  EXPECT_FALSE(last.forward.stream_weights);
  bool fewer_documents = false, smaller_chunks = false;
  while (true) {
    options.ram_bytes -= 1 << 14;
    const MemoryPlan plan = plan_memory(run, options);
    if (!plan.fits || plan.forward.stream_weights) break;
    EXPECT_LE(plan.peak(), options.ram_bytes);
    if (plan.forward.chunk_tokens < last.forward.chunk_tokens) {
      smaller_chunks = true;
      EXPECT_TRUE(fewer_documents);                                   // first
      EXPECT_LE(last.batch.tokens, run.config.tokenizer.max_length);  // one document was left
    } else {
      fewer_documents = fewer_documents || plan.batch.tokens < last.batch.tokens;
    }
    last = plan;
  }
  EXPECT_TRUE(fewer_documents);
  EXPECT_TRUE(smaller_chunks);
  options.ram_bytes = 1 << 20;
  const MemoryPlan none = plan_memory(run, options);
  EXPECT_FALSE(none.fits);
  EXPECT_NE(none.advice.find("give --ram"), std::string::npos);
}

// Of a device with memory of its own.
TEST(MemoryPlan, ADeviceTakesAllWeightsOrTwoLayers) {
  PreparedRun run = test_run({words(3)});
  run.config.tokenizer.max_length = 4000;
  Backend half = shaped_backend();
  half.traits.dtype = DType::kBF16;
  constexpr int64_t kFree = int64_t{8} << 30;
  const TestDevices devices("cuda:0", {half}, {.free_bytes = kFree, .total_bytes = kFree});
  RunOptions options;
  options.num_threads = 1;
  options.devices = &devices;
  options.forward = {.chunk_tokens = 16384, .attention_tokens = kWholeDocuments};
  const MemoryPlan roomy = plan_memory(run, options);
  ASSERT_TRUE(roomy.fits && roomy.device);
  EXPECT_EQ(roomy.device->budget, kFree - (int64_t{512} << 20));
  EXPECT_FALSE(roomy.forward.stream_weights);
  const LayerWeights& layer = run.model.layers[0];
  int64_t numbers = 0;
  for (const WeightMatrix* matrix : {&layer.q_proj, &layer.k_proj, &layer.v_proj, &layer.o_proj,
                                     &layer.gate_proj, &layer.up_proj, &layer.down_proj}) {
    numbers += matrix->rows * matrix->cols;
  }
  EXPECT_EQ(roomy.device->weights, 5 * numbers * 2);
  options.vram_bytes = roomy.device->peak() - 1;
  const MemoryPlan streamed = plan_memory(run, options);
  ASSERT_TRUE(streamed.fits);
  EXPECT_TRUE(streamed.forward.stream_weights);
  EXPECT_EQ(streamed.device->weights, 2 * numbers * 2);
  EXPECT_LE(streamed.device->peak(), options.vram_bytes);
  EXPECT_EQ(streamed.forward.chunk_tokens, 16384);  // the last bits depend on it
  options.vram_bytes = streamed.device->weights;
  const MemoryPlan none = plan_memory(run, options);
  EXPECT_FALSE(none.fits);
  EXPECT_EQ(none.option, "--vram");
  for (const char* help : {"--vram", "--chunk-tokens 2048", "tokenizer.max_length"}) {
    EXPECT_NE(none.advice.find(help), std::string::npos) << none.advice;
  }
}

TEST(MemoryPlan, MemoryOfTheHostIsTheDevicesToo) {
  PreparedRun run = test_run({words(3)});
  const TestDevices devices("torch:cpu", {shaped_backend()});
  RunOptions options;
  options.num_threads = 1;
  options.forward = {.chunk_tokens = 16384, .attention_tokens = kWholeDocuments};
  options.devices = &devices;
  const MemoryPlan plan = plan_memory(run, options);
  ASSERT_TRUE(plan.device);
  EXPECT_EQ(plan.device->budget, 0);
  EXPECT_GE(plan.weights, plan.device->weights);
  EXPECT_GE(plan.work, plan.device->work);
  options.ram_bytes = plan.base + (int64_t{1} << 20);
  const MemoryPlan small = plan_memory(run, options);
  EXPECT_EQ(small.forward.chunk_tokens, 16384);
  options.ram_bytes = int64_t{1} << 20;
  EXPECT_EQ(plan_memory(run, options).option, "--ram");
}

// What a device has copied is not read again: a layer's pages are resident at once, on each device.
TEST(MemoryPlan, ADeviceWithMemoryOfItsOwnGivesPagesBack) {
  PreparedRun run = test_run({words(3)});
  constexpr int64_t kFree = int64_t{8} << 30;
  const DeviceMemory roomy{.free_bytes = kFree, .total_bytes = kFree};
  const TestDevices one("cuda:0", {shaped_backend()}, roomy);
  const TestDevices two("cuda:0,1", {shaped_backend(), shaped_backend()}, roomy);
  const WeightMatrix& table = run.model.embedding;
  const int64_t layer = layer_weight_bytes(run.model, 0);
  RunOptions options;
  options.num_threads = 1;
  options.devices = &one;
  EXPECT_EQ(plan_memory(run, options).weights, layer + table.rows * table.stride_bytes);
  options.ram_bytes = plan_memory(run, options).peak() + (int64_t{16} << 20);
  const MemoryPlan plan = plan_memory(run, options);
  EXPECT_TRUE(plan.fits);
  EXPECT_FALSE(plan.forward.stream_weights);
  options.devices = &two;
  EXPECT_EQ(plan_memory(run, options).weights, 2 * layer + table.rows * table.stride_bytes);
}

TEST(MemoryPlan, MemoryThatADeviceTakesOfTheHostIsCounted) {
  PreparedRun run = test_run({words(3)});
  constexpr int64_t kFree = int64_t{8} << 30;
  const DeviceMemory roomy{.free_bytes = kFree, .total_bytes = kFree};
  Backend staging = shaped_backend();
  staging.traits.own_host_bytes = 64 << 20;
  const TestDevices plain("cuda:0,1", {shaped_backend(), shaped_backend()}, roomy);
  const TestDevices staged("cuda:0,1", {staging, staging}, roomy);
  RunOptions options;
  options.num_threads = 1;
  options.devices = &plain;
  const int64_t work = plan_memory(run, options).work;
  options.devices = &staged;
  EXPECT_EQ(plan_memory(run, options).work, work + 2 * (64 << 20));
}

// What would help, and nothing that would not.
TEST(MemoryPlan, AdviceForADevice) {
  PreparedRun run = test_run({words(3)});
  run.config.tokenizer.max_length = 4000;
  constexpr int64_t kTotal = int64_t{16} << 20;
  const TestDevices devices("cuda:0", {shaped_backend()},
                            {.free_bytes = kTotal, .total_bytes = kTotal});
  RunOptions options;
  options.num_threads = 1;
  options.devices = &devices;
  options.vram_bytes = 1000;
  const auto advice = [&](int64_t chunk, int64_t attention) {
    options.forward = {.chunk_tokens = chunk, .attention_tokens = attention};
    const MemoryPlan plan = plan_memory(run, options);
    EXPECT_FALSE(plan.fits);
    EXPECT_EQ(plan.option, "--vram");
    return plan.advice;
  };
  EXPECT_THAT(advice(16384, kWholeDocuments),
              AllOf(HasSubstr("--chunk-tokens 2048"), Not(HasSubstr("--attention-tokens"))));
  EXPECT_THAT(advice(2048, kWholeDocuments),
              AllOf(HasSubstr("--chunk-tokens 1024"), HasSubstr("--attention-tokens 2048")));
  EXPECT_THAT(advice(1024, 1024), AllOf(HasSubstr("give --vram"), Not(HasSubstr("--chunk-tokens")),
                                        Not(HasSubstr("--attention-tokens"))));
  run.config.tokenizer.max_length = 400'000;  // needs more than the device has
  EXPECT_THAT(advice(1024, 1024), Not(HasSubstr("give --vram")));
}

TEST(MemoryPlan, TheLongestDocumentThatIsPlannedForHasALimit) {
  PreparedRun run = test_run({words(3)});
  run.config.tokenizer.max_length = kLongestPlanned + 1;
  constexpr int64_t kTotal = int64_t{16} << 30;
  const TestDevices devices("cuda:0", {shaped_backend()},
                            {.free_bytes = kTotal, .total_bytes = kTotal});
  RunOptions options;
  options.num_threads = 1;
  options.devices = &devices;
  const MemoryPlan plan = plan_memory(run, options);
  EXPECT_EQ(plan.option, "cuda:0");
  EXPECT_THAT(plan.advice, StartsWith("expected a tokenizer.max_length of at most 1048576, found "
                                      "1048577: memory is planned for a document of that many"));
  options.ram_bytes = 1 << 30;
  EXPECT_EQ(plan_memory(run, options).option, "--ram");
  EXPECT_THAT(plan_memory(run, options).advice,
              HasSubstr("at most 1048576 with it, found 1048577"));
}

// Blocks of several devices wait for their turn.
TEST(MemoryPlan, SeveralDevicesHoldBlocks) {
  PreparedRun run = test_run({words(3)});
  const TestDevices one("cuda:0", {shaped_backend()}, {.free_bytes = 1, .total_bytes = 1});
  const TestDevices two("cuda:0,1", {shaped_backend(), shaped_backend()},
                        {.free_bytes = 1, .total_bytes = 1});
  RunOptions options;
  options.num_threads = 1;
  options.vram_bytes = int64_t{1} << 30;
  options.devices = &one;
  const int64_t alone = plan_memory(run, options).work;
  options.devices = &two;
  const int64_t rows = int64_t{64} * 5 * (4 + 2);  // of a document
  EXPECT_GE(plan_memory(run, options).work, alone + 2 * kBatchesInFlight * rows * 8 * 4);
}

}  // namespace memory_plan_test
}  // namespace qk
