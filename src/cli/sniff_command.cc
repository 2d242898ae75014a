#include "cli/sniff_command.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <atomic>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "arch/registry.h"
#include "base/error.h"
#include "base/home_path.h"
#include "capture/design.h"
#include "capture/device_choice.h"
#include "capture/disk_room.h"
#include "capture/memory_plan.h"
#include "capture/run.h"
#include "cli/common_options.h"
#include "cli/device_flags.h"
#include "cli/hub_session.h"
#include "cli/number_text.h"
#include "cli/plan_text.h"
#include "cli/progress_line.h"
#include "cli/publish_text.h"
#include "cli/sniff_publish.h"
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
  bool no_upload = false;
  bool quiet = false;
  int num_threads = 0;
  int64_t ram_bytes = 0;
  DeviceFlags device;
};

constexpr const char* kSniffExamples = R"(
Examples:
  qkscope sniff run.yaml --dry-run
  qkscope sniff run.yaml --set dataset.max_samples=4 --set output.data_root=data/try
  qkscope sniff run.yaml --resume

The YAML file has the original tool's format. Ctrl-C, SIGTERM, SIGHUP, SIGUSR1 and SIGUSR2 finish the
documents in progress and then stop with exit code 75; only a second Ctrl-C stops at once. However a run
was interrupted, --resume continues after the last complete document, and the finished dataset is
byte-identical to that of an uninterrupted run. --resume starts a new run if there is none, and does
nothing if the dataset is complete. With output.hf_repo_id the finished dataset is published, as `qkscope
publish` does it; what could keep it from that is checked before the work, and --resume publishes what is
finished and not published. Results go to stdout, progress and warnings to stderr.)";

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
  const CaptureCounts& counts = report.counts;
  const CaptureTimes& times = counts.times;
  const double capture_seconds = times.tokenize + times.select + times.forward + times.journal;
  std::string out = fmt::format(
      "Captured {} of {} heads from {} ({}) in {}, {:.0f} tokens/s\n",
      plural(report.dataset.rows, "row"), count_text(std::ssize(report.dataset.configs)),
      plural(counts.num_documents - report.documents.skipped(), "document"),
      plural(counts.num_tokens, "token"), seconds_text(report.times.total),
      rate(counts.num_tokens - counts.num_tokens_before, capture_seconds));
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
  out += fmt::format("Inspect it with   qkscope inspect {}\n", folder);
  return out;
}

std::string stopped_text(const RunReport& report) {
  if (report.counts.num_documents == 0) {
    if (!report.resumed) return "stopped before the first document; use --resume to continue";
    return fmt::format(
        "stopped before the next document; earlier ones are kept in {}; use --resume to continue",
        report.journal.string());
  }
  return fmt::format(
      "stopped after {} with {}; they are kept in {}, and no dataset was written; use --resume to "
      "continue",
      plural(report.counts.num_documents, "document"), plural(report.counts.num_rows, "row"),
      report.journal.string());
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
             "with the id of an earlier one: example_id cannot distinguish their rows");
}

int report_run(const PreparedRun& run, const RunReport& report) {
  if (report.was_whole) {
    std::fprintf(stdout, "%s is finished already; there is nothing to resume\n",
                 run.config.output.data_root.c_str());
    return 0;
  }
  warn_of_documents(report.documents);
  if (run.config.inference.debug_logging) std::fputs(times_text(report).c_str(), stderr);
  if (report.stopped) {
    std::fprintf(stderr, "qkscope: %s\n", stopped_text(report).c_str());
    return kExitStopped;
  }
  std::fputs(report_text(run, report).c_str(), stdout);
  return 0;
}

// What the design lacks even if all documents are as long as max_length allows.
void warn_of_design(const PreparedRun& run) {
  const std::optional<int64_t> documents = run.corpus->num_documents();
  if (!documents) return;
  const std::vector<int64_t> lengths = {planned_length(run.config)};
  const std::vector<BucketDesign> buckets =
      design_buckets(run.config.capture, lengths, static_cast<double>(*documents));
  for (const std::string& sentence : design_warnings(run.plan, buckets)) {
    std::fprintf(stderr, "qkscope: warning: %s\n", sentence.c_str());
  }
}

// A certificate covers the checkpoint's own configuration only.
void refuse_overrides(const SniffConfig& config) {
  if (config.model.config_overrides.empty()) return;
  fail(
      "--certificate: expected no model.config_overrides, found some: the certificate does not "
      "cover them");
}

// Prints the plan. Returns the exit code: 1 if the run does not fit in --ram, or on the disk.
//   publishing  where the dataset goes; empty: nowhere
int dry_run(const PreparedRun& run, const RunOptions& options, const std::string& publishing) {
  QK_CHECK(options.devices != nullptr);
  const MemoryPlan memory = plan_memory(run, options);
  const CorpusLengths lengths = measure_lengths(run);
  const DiskRoom disk = plan_disk(run, lengths);
  const DiskRoom download = plan_download(run);
  std::fputs(plan_text(run, memory, *options.devices, lengths).c_str(), stdout);
  std::fputs(output_text(run.config, disk, publishing).c_str(), stdout);
  if (disk.fits() && !download.fits()) {
    std::fprintf(stdout, "DOES NOT FIT: %s\n", disk_sentence(run.model.source, download).c_str());
  }
  return memory.fits && download.fits() && !disk.is_hopeless() ? 0 : 1;
}

std::string publishing_text(const SniffConfig& config, const std::optional<PublishCheck>& check) {
  if (!check) return "";
  const PublishRequest request = publish_request(config, 0);
  return publish_check_text(*check, request.branch, request.is_private);
}

