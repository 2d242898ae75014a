#include "ranks/documents_in_time.h"

#include <algorithm>
#include <chrono>

namespace qk {

bool DocumentsInTime::may_begin(const CrewTask& task, const CaptureCounts& counts) {
  if (limit_ == nullptr) return true;
  estimates_[task.id] = task.size;
  const double ratio = estimated_ > 0 ? found_ / estimated_ : 1;
  const auto num_tokens = std::max<int64_t>(1, static_cast<int64_t>(task.size * ratio));
  if (limit_->fits(num_tokens)) return true;
  sentence_ = out_of_time_sentence(*limit_, counts.num_documents, num_tokens);
  return false;
}

void DocumentsInTime::end(int64_t task, const DocumentsAnswer& answer) {
  if (limit_ == nullptr) return;
  limit_->add(answer.task_tokens, answer.seconds);
  const auto estimate = estimates_.find(task);
  if (estimate == estimates_.end()) return;
  estimated_ += estimate->second;
  found_ += static_cast<double>(answer.task_tokens);
  estimates_.erase(estimate);
}

double system_seconds() {
  const auto since = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration<double>(since).count();
}

double end_of(const TimeLimit* limit) {
  return limit == nullptr ? 0 : system_seconds() + limit->left();
}

}  // namespace qk
