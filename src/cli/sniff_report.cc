#include "cli/sniff_report.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "base/number_text.h"
#include "base/range_text.h"
#include "capture/failed_run.h"
#include "cli/stop_signal.h"

namespace qk {
namespace {

double rate(int64_t count, double seconds) {
  return seconds > 0 ? static_cast<double>(count) / seconds : 0;
}

std::string report_text(const PreparedRun& run, const RunReport& report) {
  const std::string& folder = run.config.output.data_root;
  const CaptureCounts& counts = report.counts;
  std::string out = fmt::format(
      "Captured {} of {} heads from {} ({}) in {}{}\n", plural(report.dataset.rows, "row"),
      count_text(std::ssize(report.dataset.configs)),
      plural(counts.num_documents - report.documents.skipped(), "document"),
      plural(counts.num_tokens, "token"), seconds_text(report.times.total),
      speed_text(counts, /*of_part=*/counts.num_tokens_before > 0));
  out += fmt::format("Dataset   {}: {} in {} files\n", folder,
                     bytes_text(static_cast<double>(report.dataset.bytes)),
                     count_text(std::ssize(report.dataset.configs)));
  if (report.peak_bytes > 0) {
    out +=
        fmt::format("Memory    {} at the peak", bytes_text(static_cast<double>(report.peak_bytes)));
    if (counts.peak_mapped_bytes > 0) {
      out += fmt::format(", at most {} of it mapped files",
                         bytes_text(static_cast<double>(counts.peak_mapped_bytes)));
    }
    out += "\n";
  }
  if (report.stage.stages()) {
    std::string sent;
    if (report.staged_on_others > 0) {
      sent = fmt::format(", read once, sent to {} other nodes", report.staged_on_others);
    }
    out += fmt::format("Weights   {} staged {} in {}{}\n",
                       bytes_text(static_cast<double>(report.staged_bytes)),
                       place_text(report.stage), seconds_text(report.times.stage), sent);
  }
  out += fmt::format("Inspect it with   qkscope inspect {}\n", folder);
  return out;
}

// docs/command-line.md explains the keys.
std::string report_json(const PreparedRun& run, const RunReport& report) {
  nlohmann::ordered_json out = {
      {"schema", 1}, {"dataset", run.config.output.data_root}, {"was_finished", report.was_whole}};
  if (!report.was_whole) {
    out["documents"] = report.counts.num_documents - report.documents.skipped();
    out["tokens"] = report.counts.num_tokens;
    out["rows"] = report.dataset.rows;
    out["heads"] = report.dataset.configs.size();
    out["bytes"] = report.dataset.bytes;
    out["seconds"] = report.times.total;
    out["peak_bytes"] = report.peak_bytes;
  }
  return out.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

std::string stopped_text(const RunOptions& options, const RunReport& report) {
  const std::string go_on = continue_text(options, report);
  if (report.counts.num_documents == 0 && !report.out_of_time.empty()) {
    return fmt::format("{}; {}", report.out_of_time, go_on);
  }
  if (report.counts.num_documents == 0) {
    if (!report.resumed) return fmt::format("stopped before the first document; {}", go_on);
    return fmt::format("stopped before the next document; earlier ones are kept in {}; {}",
                       report.journal.parent_path().string(), go_on);
  }
  if (!report.out_of_time.empty()) {
    return fmt::format("{}; they are kept in {}, and no dataset was written; {}",
                       report.out_of_time, report.journal.parent_path().string(), go_on);
  }
  return fmt::format(
      "stopped after {} with {}; they are kept in {}, and no dataset was written; {}",
      plural(report.counts.num_documents, "document"), plural(report.counts.num_rows, "row"),
      report.journal.string(), go_on);
}

// "17, 49, 81", of many the first ones and "...".
std::string list_text(const std::vector<int64_t>& numbers) {
  constexpr size_t kMost = 12;
  const std::span<const int64_t> shown = std::span(numbers).first(std::min(numbers.size(), kMost));
  return fmt::format("{}{}", fmt::join(shown, ", "), numbers.size() > kMost ? ", ..." : "");
}

std::string shard_text(const Shard& shard, const RunReport& report) {
  const CaptureCounts& counts = report.counts;
  const int64_t num_new = counts.num_documents - counts.num_documents_before;
  return fmt::format(
      "Captured {} of shard {} ({} in all, {}) in {}{}\n"
      "Journals  {}; with --finish they become the dataset once no document is missing\n",
      plural(num_new, "document"), to_text(shard), count_text(counts.num_documents),
      plural(counts.num_rows, "row"), seconds_text(report.times.total),
      speed_text(counts, /*of_part=*/false), report.journal.parent_path().string());
}

// The timing breakdown of inference.debug_logging.
std::string times_text(const RunReport& report) {
  const CaptureCounts& counts = report.counts;
  const CaptureTimes& times = counts.times;
  const ForwardTimes& parts = times.parts;
  std::string out = "seconds\n";
  const auto line = [&](const char* name, double seconds) {
    out += fmt::format("  {:<12}{:9.3f}\n", name, seconds);
  };
  if (report.stage.stages()) line("stage", report.times.stage);
  line("identify", report.times.identify);
  line("tokenize", times.tokenize);
  line("select", times.select);
  line("forward", times.forward);
  line("  embedding", parts.embedding);
  line("  norm", parts.norm);
  line("  linear", parts.linear);
  line("  rope", parts.rope);
  line("  attention", parts.attention);
  line("  activation", parts.activation);
  line("  tap", parts.tap);
  line("journal", times.journal);
  line("write", report.times.write);
  line("total", report.times.total);
  out += fmt::format("{} computed of {}; {:.1f} tokens/s and {:.1f} GFLOP/s in the forward pass\n",
                     plural(counts.num_computed_tokens, "token"),
                     count_text(counts.num_tokens - counts.num_tokens_before),
                     rate(counts.num_computed_tokens, times.forward),
                     times.forward > 0 ? parts.matmul_flop / times.forward * 1e-9 : 0.0);
  return out;
}

void warn_of_documents(const DocumentCounts& counts) {
  const auto warn_count = [](int64_t count, const char* what) {
    if (count == 0) return;
    std::fprintf(stderr, "qkscope: warning: %s %s\n", plural(count, "document").c_str(), what);
  };
  warn_count(counts.empty, "without tokens: no rows");
  warn_count(counts.no_text, "skipped: no text");
  warn_count(counts.not_utf8, "skipped: not UTF-8");
  warn_count(counts.too_large, "skipped: more bytes than dataset.max_text_bytes");
  warn_count(counts.not_finite, "skipped: vectors that are not finite");
  warn_count(counts.repeated_ids,
             "with the id of an earlier one: example_id cannot distinguish their rows, and analyze "
             "refuses a head in which a row occurs twice, as where two of these documents begin "
             "alike");
}

}  // namespace

std::string missing_text(const RunReport& report) {
  const bool one = report.missing.size() == 1;
  std::string text = fmt::format("document{} {} {} missing", one ? "" : "s",
                                 list_text(report.missing), one ? "is" : "are");
  if (report.num_shards == 0) return text + ": --resume captures " + (one ? "it" : "them");
  std::set<int32_t> shards;
  for (const int64_t document : report.missing) {
    shards.insert(static_cast<int32_t>(document % report.num_shards));
  }
  const bool one_shard = shards.size() == 1;
  return text + fmt::format(" (shard{} {} of {}): run {} again", one_shard ? "" : "s",
                            ranges_text({shards.begin(), shards.end()}, ","), report.num_shards,
                            one_shard ? "it" : "them");
}

std::string speed_text(const CaptureCounts& counts, bool of_part) {
  const CaptureTimes& times = counts.times;
  const int64_t num_new = counts.num_tokens - counts.num_tokens_before;
  const double seconds = times.tokenize + times.select + times.forward + times.journal;
  if (num_new <= 0 || seconds <= 0) return "";
  return fmt::format("{}{:.0f} tokens/s",
                     of_part ? fmt::format("; this start: {}, ", plural(num_new, "token")) : ", ",
                     rate(num_new, seconds));
}

std::string continue_text(const RunOptions& options, const RunReport& report) {
  if (report.must_overwrite) return "only --overwrite begins this run again";
  return continue_text(options);
}

int report_run(const PreparedRun& run, const RunOptions& options, const RunReport& report,
               bool as_json) {
  if (report.was_whole) {
    const std::string text = fmt::format("{} is finished already; there is nothing to resume\n",
                                         run.config.output.data_root);
    std::fputs(as_json ? report_json(run, report).c_str() : text.c_str(), stdout);
    return 0;
  }
  warn_of_documents(report.documents);
  if (run.config.inference.debug_logging) std::fputs(times_text(report).c_str(), stderr);
  if (report.stopped) {
    std::fprintf(stderr, "qkscope: %s\n", stopped_text(options, report).c_str());
    return kExitStopped;
  }
  if (!report.missing.empty()) {
    std::fprintf(stderr, "qkscope: %s\n", missing_text(report).c_str());
    return kExitStopped;
  }
  const std::string text = as_json         ? report_json(run, report)
                           : options.shard ? shard_text(*options.shard, report)
                                           : report_text(run, report);
  std::fputs(text.c_str(), stdout);
  return 0;
}

}  // namespace qk