// A finished dataset that --resume finds needs no room.
void refuse_full_disk(PreparedRun& run, bool resumes, Resolver& resolver) {
  const std::filesystem::path card =
      std::filesystem::path(run.config.output.data_root) / "README.md";
  if (std::error_code error; resumes && std::filesystem::exists(card, error)) return;
  const std::string warning = check_disk(run, resolver);
  if (!warning.empty()) std::fprintf(stderr, "qkscope: warning: %s\n", warning.c_str());
}

// Weights come last, once it is known that the rest is in order and that there is room for all.
PreparedRun prepare(const SniffFlags& flags, const SniffConfig& config, Resolver& resolver) {
  {
    PreparedRun plan = prepare_run(config, registry(), resolver, /*plan_only=*/true);
    if (flags.dry_run) return plan;
    refuse_full_disk(plan, flags.resume, resolver);
    if (plan.model.unbrought.empty()) return plan;
  }
  return prepare_run(config, registry(), resolver, /*plan_only=*/false);
}

int sniff(const SniffFlags& flags) {
  const std::atomic<bool>* stop = flags.dry_run ? nullptr : &watch_stop_signals();
  if (flags.config.empty()) {
    fail("sniff: no run was given: type `qkscope sniff run.yaml` (see qkscope sniff --help)");
  }
  SniffConfig config = load_config(expand_home(flags.config), flags.overrides);
  warn(config, 0);
  const size_t num_warnings = config.warnings.size();
  const std::unique_ptr<Devices> devices = open_chosen(config, flags.device, flags.num_threads);
  HubSession hub({.quiet = flags.quiet});
  const bool publishes = config.output.hf_repo_id && !flags.no_upload;
  HubSession publisher({.quiet = flags.quiet, .publishes = true});
  std::optional<PublishCheck> check;
  if (publishes) check = check_publishing(publisher, config);
  PreparedRun run = prepare(flags, config, hub.resolver());
  if (flags.dry_run) {
    publisher.end();
    hub.end();
  }
  warn(run.config, num_warnings);
  RunOptions options;
  options.devices = devices.get();
  options.overwrite = flags.overwrite;
  if (!flags.certificate.empty()) {
    refuse_overrides(run.config);
    options.certificate = read_certificate(expand_home(flags.certificate));
  }
  options.resume = flags.resume;
  options.num_threads = flags.num_threads;
  options.ram_bytes = flags.ram_bytes;
  options.vram_bytes = flags.device.vram_bytes;
  options.forward = forward_options(options.backend().traits, flags.device.chunks);
  if (flags.dry_run) return dry_run(run, options, publishing_text(run.config, check));
  warn_of_design(run);
  options.stop = stop;
  ProgressLine line;
  if (!flags.quiet) {
    options.progress = [&line](const RunProgress& progress) { line.show(progress); };
  }
  options.warn = [&line](const std::string& sentence) {
    line.end_line();
    std::fprintf(stderr, "qkscope: warning: %s\n", sentence.c_str());
  };
  if (run.config.inference.debug_logging) {
    std::fprintf(stderr, "device %s: %s\n", device_line(run, *devices).c_str(),
                 devices->reason().c_str());
  }
  const RunReport report = run_capture(run, options);
  line.end_line();
  const int code = report_run(run, report);
  if (code != 0 || !publishes) return code;
  std::fflush(stdout);
  PublishRequest request = publish_request(run.config, flags.num_threads);
  request.check = check;
  return publish_finished(publisher, request);
}

void add_inputs(CLI::App& command, SniffFlags& flags) {
  command.add_option("--config,config", flags.config, "YAML file of the run")
      ->type_name("FILE")
      ->group(kInputGroup);
  command.add_option("--set", flags.overrides, "Replace a field of the file (repeatable)")
      ->type_name("SECTION.KEY=VALUE")
      ->allow_extra_args(false)
      ->group(kInputGroup);
  command
      .add_option("--certificate", flags.certificate,
                  "Certificate from `qkscope verify` to embed in the dataset")
      ->type_name("FILE")
      ->check(not_empty())
      ->group(kInputGroup);
}

void add_outputs(CLI::App& command, SniffFlags& flags) {
  command.add_flag("--dry-run", flags.dry_run, "Print the plan and capture nothing")
      ->group(kOutputGroup);
  CLI::Option* overwrite =
      command
          .add_flag("--overwrite", flags.overwrite,
                    "Replace the dataset or discard the journal in output.data_root")
          ->group(kOutputGroup);
  command
      .add_flag("--resume", flags.resume,
                "Resume the interrupted run in output.data_root; the result is byte-identical")
      ->excludes(overwrite)
      ->group(kOutputGroup);
  command
      .add_flag("--no-upload", flags.no_upload,
                "Do not publish the dataset, though the run has output.hf_repo_id")
      ->group(kOutputGroup);
  command.add_flag("--quiet", flags.quiet, "Show no progress")->group(kOutputGroup);
}

void add_resources(CLI::App& command, SniffFlags& flags) {
  add_threads(command, flags.num_threads, " (default: all cores); one more tokenises")
      ->group(kResourcesGroup);
  add_ram(command, flags.ram_bytes,
          "Memory limit, e.g. 300MiB or 2GB; weights that do not fit are streamed")
      ->group(kResourcesGroup);
  add_device_flags(command, flags.device);
}

}  // namespace

void add_sniff_command(CLI::App& app, int& exit_code) {
  const auto flags = std::make_shared<SniffFlags>();
  CLI::App* command = app.add_subcommand("sniff", "Capture query and key vectors into a dataset");
  add_inputs(*command, *flags);
  add_outputs(*command, *flags);
  add_resources(*command, *flags);
  command->footer(kSniffExamples);
  command->fallthrough();
  command->callback([flags, &exit_code] { exit_code = sniff(*flags); });
}

}  // namespace qk
