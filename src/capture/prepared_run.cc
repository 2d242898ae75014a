#include "capture/prepared_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "capture/model_files.h"
#include "dataset/overwrite.h"

namespace qk {

namespace {

class NoCorpus : public Corpus {
 public:
  std::optional<Document> next() override { return std::nullopt; }
  std::optional<int64_t> num_documents() const override { return std::nullopt; }
  const std::vector<CorpusFile>& files() const override { return files_; }
  const std::vector<CorpusFile>& digested_files() const override { return files_; }

 private:
  std::vector<CorpusFile> files_;
};

void warn_of_length(const ModelConfig& model, SniffConfig& config) {
  const int64_t longest = longest_context(model);
  if (model.max_position_embeddings <= 0 || config.tokenizer.max_length <= longest) return;
  config.warnings.push_back(
      fmt::format("tokenizer.max_length: {} tokens are more than the {} that the model is made for "
                  "(max_position_embeddings, rope_scaling); queries and keys of later positions "
                  "mean little",
                  config.tokenizer.max_length, longest));
}

}  // namespace

int64_t longest_context(const ModelConfig& model) {
  int64_t longest = model.max_position_embeddings;
  for (const RopeParameters& rope : model.rope) {
    const int64_t original = rope.original_max_position_embeddings > 0
                                 ? rope.original_max_position_embeddings
                                 : model.max_position_embeddings;
    const double scaled = static_cast<double>(original) * rope.factor;
    longest = std::max(longest, static_cast<int64_t>(std::min(scaled, 9e15)));
  }
  return longest;
}

PreparedRun prepare_run(SniffConfig config, std::span<const Architecture* const> registry,
                        Resolver& resolver, bool plan_only, bool opens_corpus) {
  CapturePlan plan;
  const auto last_layer = [&](const ModelConfig& model, const Architecture& architecture) {
    plan = make_plan(config, model, architecture);
    return plan.last_layer;
  };
  FoundModel found = find_model(config, resolver);
  if (found.provider) found.provider->plan_only = plan_only;
  Model model = load_model(found.source, config.model.config_overrides, registry, last_layer,
                           found.provider ? &*found.provider : nullptr);
  config.warnings.insert(config.warnings.end(), model.warnings.begin(), model.warnings.end());
  warn_of_length(model.config, config);
  Tokenizer tokenizer = load_tokenizer(config, model, resolver, config.warnings);
  if (opens_corpus) config.dataset.left_out = files_of_dataset(config.output.data_root);
  std::unique_ptr<Corpus> corpus =
      opens_corpus ? open_corpus(config.dataset, resolver) : std::make_unique<NoCorpus>();
  return {std::move(config), std::move(model), std::move(plan), std::move(tokenizer),
          std::move(corpus)};
}

}  // namespace qk
