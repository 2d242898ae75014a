#include "capture/prepared_run.h"

#include <utility>

#include "capture/model_files.h"

namespace qk {

PreparedRun prepare_run(SniffConfig config, std::span<const Architecture* const> registry,
                        Resolver& resolver) {
  CapturePlan plan;
  const auto last_layer = [&](const ModelConfig& model, const Architecture& architecture) {
    plan = make_plan(config, model, architecture);
    return plan.last_layer;
  };
  Model model =
      load_model(find_model(config, resolver), config.model.config_overrides, registry, last_layer);
  config.warnings.insert(config.warnings.end(), model.warnings.begin(), model.warnings.end());
  Tokenizer tokenizer = load_tokenizer(config, model, resolver, config.warnings);
  std::unique_ptr<Corpus> corpus = open_corpus(config.dataset, resolver);
  return {std::move(config), std::move(model), std::move(plan), std::move(tokenizer),
          std::move(corpus)};
}

}  // namespace qk
