#include "capture/document_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <thread>

#include "base/error.h"
#include "capture/corpus_documents.h"
#include "capture/test_run.h"

namespace qk {
namespace document_reader_test {

using testing::ElementsAre;
using testing::IsEmpty;

std::vector<int64_t> indexes(const std::vector<TokenizedDocument>& batch) {
  std::vector<int64_t> out;
  for (const TokenizedDocument& document : batch) out.push_back(document.index);
  return out;
}

const TextCorpus& corpus_of(const PreparedRun& run) {
  return static_cast<const TextCorpus&>(*run.corpus);
}

// How many texts are read while the caller waits.
int64_t read_meanwhile(const PreparedRun& run, int64_t expected) {
  const auto pause = [] { std::this_thread::sleep_for(std::chrono::milliseconds(20)); };
  for (int i = 0; i < 500 && corpus_of(run).num_read() < expected; ++i) pause();
  pause();
  return corpus_of(run).num_read();
}

TEST(DocumentReader, BatchesKeepTheOrderAndTheLimits) {
  const PreparedRun run = test_run({words(30), words(30), words(30), words(90), "", words(5)});
  MemoryPlan memory;
  memory.batch = {.documents = 3, .tokens = 64, .hard = true};
  CorpusDocuments source(run, {1});
  DocumentReader reader(run, memory, source);
  EXPECT_THAT(indexes(reader.next_batch()), ElementsAre(0, 2));
  const std::vector<TokenizedDocument> cut = reader.next_batch();
  EXPECT_THAT(indexes(cut), ElementsAre(3));
  EXPECT_EQ(cut[0].ids.size(), 64U);
  EXPECT_TRUE(cut[0].truncated);
  EXPECT_EQ(cut[0].example_id, 103);
  const std::vector<TokenizedDocument> last = reader.next_batch();
  EXPECT_THAT(indexes(last), ElementsAre(4, 5));
  EXPECT_EQ(last[0].outcome, DocumentOutcome::kEmpty);
  EXPECT_FALSE(last[1].truncated);
  EXPECT_THAT(reader.next_batch(), IsEmpty());
  EXPECT_THAT(reader.next_batch(), IsEmpty());
}

TEST(DocumentReader, SoftLimitsOnlyEndABatch) {
  const PreparedRun run = test_run({words(40), words(40), words(40), words(40)});
  MemoryPlan memory;
  memory.batch = {.documents = 8, .tokens = 64, .hard = false};
  CorpusDocuments source(run, {});
  DocumentReader reader(run, memory, source);
  EXPECT_THAT(indexes(reader.next_batch()), ElementsAre(0, 1));
  EXPECT_THAT(indexes(reader.next_batch()), ElementsAre(2, 3));
}

// The batches before the one that cannot be read are whole.
TEST(DocumentReader, AnErrorComesInPlaceOfItsBatch) {
  const PreparedRun run = test_run({words(3), words(4), words(5), "damaged", words(6)});
  MemoryPlan memory;
  memory.batch = {.documents = 2, .tokens = 64};
  CorpusDocuments source(run, {});
  DocumentReader reader(run, memory, source);
  EXPECT_THAT(indexes(reader.next_batch()), ElementsAre(0, 1));
  EXPECT_THAT([&] { reader.next_batch(); }, testing::ThrowsMessage<Error>("text 3: is damaged"));
}

TEST(DocumentReader, OneBatchIsReadAhead) {
  const PreparedRun run = test_run({words(3), words(4), words(5), words(6), words(7), words(8)});
  MemoryPlan memory;
  memory.batch = {.documents = 2, .tokens = 64};
  CorpusDocuments source(run, {});
  DocumentReader reader(run, memory, source);
  EXPECT_EQ(corpus_of(run).num_read(), 0);
  EXPECT_THAT(indexes(reader.next_batch()), ElementsAre(0, 1));
  EXPECT_EQ(read_meanwhile(run, 4), 4);
  EXPECT_THAT(indexes(reader.next_batch()), ElementsAre(2, 3));
  EXPECT_EQ(read_meanwhile(run, 6), 6);
}

// Within a budget the memory for tokenising is that of a text of the planned length.
TEST(DocumentReader, ALargeTextWaitsForTheForwardPass) {
  for (const int64_t budget : {int64_t{0}, int64_t{1} << 30}) {
    const PreparedRun run = test_run({words(3), words(4), words(2000), words(5), words(6)});
    MemoryPlan memory;
    memory.budget = budget;
    memory.tokenizer = 64 * 560;
    memory.batch = {.documents = 2, .tokens = 1000};
    CorpusDocuments source(run, {});
    DocumentReader reader(run, memory, source);
    EXPECT_THAT(indexes(reader.next_batch()), ElementsAre(0, 1));
    const int64_t num_read = budget > 0 ? 3 : 4;  // the large one is the third
    EXPECT_EQ(read_meanwhile(run, num_read), num_read);
    EXPECT_THAT(indexes(reader.next_batch()), ElementsAre(2, 3));
  }
}

TEST(DocumentReader, ATextBeyondTheBudgetIsRefused) {
  const PreparedRun run = test_run({words(2000)});
  MemoryPlan memory;
  memory.budget = 500'000;
  CorpusDocuments source(run, {});
  DocumentReader reader(run, memory, source);
  EXPECT_THAT([&] { reader.next_batch(); },
              testing::ThrowsMessage<Error>(testing::HasSubstr("text 0: a text of 7")));
}

// Has the documents of the corpus one at a time: after each, none for now.
struct Trickle : DocumentSource {
  explicit Trickle(const PreparedRun& run) : corpus(run, {}) {}
  std::optional<Document> next(bool wait) override {
    waits.push_back(wait);
    has_given = !has_given || wait;
    return has_given ? corpus.next(wait) : std::nullopt;
  }
  CorpusDocuments corpus;
  bool has_given = false;
  std::vector<bool> waits;
};

// A batch does not wait for a document that is yet to come, unless it has none.
TEST(DocumentReader, ABatchIsWhatTheSourceHasNow) {
  const PreparedRun run = test_run({words(3), words(4)});
  MemoryPlan memory;
  memory.batch = {.documents = 8, .tokens = 1000};
  Trickle source(run);
  DocumentReader reader(run, memory, source);
  EXPECT_THAT(indexes(reader.next_batch()), ElementsAre(0));
  EXPECT_THAT(indexes(reader.next_batch()), ElementsAre(1));
  EXPECT_THAT(reader.next_batch(), IsEmpty());
  EXPECT_TRUE(source.waits.front());
}

TEST(CorpusDocuments, LeavesOutWhatIsDoneAndOtherShards) {
  const auto indexes_of = [](DocumentSource& source) {
    std::vector<int64_t> out;
    while (const auto document = source.next(true)) out.push_back(document->index);
    return out;
  };
  PreparedRun run = test_run(std::vector<std::string>(10, "w1"));
  CorpusDocuments shard(run, {2, 3}, Shard{2, 3});
  EXPECT_THAT(indexes_of(shard), ElementsAre(5, 8));
  EXPECT_EQ(shard.num_read(), 10);
  EXPECT_EQ(shard.names().size(), 10U);
  PreparedRun other = test_run(std::vector<std::string>(4, "w1"));
  other.config.compat_reference = true;
  CorpusDocuments rest(other, {0, 2});
  EXPECT_THAT(indexes_of(rest), ElementsAre(1, 3));
  EXPECT_EQ(rest.num_read(), 4);
  EXPECT_THAT(rest.names(), IsEmpty());
}

}  // namespace document_reader_test
}  // namespace qk
