// SmolLM2-135M from its GGUF file against transformers on the same weights and ids.
// tools/compare_smollm2.py makes the reference. Environment: QK_SMOLLM2_GGUF and
// QK_SMOLLM2_REFERENCE; without them the files under .deps/smollm2/; without those, skipped by
// name.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include "arch/registry.h"
#include "model/compare_reference.h"

namespace qk {
namespace {

std::filesystem::path from_environment(const char* name, const char* file) {
  const char* value = std::getenv(name);
  return value != nullptr ? std::filesystem::path(value)
                          : std::filesystem::path(QK_SOURCE) / ".deps/smollm2" / file;
}

TEST(SmolLm2Test, QueriesAndKeysOfAllLayersEqualTransformers) {
  const auto gguf = from_environment("QK_SMOLLM2_GGUF", "SmolLM2-135M-Instruct.Q4_1.gguf");
  const auto path = from_environment("QK_SMOLLM2_REFERENCE", "reference.safetensors");
  if (!std::filesystem::exists(gguf) || !std::filesystem::exists(path)) {
    GTEST_SKIP() << "needs " << gguf << " and " << path << " (tools/compare_smollm2.py)";
  }
  const Model model = load_model(gguf, "", registry());
  const Reference reference = read_reference(path);
  ThreadPool pool;
  const auto differences = compare_with_reference(model, kCpuBackend, pool, reference, {});
  EXPECT_EQ(std::ssize(differences), 4 * model.config.num_hidden_layers);
  for (const SiteDifference& site : differences) {
    EXPECT_LE(site.ratio(), 1e-4) << "layer " << site.layer;
  }
  RecordProperty("worst_ratio", fmt::format("{:.3e}", worst_ratio(differences)));
  std::cout << fmt::format("{} tokens, {} sites, worst difference {:.3e} of the largest value\n",
                           reference.ids.size(), differences.size(), worst_ratio(differences));
}

}  // namespace
}  // namespace qk
