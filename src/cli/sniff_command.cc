#include "cli/sniff_command.h"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "arch/registry.h"
#include "capture/run.h"
#include "cli/number_text.h"
#include "cli/plan_text.h"
#include "cli/progress_line.h"
#include "cli/stop_signal.h"

namespace qk {
namespace {

struct SniffFlags {
  std::string config;
  std::vector<std::string> overrides;
  std::string certificate;
  bool dry_run = false;
  bool overwrite = false;
  bool resume = false;
  bool quiet = false;
  int num_threads = 0;
  uint64_t ram_bytes = 0;
  int64_t chunk_tokens = ForwardOptions().chunk_tokens;
};

constexpr const char* kSniffExamples = R"(
Examples:
  qkscope sniff --config run.yaml --dry-run
  qkscope sniff --config run.yaml --set dataset.max_samples=4 --set output.data_root=data/try
  qkscope sniff --config run.yaml --resume

The file is the original tool's YAML. Ctrl-C finishes the documents in hand and says where the run
stands; a second one ends it at once. However a run ends, --resume goes on from the last document that
was whole, and the dataset has the same bytes; it begins where nothing was begun, and says so where all
is done. The result is told on stdout, progress and warnings on stderr.)";

void warn(const SniffConfig& config, size_t first) {
  for (size_t i = first; i < config.warnings.size(); ++i) {
    std::fprintf(stderr, "qkscope: warning: %s\n", config.warnings[i].c_str());
  }
}

double rate(int64_t count, double seconds) {
  return seconds > 0 ? static_cast<double>(count) / seconds : 0;
}

std::string report_text(const PreparedRun& run, const RunReport& report) {
  const std::string& folder = run.config.output.data_root;
  const double capture_seconds =
      report.times.tokenize + report.times.select + report.times.forward + report.times.journal;
  std::string out = fmt::format(
      "Captured {} of {} heads from {} ({}) in {}, {:.0f} tokens/s\n",
      plural(report.dataset.rows, "row"), count_text(std::ssize(report.dataset.configs)),
      plural(report.num_documents, "document"), plural(report.num_tokens, "token"),
      seconds_text(report.times.total), rate(report.num_tokens, capture_seconds));
  out += fmt::format("Dataset   {}: {} in {} files\n", folder,
                     bytes_text(static_cast<double>(report.dataset.bytes)),
                     count_text(std::ssize(report.dataset.configs)));
  if (report.peak_bytes > 0) {
    out +=
        fmt::format("Memory    {} at the peak", bytes_text(static_cast<double>(report.peak_bytes)));
    if (report.peak_mapped_bytes > 0) {
      out += fmt::format(", at most {} of it mapped files",
                         bytes_text(static_cast<double>(report.peak_mapped_bytes)));
    }
    out += "\n";
  }
  out += fmt::format("Look at it with   qkscope inspect {}\n", folder);
  return out;
}

std::string stopped_text(const RunReport& report) {
  return fmt::format(
      "stopped after {} with {}; they are whole in {}, no dataset was written; --resume goes on "
      "from "
      "there",
      plural(report.num_documents, "document"), plural(report.num_rows, "row"),
      report.journal.string());
}

// The timing breakdown of inference.debug_logging.
std::string times_text(const RunReport& report) {
  const RunTimes& times = report.times;
  const ForwardTimes& parts = times.parts;
  std::string out = "seconds\n";
  const auto line = [&](const char* name, double seconds) {
    out += fmt::format("  {:<12}{:9.3f}\n", name, seconds);
  };
  line("identify", times.identify);
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
  line("write", times.write);
  line("total", times.total);
  out += fmt::format("{} computed of {}; {:.1f} tokens/s and {:.1f} GFLOP/s in the forward pass\n",
                     plural(report.num_computed_tokens, "token"),
                     count_text(report.num_tokens - report.num_tokens_before),
                     rate(report.num_computed_tokens, times.forward),
                     times.forward > 0 ? parts.matmul_flop / times.forward * 1e-9 : 0.0);
  return out;
}

void warn_of_documents(const DocumentCounts& counts) {
  const auto warn_count = [](int64_t count, const char* what) {
    if (count == 0) return;
    std::fprintf(stderr, "qkscope: warning: %s %s\n", plural(count, "document").c_str(), what);
  };
  warn_count(counts.empty, "without a token gave no rows");
  warn_count(counts.no_text, "without text left out");
  warn_count(counts.not_utf8, "that is not UTF-8 left out");
  warn_count(counts.too_large, "with more bytes than dataset.max_text_bytes left out");
  warn_count(counts.not_finite, "with vectors that are not finite left out");
  warn_count(counts.repeated_ids,
             "with the id of an earlier one: their rows cannot be told apart by example_id");
}

int report_run(const PreparedRun& run, const RunReport& report) {
  if (report.was_whole) {
    std::fprintf(stdout, "%s is finished already, nothing to resume\n",
                 run.config.output.data_root.c_str());
    return 0;
  }
  warn_of_documents(report.documents);
  if (run.config.inference.debug_logging) std::fputs(times_text(report).c_str(), stderr);
  if (report.stopped) {
    std::fprintf(stderr, "qkscope: %s\n", stopped_text(report).c_str());
    return 1;
  }
  std::fputs(report_text(run, report).c_str(), stdout);
  return 0;
}

// A certificate is of the checkpoint as it stands.
void refuse_overrides(const SniffConfig& config) {
  if (config.model.config_overrides.empty()) return;
  fail(
      "--certificate: expected no model.config_overrides, found some: the certificate does not "
      "cover them");
}

int sniff(const SniffFlags& flags) {
  SniffConfig config = load_config(flags.config, flags.overrides);
  warn(config, 0);
  const size_t num_warnings = config.warnings.size();
  PreparedRun run = prepare_run(std::move(config), registry());
  warn(run.config, num_warnings);
  RunOptions options;
  options.overwrite = flags.overwrite;
  if (!flags.certificate.empty()) {
    refuse_overrides(run.config);
    options.certificate = read_certificate(flags.certificate);
  }
  options.resume = flags.resume;
  options.num_threads = flags.num_threads;
  options.ram_bytes = static_cast<int64_t>(flags.ram_bytes);
  options.forward.chunk_tokens = flags.chunk_tokens;
  if (flags.dry_run) {
    std::fputs(plan_text(run, options).c_str(), stdout);
    return 0;
  }
  options.stop = &watch_stop_signals();
  ProgressLine line;
  if (!flags.quiet) {
    options.progress = [&line](const RunProgress& progress) { line.show(progress); };
  }
  options.warn = [&line](const std::string& sentence) {
    line.end_line();
    std::fprintf(stderr, "qkscope: warning: %s\n", sentence.c_str());
  };
  const RunReport report = run_capture(run, options);
  line.end_line();
  return report_run(run, report);
}

}  // namespace

