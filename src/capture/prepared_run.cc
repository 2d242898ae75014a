#include "capture/prepared_run.h"

#include <utility>

#include "capture/model_files.h"

namespace qk {

PreparedRun prepare_run(SniffConfig config, std::span<const Architecture* const> registry) {
  Model model = load_model(find_model(config), config.model.config_overrides, registry);
  CapturePlan plan = make_plan(config, model.config, *model.architecture);
  Tokenizer tokenizer = load_tokenizer(config, model, config.warnings);
  std::unique_ptr<Corpus> corpus = open_corpus(config.dataset);
  return {std::move(config), std::move(model), std::move(plan), std::move(tokenizer),
          std::move(corpus)};
}

}  // namespace qk
