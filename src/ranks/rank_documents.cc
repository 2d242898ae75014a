#include "ranks/rank_documents.h"

#include <algorithm>
#include <chrono>
#include <thread>
#include <utility>

#include "base/error.h"
#include "ranks/wire.h"

namespace qk {
namespace {

constexpr double kBytesOfToken = 4;
constexpr auto kPause = std::chrono::milliseconds(5);

}  // namespace

std::string encode_documents(std::span<const Document> documents) {
  WireWriter out;
  out.number(static_cast<uint64_t>(documents.size()));
  for (const Document& document : documents) {
    out.number(document.index);
    out.number(document.example_id);
    out.number(static_cast<uint8_t>(document.fault));
    out.text(document.place);
    out.text(document.text);
  }
  return out.take();
}

std::vector<Document> decode_documents(std::string_view bytes) {
  WireReader in(bytes, "documents from rank 0");
  std::vector<Document> out;
  for (auto left = in.number<uint64_t>(); left > 0; --left) {
    Document document;
    document.index = in.number<int64_t>();
    document.example_id = in.number<int64_t>();
    const auto fault = in.number<uint8_t>();
    if (fault > static_cast<uint8_t>(TextFault::kTooLarge)) {
      fail("documents from rank 0: there is no fault {}", fault);
    }
    document.fault = static_cast<TextFault>(fault);
    document.place = in.text();
    document.text = in.text();
    out.push_back(std::move(document));
  }
  in.end();
  return out;
}

DocumentTasks::DocumentTasks(DocumentSource& source, const TaskLimits& limits)
    : source_(source), limits_(limits) {}

double DocumentTasks::tokens_of(const Document& document) const {
  const double tokens = static_cast<double>(document.text.size()) / kBytesOfToken;
  return limits_.max_length > 0 ? std::min(tokens, static_cast<double>(limits_.max_length))
                                : tokens;
}

std::optional<CrewTask> DocumentTasks::next() {
  std::vector<Document> documents;
  double tokens = 0;
  while (std::ssize(documents) < std::max<int64_t>(1, limits_.documents)) {
    if (!ahead_) ahead_ = source_.next(/*wait=*/true);
    if (!ahead_) break;
    const double more = tokens_of(*ahead_);
    if (!documents.empty() && tokens + more > static_cast<double>(limits_.batch_tokens)) break;
    tokens += more;
    documents.push_back(*std::exchange(ahead_, std::nullopt));
  }
  if (documents.empty()) return std::nullopt;
  return CrewTask{.id = num_tasks_++, .size = tokens, .text = encode_documents(documents)};
}

TaskLimits task_limits(const PreparedRun& run, const MemoryPlan& memory, int num_ranks,
                       int64_t num_done) {
  constexpr int64_t kTasksOfRank = 8;
  TaskLimits out{.max_length = run.config.tokenizer.max_length,
                 .batch_tokens = memory.batch.tokens,
                 .documents = memory.batch.documents};
  if (const std::optional<int64_t> all = run.corpus->num_documents()) {
    const int64_t share = (*all - num_done) / (kTasksOfRank * num_ranks);
    out.documents = std::clamp<int64_t>(share, 1, std::max<int64_t>(1, out.documents));
  }
  return out;
}

void RankDocuments::add(CrewTask task) {
  std::vector<Document> documents = decode_documents(task.text);
  task.text.clear();
  const std::lock_guard lock(mutex_);
  Open& open = open_[task.id];
  open.documents = std::ssize(documents);
  for (Document& document : documents) {
    task_of_[document.index] = task.id;
    waiting_.push_back(std::move(document));
  }
  open.end.task = std::move(task);
}

std::optional<Document> RankDocuments::next(bool wait) {
  while (!cancelled_) {
    {
      const std::lock_guard lock(mutex_);
      if (!waiting_.empty()) {
        Document out = std::move(waiting_.front());
        waiting_.pop_front();
        return out;
      }
    }
    // Not with `wait`, which cancel() could not end.
    if (may_take_task()) {
      if (std::optional<CrewTask> task = worker_.next_task(/*wait=*/false)) {
        add(*std::move(task));
        continue;
      }
    }
    if (!wait || worker_.ended()) break;
    std::this_thread::sleep_for(kPause);
  }
  return std::nullopt;
}

std::optional<RankDocuments::Ended> RankDocuments::end(int64_t document, int64_t num_tokens,
                                                       double seconds) {
  const std::lock_guard lock(mutex_);
  const auto found = task_of_.find(document);
  QK_CHECK(found != task_of_.end());
  const auto open = open_.find(found->second);
  task_of_.erase(found);
  open->second.end.num_tokens += num_tokens;
  open->second.end.seconds += seconds;
  if (--open->second.documents > 0) return std::nullopt;
  Ended out = std::move(open->second.end);
  open_.erase(open);
  return out;
}

bool RankDocuments::may_take_task() const {
  const std::lock_guard lock(mutex_);
  return std::ssize(open_) < most_open_;
}

}  // namespace qk
