// Documents on their way from rank 0, which alone reads the corpus, to the ranks that compute them.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <limits>
#include <map>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "capture/document_source.h"
#include "capture/memory_plan.h"
#include "capture/prepared_run.h"
#include "cluster/crew.h"

namespace qk {

// The text of a task. The names of documents stay on rank 0.
std::string encode_documents(std::span<const Document> documents);

// Throws Error if the bytes are no documents.
std::vector<Document> decode_documents(std::string_view bytes);

// How documents are put together to tasks.
struct TaskLimits {
  int64_t max_length = 0;       // tokens, at which a document is cut
  int64_t batch_tokens = 8192;  // another document is only added below this, estimated by bytes
  int64_t documents = 1;        // of one task, at most
};

// Rank 0's side: the documents of a source as tasks, in its order. The size of a task is an
// estimate of its tokens. Threads: one at a time.
class DocumentTasks {
 public:
  // REQUIRES: the source outlives the object.
  DocumentTasks(DocumentSource& source, const TaskLimits& limits);

  // Throws Error as the source does.
  std::optional<CrewTask> next();

 private:
  double tokens_of(const Document& document) const;

  DocumentSource& source_;
  TaskLimits limits_;
  int64_t num_tasks_ = 0;
  std::optional<Document> ahead_;
};

// The limits that fit a run: short documents of the corpus go together, but so that there are several
// tasks for every rank.
//   num_done  documents of the corpus that are left out
TaskLimits task_limits(const PreparedRun& run, const MemoryPlan& memory, int num_ranks,
                       int64_t num_done);

// A worker's side: the documents of its tasks, one after the other. Threads: any.
class RankDocuments : public DocumentSource {
 public:
  // REQUIRES: the worker outlives the object.
  explicit RankDocuments(Worker& worker) : worker_(worker) {}

  // Waits for the end of the stage too, unless cancel() was called.
  std::optional<Document> next(bool wait) override;
  void cancel() override { cancelled_ = true; }
  struct Ended {
    CrewTask task;  // without its text
    int64_t num_tokens = 0;
    double seconds = 0;
  };
  // This document of so many tokens is safe, and took so many seconds. Its task, if that was the last one of it.
  std::optional<Ended> end(int64_t document, int64_t num_tokens, double seconds);
  // next() takes no further task as long as so many are not safe.
  void limit_open(int64_t tasks) { most_open_ = tasks; }

 private:
  struct Open {
    Ended end;
    int64_t documents = 0;  // that are not safe
  };
  bool may_take_task() const;
  void add(CrewTask task);

  Worker& worker_;
  std::atomic<bool> cancelled_ = false;
  std::atomic<int64_t> most_open_ = std::numeric_limits<int64_t>::max();
  mutable std::mutex mutex_;  // of what follows
  std::deque<Document> waiting_;
  std::map<int64_t, int64_t> task_of_;  // by document
  std::map<int64_t, Open> open_;        // by task
};

}  // namespace qk