void add_sniff_command(CLI::App& app, int& exit_code) {
  const auto flags = std::make_shared<SniffFlags>();
  CLI::App* command = app.add_subcommand("sniff", "Captures query and key vectors into a dataset");
  command->add_option("--config", flags->config, "The run's YAML file")->required();
  command
      ->add_option("--set", flags->overrides,
                   "section.key=value: replaces a field of the file (repeatable)")
      ->allow_extra_args(false);
  command->add_option("--certificate", flags->certificate,
                      "Proof of `qkscope verify` to put into the dataset");
  command->add_flag("--dry-run", flags->dry_run, "Print the plan, capture nothing");
  CLI::Option* overwrite =
      command->add_flag("--overwrite", flags->overwrite,
                        "Replace the dataset, or discard the journal, that is in output.data_root");
  command
      ->add_flag("--resume", flags->resume,
                 "Go on with the interrupted run in output.data_root, to the same bytes")
      ->excludes(overwrite);
  command->add_option("--threads", flags->num_threads, "Threads (default: all cores)")
      ->check(CLI::Range(1, 1024));
  command
      ->add_option("--ram", flags->ram_bytes,
                   "Most memory at once, as 300MiB or 2GiB; weights that do not fit are streamed")
      ->transform(CLI::AsSizeValue(false))
      ->check(CLI::Range(uint64_t{1} << 20, uint64_t{1} << 50));
  command
      ->add_option("--chunk-tokens", flags->chunk_tokens,
                   "Tokens computed together: less needs less memory (default: 1024)")
      ->check(CLI::Range(int64_t{1}, int64_t{1} << 20));
  command->add_flag("--quiet", flags->quiet, "No progress on stderr");
  command->footer(kSniffExamples);
  command->fallthrough();
  command->callback([flags, &exit_code] { exit_code = sniff(*flags); });
}

}  // namespace qk
