#include "ranks/rank_documents.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>
#include <thread>

#include "base/test_error.h"

namespace qk {
namespace rank_documents_test {

using testing::ElementsAre;
using testing::HasSubstr;

class ListSource : public DocumentSource {
 public:
  explicit ListSource(std::vector<std::string> texts) {
    for (const std::string& text : texts) {
      documents_.push_back({.index = std::ssize(documents_), .text = text, .place = "a list"});
    }
  }
  std::optional<Document> next(bool /*wait*/) override {
    if (documents_.empty()) return std::nullopt;
    Document out = documents_.front();
    documents_.pop_front();
    if (out.text == "damaged") fail("text {}: is damaged", out.index);
    return out;
  }

 private:
  std::deque<Document> documents_;
};

// A worker with given tasks.
class ListWorker : public Worker {
 public:
  int rank() const override { return 0; }
  std::optional<Begin> next_stage() override { return std::nullopt; }
  std::optional<CrewTask> next_task(bool wait) override {
    const std::lock_guard lock(mutex);
    has_waited = has_waited || wait;
    if (tasks.empty()) return std::nullopt;
    CrewTask out = tasks.front();
    tasks.pop_front();
    return out;
  }
  bool ended() const override { return is_over; }
  void send_result(const CrewTask& /*task*/, std::string /*text*/) override {}
  void show(std::string /*progress*/) override {}

  std::mutex mutex;
  std::deque<CrewTask> tasks;
  std::atomic<bool> is_over = false;
  bool has_waited = false;
};

std::vector<std::vector<int64_t>> grouped(const std::vector<std::string>& texts,
                                          const TaskLimits& limits) {
  ListSource source(texts);
  DocumentTasks tasks(source, limits);
  std::vector<std::vector<int64_t>> out;
  while (const std::optional<CrewTask> task = tasks.next()) {
    EXPECT_EQ(task->id, std::ssize(out));
    out.emplace_back();
    for (const Document& document : decode_documents(task->text)) {
      out.back().push_back(document.index);
    }
  }
  return out;
}

TEST(RankDocuments, TravelWhole) {
  const std::vector<Document> documents = {
      {.index = 7, .example_id = -3, .text = std::string("a\0b", 3), .place = "x row 7"},
      {.index = 9, .example_id = 4, .text = "", .place = "y", .fault = TextFault::kNotUtf8}};
  const std::string bytes = encode_documents(documents);
  const std::vector<Document> back = decode_documents(bytes);
  ASSERT_EQ(back.size(), 2U);
  EXPECT_EQ(back[0].index, 7);
  EXPECT_EQ(back[0].example_id, -3);
  EXPECT_EQ(back[0].text, std::string("a\0b", 3));
  EXPECT_EQ(back[0].place, "x row 7");
  EXPECT_EQ(back[1].fault, TextFault::kNotUtf8);
  EXPECT_EQ(encode_documents(back), bytes);
  EXPECT_THAT(error_of([&] { decode_documents(bytes.substr(0, bytes.size() - 1)); }),
              HasSubstr("documents from rank 0: expected"));
  EXPECT_THAT(error_of([&] { decode_documents(bytes + "x"); }), HasSubstr("1 bytes more"));
  EXPECT_TRUE(decode_documents(encode_documents({})).empty());
}

TEST(DocumentTasks, ShortDocumentsGoTogether) {
  const std::vector<std::string> texts = {std::string(40, 'a'), std::string(40, 'b'),
                                          std::string(400, 'c'), "", std::string(40, 'd')};
  const TaskLimits limits{.max_length = 1000, .batch_tokens = 20, .documents = 10};
  EXPECT_THAT(grouped(texts, limits),
              ElementsAre(ElementsAre(0, 1), ElementsAre(2), ElementsAre(3, 4)));
  EXPECT_EQ(grouped(texts, {.max_length = 1000, .batch_tokens = 20, .documents = 1}).size(), 5U);
  // Cut to 5 tokens each.
  EXPECT_EQ(grouped(texts, {.max_length = 5, .batch_tokens = 20, .documents = 10}).size(), 1U);
}

TEST(DocumentTasks, LongerOnesAreLarger) {
  ListSource source({std::string(40, 'a'), std::string(80, 'b')});
  DocumentTasks tasks(source, {.max_length = 1000, .batch_tokens = 8, .documents = 10});
  EXPECT_EQ(tasks.next()->size, 10);
  EXPECT_EQ(tasks.next()->size, 20);
  EXPECT_FALSE(tasks.next());
}

TEST(DocumentTasks, WhatCannotBeReadIsSaid) {
  ListSource source({"a", "damaged"});
  DocumentTasks tasks(source, {});
  EXPECT_TRUE(tasks.next());
  EXPECT_EQ(error_of([&] { tasks.next(); }), "text 1: is damaged");
}

TEST(RankDocuments, ATaskEndsWithItsLastDocument) {
  ListSource source({"a", "b", "c"});
  DocumentTasks tasks(source, {.max_length = 9, .batch_tokens = 100, .documents = 2});
  ListWorker worker;
  while (auto task = tasks.next()) worker.tasks.push_back(*task);
  RankDocuments documents(worker);
  for (const char* text : {"a", "b", "c"}) EXPECT_EQ(documents.next(true)->text, text);
  EXPECT_FALSE(documents.next(false));
  EXPECT_FALSE(documents.end(1, 10, 1.5));
  EXPECT_EQ(documents.end(2, 5, 1)->num_tokens, 5);
  const auto last = documents.end(0, 20, 2);
  EXPECT_EQ(last->task.id, 0);
  EXPECT_EQ(last->num_tokens, 30);
  EXPECT_EQ(last->seconds, 3.5);
}

TEST(RankDocuments, WaitsForATaskUntilTheStageEnds) {
  ListSource source({"a"});
  DocumentTasks tasks(source, {});
  ListWorker worker;
  RankDocuments documents(worker);
  std::thread later([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    const std::lock_guard lock(worker.mutex);
    worker.tasks.push_back(*tasks.next());
  });
  EXPECT_EQ(documents.next(true)->text, "a");
  later.join();
  std::thread ends([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    worker.is_over = true;
  });
  EXPECT_FALSE(documents.next(true));
  ends.join();
}

TEST(RankDocuments, NoTaskIsTakenAheadOfTheLimit) {
  ListSource source({"a", "b", "c"});
  DocumentTasks tasks(source, {.max_length = 9, .batch_tokens = 100, .documents = 2});
  ListWorker worker;
  while (auto task = tasks.next()) worker.tasks.push_back(*task);
  RankDocuments documents(worker);
  documents.limit_open(1);
  EXPECT_EQ(documents.next(false)->text, "a");
  EXPECT_EQ(documents.next(false)->text, "b");  // of the same task
  EXPECT_FALSE(documents.next(false));
  EXPECT_FALSE(documents.end(0, 1, 1));
  EXPECT_FALSE(documents.next(false));
  EXPECT_TRUE(documents.end(1, 1, 1));
  EXPECT_EQ(documents.next(false)->text, "c");
}

TEST(RankDocuments, CancelEndsTheWaiting) {
  ListWorker worker;
  RankDocuments documents(worker);
  std::thread cancels([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    documents.cancel();
  });
  EXPECT_FALSE(documents.next(true));
  cancels.join();
  EXPECT_FALSE(worker.has_waited) << "cancel() could not end that";
}

}  // namespace rank_documents_test
}  // namespace qk
