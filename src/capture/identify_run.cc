#include <utility>

#include "capture/device_choice.h"
#include "capture/provenance.h"
#include "capture/run_clock.h"
#include "capture/run_steps.h"
#include "model/source_files.h"

namespace qk {

RunRecord identify_run(const RunContext& context,
                       const std::map<std::filesystem::path, std::string>& known) {
  const PreparedRun& run = context.run;
  const RunOptions& options = context.options;
  const RunClock watch;
  const auto give_up = [&] {
    if (!options.overwrite) check_stop(options);
  };
  const auto show = [&](int64_t done, int64_t total) {
    give_up();
    if (!options.progress) return;
    options.progress(
        {.phase = Phase::kIdentify, .done = done, .total = total, .seconds = watch.seconds()});
  };
  give_up();
  return identify_run(context, identify_files(source_files(run.model), context.pool, show, known));
}

RunRecord identify_run(const RunContext& context, std::vector<IdentifiedFile> model_files) {
  const PreparedRun& run = context.run;
  const RunOptions& options = context.options;
  RunIdentity identity;
  identity.model_files = std::move(model_files);
  if (options.devices != nullptr) {
    identity.computed_in =
        computed_in(*options.devices, run.model.config.head_dim, options.forward);
  }
  if (options.certificate) {
    check_certificate(*options.certificate, identity.model_files, identity.computed_in);
    identity.certificate = options.certificate->json;
  }
  identity.tokenizer_sha256 = run.tokenizer.identity();
  identity.corpus_sha256 = identify(*run.corpus);
  if (!options.overwrite) check_stop(options);
  identity.num_corpus_files = std::ssize(run.corpus->files());
  return {provenance_json(run.config, identity),
          geometry_json(run.plan, run.model.config, *run.model.architecture)};
}

}  // namespace qk
