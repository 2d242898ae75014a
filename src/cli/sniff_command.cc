#include "cli/sniff_command.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <atomic>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "arch/registry.h"
#include "base/environment.h"
#include "base/error.h"
#include "base/home_path.h"
#include "base/number_text.h"
#include "capture/design.h"
#include "capture/device_choice.h"
#include "capture/disk_room.h"
#include "capture/job_time.h"
#include "capture/memory_plan.h"
#include "capture/run.h"
#include "capture/stage_weights.h"
#include "cli/common_options.h"
#include "cli/device_flags.h"
#include "cli/hub_session.h"
#include "cli/plan_text.h"
#include "cli/progress_line.h"
#include "cli/publish_text.h"
#include "cli/sniff_publish.h"
#include "cli/sniff_ranks.h"
#include "cli/sniff_report.h"
#include "cli/stop_signal.h"
#include "cluster/mpi_library.h"

namespace qk {
namespace {

struct SniffFlags {
  std::string config;
  std::vector<std::string> overrides;
  std::string certificate;
  bool dry_run = false;
  bool overwrite = false;
  bool resume = false;
  std::string shard;  // as given
  bool finish = false;
  std::string mpi = "auto";
  std::string time_limit;  // as given
  bool no_upload = false;
  bool json = false;
  bool quiet = false;
  int num_threads = 0;
  int64_t ram_bytes = 0;
  std::string stage = "auto";  // as given
  DeviceFlags device;
};

constexpr const char* kSniffExamples = R"(
Examples:
  qkscope sniff run.yaml --dry-run
  qkscope sniff run.yaml --set dataset.max_samples=4 --set output.data_root=data/try
  qkscope sniff run.yaml --resume
  srun --mpi=pmix qkscope sniff run.yaml   (all ranks together)
  qkscope sniff run.yaml --shard 3/32      (one of 32 jobs; then, once: --finish)

The YAML file has the original tool's format. Ctrl-C, SIGTERM, SIGHUP, SIGUSR1 and SIGUSR2 finish the
documents in progress and then stop with exit code 75, as a run does that is out of time (--time-limit);
only a second Ctrl-C stops at once. However a run
was interrupted, --resume continues after the last complete document, and the finished dataset is
byte-identical to that of an uninterrupted run. --resume starts a new run if there is none, and does
nothing if the dataset is complete. With output.hf_repo_id the finished dataset is published, as `qkscope
publish` does it; what could keep it from that is checked before the work, and --resume publishes what is
finished and not published. Shards may run at once, on any machines that share the folder; each goes on where
an earlier start of it ended, and --finish writes the very dataset that one process would have written.
Results go to stdout, progress and warnings to stderr.)";

void warn(std::span<const std::string> warnings) {
  for (const std::string& sentence : warnings) {
    std::fprintf(stderr, "qkscope: warning: %s\n", sentence.c_str());
  }
}

// Its warnings are told, also before an error.
SniffConfig read_config(const SniffFlags& flags, bool speaks) {
  std::vector<std::string> before;
  try {
    SniffConfig config = load_config(expand_home(flags.config), flags.overrides, &before);
    if (speaks) warn(config.warnings);
    return config;
  } catch (const Error&) {
    if (speaks) warn(before);
    throw;
  }
}

// What the design lacks even if all documents are as long as max_length allows.
void warn_of_design(const PreparedRun& run) {
  const std::optional<int64_t> documents = run.corpus->num_documents();
  if (!documents || *documents == 0) return;
  const int64_t length = planned_length(run.config);
  const std::vector<int64_t> lengths = {length};
  const std::vector<BucketDesign> buckets =
      design_buckets(run.config.capture, lengths, static_cast<double>(*documents));
  warn(design_warnings(run.plan, buckets, length));
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
  std::fputs(stage_text(choose_stage(run, options, memory)).c_str(), stdout);
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

// Of ranks only the first has a corpus, and looks at the disk.
// Weights come last, once it is known that the rest is in order and that there is room for all.
PreparedRun prepare(const SniffFlags& flags, const SniffConfig& config, Resolver& resolver,
                    bool has_corpus) {
  {
    PreparedRun plan = prepare_run(config, registry(), resolver, /*plan_only=*/true, has_corpus);
    if (flags.dry_run) return plan;
    const bool resumes = flags.resume || flags.finish || !flags.shard.empty();
    if (has_corpus) refuse_full_disk(plan, resumes, resolver);
    if (plan.model.unbrought.empty()) return plan;
  }
  return prepare_run(config, registry(), resolver, /*plan_only=*/false, has_corpus);
}

std::optional<Shard> shard_of(const SniffFlags& flags) {
  if (flags.shard.empty()) return {};
  const Shard shard = parse_shard(flags.shard);
  const std::string warning = copies_warning(find_launcher(), shard);
  if (!warning.empty()) std::fprintf(stderr, "qkscope: warning: %s\n", warning.c_str());
  return shard;
}

// As --time-limit says, or as the batch system does. A dry run needs none.
std::optional<TimeLimit> time_limit(const SniffFlags& flags) {
  if (!flags.time_limit.empty()) return TimeLimit(parse_time_limit(flags.time_limit));
  if (flags.dry_run) return {};
  const JobTime job = find_time_limit();
  if (!job.warning.empty()) std::fprintf(stderr, "qkscope: warning: %s\n", job.warning.c_str());
  if (!job.left) return {};
  return TimeLimit(*job.left);
}

RunReport run_alone(const PreparedRun& run, RunOptions options, bool quiet) {
  ProgressLine line;
  if (!quiet) {
    options.progress = [&line](const RunProgress& progress) { line.show(progress); };
  }
  options.warn = [&line](const std::string& sentence) {
    line.end_line();
    std::fprintf(stderr, "qkscope: warning: %s\n", sentence.c_str());
  };
  return run_capture(run, options);
}

// Without a launcher no MPI library is loaded, and a wrong name would not be noticed.
void check_mpi_names(const std::string& mpi) {
  if (mpi == "off" || find_launcher().kind != LauncherKind::kNone) return;
  if (mpi != "auto") {
    const std::string fault = no_mpi_library(mpi);
    if (!fault.empty())
      fail("--mpi: expected auto, off or an MPI library; {}: {}", printable(mpi), fault);
    return;
  }
  for (const char* variable : {"QKSCOPE_MPI_SHIM", "QKSCOPE_MPI_LIB"}) {
    const std::string name = environment_value(variable).value_or("");
    const std::string fault = name.empty() ? "" : no_mpi_library(name);
    if (fault.empty()) continue;
    std::fprintf(stderr, "qkscope: warning: %s: %s: %s\n", variable, printable(name).c_str(),
                 fault.c_str());
  }
}

int capture_or_plan(const SniffFlags& flags, SniffRanks& ranks) {
  check_mpi_names(flags.mpi);
  const std::atomic<bool>* stop = flags.dry_run ? nullptr : &watch_stop_signals();
  const std::optional<Shard> shard = shard_of(flags);
  std::optional<TimeLimit> limit;
  if (ranks.speaks()) limit = time_limit(flags);
  SniffConfig config = read_config(flags, ranks.speaks());
  const size_t num_warnings = config.warnings.size();
  const std::unique_ptr<Devices> devices =
      open_chosen(config, flags.device, flags.num_threads, ranks.local_rank());
  const bool quiet = flags.quiet || !ranks.speaks();
  HubSession hub({.quiet = quiet});
  const bool publishes = config.output.hf_repo_id && !flags.no_upload && !shard && ranks.speaks();
  HubSession publisher({.quiet = quiet, .publishes = true});
  std::optional<PublishCheck> check;
  if (publishes) check = check_publishing(publisher, config);
  PreparedRun run = prepare(flags, config, hub.resolver(), ranks.speaks());
  if (flags.dry_run) {
    publisher.end();
    hub.end();
  }
  if (ranks.speaks()) warn(std::span(run.config.warnings).subspan(num_warnings));
  RunOptions options;
  options.devices = devices.get();
  options.overwrite = flags.overwrite;
  if (!flags.certificate.empty()) {
    refuse_overrides(run.config);
    options.certificate = read_certificate(expand_home(flags.certificate));
  }
  options.resume = flags.resume;
  options.finish = flags.finish;
  options.shard = shard;
  options.num_threads = flags.num_threads;
  options.ram_bytes = flags.ram_bytes;
  options.stage = parse_stage(expand_home(flags.stage).string());
  options.vram_bytes = flags.device.vram_bytes;
  options.forward = forward_options(options.backend().traits, flags.device.chunks);
  if (flags.dry_run) {
    const auto plan = [&] { return dry_run(run, options, publishing_text(run.config, check)); };
    return ranks.is_on() ? ranks.check(run, options, plan) : plan();
  }
  if (ranks.speaks()) warn_of_design(run);
  options.stop = stop;
  options.time_limit = limit ? &*limit : nullptr;
  if (run.config.inference.debug_logging && ranks.speaks()) {
    std::fprintf(stderr, "device %s: %s\n", device_line(run, *devices).c_str(),
                 devices->reason().c_str());
  }
  const auto conclude = [&](const RunReport& report) {
    const int code = report_run(run, options, report, flags.json);
    if (code != 0 || !publishes) return code;
    std::fflush(stdout);
    PublishRequest request = publish_request(run.config, flags.num_threads);
    request.check = check;
    if (flags.json) request.says = stderr;
    return publish_finished(publisher, request);
  };
  if (ranks.is_on()) return ranks.run(run, options, quiet, conclude);
  return conclude(run_alone(run, options, quiet));
}

// One of several ranks of a launcher, of which the first alone says what all of them would say.
bool is_other_rank(const SniffFlags& flags) {
  return flags.shard.empty() && flags.mpi != "off" && find_launcher().rank > 0;
}

int sniff(const SniffFlags& flags) {
  if (flags.config.empty() && is_other_rank(flags)) return 1;
  if (flags.config.empty()) {
    fail("sniff: no run was given: type `qkscope sniff run.yaml` (see qkscope sniff --help)");
  }
  if (flags.finish && is_other_rank(flags)) {
    const std::string warning = finish_warning(find_launcher(), flags.config);
    std::fprintf(stderr, "qkscope: warning: %s\n", warning.c_str());
    return 0;
  }
  // Shards know nothing of each other, and srun may start several at once.
  SniffRanks ranks(flags.shard.empty() && !flags.finish ? flags.mpi : "off");
  if (ranks.is_refused()) return 0;
  if (ranks.is_on()) silence_stop_signals();
  const auto command = [&] { return capture_or_plan(flags, ranks); };
  return ranks.is_on() ? ranks.guard(command) : command();
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
  CLI::Option* dry_run =
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
  CLI::Option* shard =
      command
          .add_option("--shard", flags.shard,
                      "Capture documents I, I+N, I+2N, ... into a journal and write no dataset")
          ->type_name("I/N")
          ->check(not_empty("I/N, such as 3/32"))
          ->excludes(overwrite)
          ->group(kOutputGroup);
  command
      .add_flag("--finish", flags.finish,
                "Write the dataset from the journals of all shards, if no document is missing")
      ->excludes(overwrite)
      ->excludes(shard)
      ->group(kOutputGroup);
  command
      .add_flag("--no-upload", flags.no_upload,
                "Do not publish the dataset, though the run has output.hf_repo_id")
      ->group(kOutputGroup);
  command.add_flag("--json", flags.json, "Print one JSON object about the dataset instead of text")
      ->excludes(dry_run)
      ->excludes(shard)
      ->group(kOutputGroup);
  command.add_flag("--quiet", flags.quiet, "Show no progress")->group(kOutputGroup);
}

void add_resources(CLI::App& command, SniffFlags& flags) {
  command
      .add_option(
          "--time-limit", flags.time_limit,
          "After the first document begin none that would not end in time, e.g. 3h55m (default: what "
          "Slurm leaves this job, or PBS_WALLTIME; PBS Pro does not tell)")
      ->type_name("TIME")
      ->check(not_empty("a time, such as 3h55m"))
      ->group(kResourcesGroup);
  command
      .add_option(
          "--mpi", flags.mpi,
          "Share the run among the copies that srun or mpirun started: auto, off, or the MPI "
          "library to use (default: auto)")
      ->type_name("auto|off|FILE")
      ->check(not_empty("auto, off or the name of an MPI library"))
      ->group(kResourcesGroup);
  add_threads(command, flags.num_threads, " (default: all cores); one more tokenises")
      ->group(kResourcesGroup);
  add_ram(
      command, flags.ram_bytes,
      "Memory limit of this process, e.g. 300MiB or 2GB; under srun or mpirun of each rank. Weights "
      "that do not fit are streamed")
      ->group(kResourcesGroup);
  command
      .add_option("--stage", flags.stage,
                  "Read the weights once, and keep them in memory (ram) or in a folder on a local "
                  "disk; off: map them where they are (default: auto, which does so if they are on "
                  "a network)")
      ->type_name("auto|off|ram|DIR")
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
