#include "cli/verify_command.h"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>

#include "arch/registry.h"
#include "base/atomic_file.h"
#include "base/error.h"
#include "base/home_path.h"
#include "capture/device_choice.h"
#include "capture/model_files.h"
#include "cli/common_options.h"
#include "cli/device_flags.h"
#include "cli/hub_session.h"
#include "cli/verify_report.h"
#include "device/devices.h"
#include "verify/certificate.h"

namespace qk {
namespace {

struct VerifyFlags {
  std::string model;
  std::string revision;
  std::string reference;
  std::string certificate;
  std::string device = "cpu";
  std::string dtype = "float32";
  std::string compat;
  ChunkSizes chunks;
  bool quiet = false;
  int num_threads = 0;
};

constexpr const char* kVerifyExamples = R"(
Examples:
  uv run tools/make_reference.py MODEL reference.safetensors      on any machine that has the model
  qkscope verify MODEL reference.safetensors
  qkscope verify MODEL reference.safetensors --certificate proof.json
  qkscope sniff run.yaml --certificate proof.json                 embeds the certificate in the dataset

  uv run tools/make_reference.py MODEL reference.safetensors --dtype bfloat16 --device cuda
  qkscope verify MODEL reference.safetensors --dtype bfloat16 --device cuda

Tolerances and the format of the reference: docs/verify.md. Exit codes: 0 passed; 1 failed, or the
reference is damaged or belongs to another model.)";

// Where our side computes. Throws Error.
std::unique_ptr<Devices> open_device(const VerifyFlags& flags) {
  const std::optional<DType> dtype = parse_torch_name(flags.dtype);
  if (!dtype) {
    fail("--dtype: expected float32, float16 or bfloat16, found {}", printable(flags.dtype));
  }
  if (!flags.compat.empty() && flags.compat != "reference") {
    fail("--compat: expected reference, found {}", printable(flags.compat));
  }
  const DeviceRequest request = parse_device("--device", flags.device);
  auto devices = open_devices("--device", request,
                              {.dtype = *dtype,
                               .dispatched_attention = flags.compat == "reference",
                               .num_threads = flags.num_threads});
  warn_of_problem(*devices);
  if (devices->count() > 1) {
    fail("--device: expected one device, found {}: verify computes one document", devices->name());
  }
  if (devices->name() != "cpu") return devices;
  if (*dtype != DType::kF32) {
    fail(
        "--dtype: expected float32 on cpu ({}), whose kernels compute in it; found {}: add --device "
        "torch:cpu or cuda",
        devices->reason(), flags.dtype);
  }
  if (!flags.compat.empty()) {
    fail("--compat: expected a device of torch, found cpu: there is no dispatcher to follow");
  }
  return devices;
}

VerifiedRun run_on(const Devices& devices, int64_t head_dim, const ChunkSizes& chunks) {
  const Backend& backend = devices.backend(0);
  const ForwardOptions forward = forward_options(backend.traits, chunks);
  return {.backend = backend,
          .computed_in = computed_in(devices, head_dim, forward),
          .forward = forward};
}

int verify_model(const VerifyFlags& flags) {
  if (flags.model.empty() || flags.reference.empty()) {
    fail(
        "verify: no {} was given: type `qkscope verify MODEL REFERENCE` (see qkscope verify --help)",
        flags.model.empty() ? "model" : "reference");
  }
  const std::unique_ptr<Devices> devices = open_device(flags);
  SniffConfig config;
  config.model.name = flags.model;
  if (!find_on_disk(flags.model)) {
    const RepoName name = parse_repo_name("--model", RepoKind::kModel, flags.model);
    config.model.name = name.text;
    if (name.text != flags.model) config.model.revision = name.revision;
  }
  if (!flags.revision.empty()) config.model.revision = flags.revision;
  HubSession hub({.quiet = flags.quiet});
  const FoundModel found = find_model(config, hub.resolver());
  const Model model =
      load_model(found.source, "", registry(), {}, found.provider ? &*found.provider : nullptr);
  ThreadPool pool(flags.num_threads);
  const TokenizerSource tokenizer = [&] {
    return load_tokenizer(config, model, hub.resolver(), config.warnings);
  };
  hub.end();
  for (const std::string& warning : model.warnings) {
    std::fprintf(stderr, "qkscope: warning: %s\n", warning.c_str());
  }
  const Verification result = verify(model, expand_home(flags.reference), tokenizer, pool,
                                     run_on(*devices, model.config.head_dim, flags.chunks));
  for (const std::string& warning : config.warnings) {
    std::fprintf(stderr, "qkscope: warning: %s\n", warning.c_str());
  }
  const std::string text = flags.quiet ? verdict_text(model, result) : verify_text(model, result);
  std::fputs(text.c_str(), stdout);
  if (!result.passed()) return 1;
  if (!flags.certificate.empty())
    write_file(expand_home(flags.certificate), certificate_json(result) + "\n");
  return 0;
}

}  // namespace

void add_verify_command(CLI::App& app, int& exit_code) {
  const auto flags = std::make_shared<VerifyFlags>();
  CLI::App* command =
      app.add_subcommand("verify", "Compare a model's queries and keys with transformers'");
  command
      ->add_option("--model,model", flags->model,
                   "Checkpoint folder, GGUF file, or REPO or REPO@REVISION of the Hub")
      ->type_name("MODEL")
      ->group(kInputGroup);
  command
      ->add_option("--reference,reference", flags->reference,
                   "File written by tools/make_reference.py")
      ->type_name("FILE")
      ->group(kInputGroup);
  command->add_option("--revision", flags->revision, "Revision of the Hub id (default: main)")
      ->type_name("NAME")
      ->group(kInputGroup);
  command
      ->add_option("--certificate", flags->certificate,
                   "Write a certificate here if the model passes")
      ->type_name("FILE")
      ->check(not_empty())
      ->group(kOutputGroup);
  command
      ->add_option("--device", flags->device,
                   "cpu (our own kernels, the default), torch:cpu, cuda, cuda:N or auto")
      ->type_name("auto|cpu|torch:cpu|cuda|cuda:N")
      ->group(kResourcesGroup);
  command
      ->add_option("--dtype", flags->dtype,
                   "On torch: float32 (default), bfloat16 or float16, as the run's model.dtype")
      ->type_name("float32|bfloat16|float16")
      ->group(kInputGroup);
  command
      ->add_option("--compat", flags->compat,
                   "reference: attention as torch's dispatcher chooses it for transformers")
      ->type_name("reference")
      ->group(kInputGroup);
  add_chunk_flags(*command, flags->chunks);
  command->add_flag("--quiet", flags->quiet, "Print only the verdict, and no progress")
      ->group(kOutputGroup);
  add_threads(*command, flags->num_threads, " (default: all cores)")->group(kResourcesGroup);
  command->footer(kVerifyExamples);
  command->callback([flags, &exit_code] { exit_code = verify_model(*flags); });
}

}  // namespace qk
