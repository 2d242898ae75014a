#include "analysis/analysis_run.h"

#include <chrono>
#include <map>
#include <mutex>

#include "analysis/analyze_group.h"
#include "analysis/memory_gate.h"

namespace qk {
namespace {

using Clock = std::chrono::steady_clock;

// Receives groups as they finish, passes them on in their order.
class OrderedResults {
 public:
  OrderedResults(const AnalysisOptions& options, int64_t num_heads)
      : options_(options), num_heads_(num_heads), start_(Clock::now()) {}

  void head_done() {
    const std::lock_guard lock(mutex_);
    ++num_done_;
    if (options_.progress) options_.progress(progress());
  }

  void add(int64_t group, std::vector<HeadResult> results) {
    const std::lock_guard lock(mutex_);
    waiting_.emplace(group, std::move(results));
    for (auto it = waiting_.begin(); it != waiting_.end() && it->first == next_;) {
      for (const HeadResult& result : it->second) take(result);
      it = waiting_.erase(it);
      ++next_;
    }
  }

  AnalysisReport finish() {
    report_.stopped = report_.num_heads + std::ssize(report_.failures) < num_heads_;
    report_.seconds = seconds();
    return std::move(report_);
  }

 private:
  void take(const HeadResult& result) {
    if (const auto* head = std::get_if<MeasuredHead>(&result)) {
      ++report_.num_heads;
      if (head->contradicts_ranges) ++report_.num_contradicting_ranges;
      if (options_.on_head) options_.on_head(head->metrics);
      return;
    }
    report_.failures.push_back(std::get<HeadFailure>(result));
  }

  double seconds() const { return std::chrono::duration<double>(Clock::now() - start_).count(); }

  AnalysisProgress progress() const {
    return {.done = num_done_, .total = num_heads_, .seconds = seconds()};
  }

  const AnalysisOptions& options_;
  int64_t num_heads_;
  Clock::time_point start_;
  std::mutex mutex_;
  int64_t num_done_ = 0;
  int64_t next_ = 0;
  std::map<int64_t, std::vector<HeadResult>> waiting_;
  AnalysisReport report_;
};

}  // namespace

AnalysisReport run_analysis(const AnalysisConfig& config, const HeadCatalog& catalog,
                            ThreadPool& pool, const AnalysisOptions& options) {
  MemoryGate memory(options.memory_bytes > 0 ? options.memory_bytes : default_memory_budget());
  OrderedResults results(options, catalog.num_heads);
  const auto stop = [&] { return options.stop != nullptr && options.stop->load(); };
  pool.parallel_for(std::ssize(catalog.groups), [&](int64_t index, int) {
    if (stop()) return;
    const HeadGroup& group = catalog.groups[static_cast<size_t>(index)];
    results.add(index,
                analyze_group(config, catalog, group, memory, stop, [&] { results.head_done(); }));
  });
  return results.finish();
}

}  // namespace qk
