#include "capture/prepared_run.h"

#include <utility>

#include "capture/model_files.h"

namespace qk {

PreparedRun prepare_run(SniffConfig config, std::span<const Architecture* const> registry,
                        Resolver& resolver) {
  Model model = load_model(find_model(config, resolver), config.model.config_overrides, registry);
  CapturePlan plan = make_plan(config, model.config, *model.architecture);
  Tokenizer tokenizer = load_tokenizer(config, model, resolver, config.warnings);
  std::unique_ptr<Corpus> corpus = open_corpus(config.dataset, resolver);
  return {std::move(config), std::move(model), std::move(plan), std::move(tokenizer),
          std::move(corpus)};
}

}  // namespace qk
