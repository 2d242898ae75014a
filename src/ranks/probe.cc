#include "ranks/probe.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "base/hash.h"
#include "model/bound_model.h"
#include "model/forward.h"

namespace qk {
namespace {

constexpr int64_t kProbeTokens = 64;
constexpr int kProbeLayers = 2;

Sequences probe_tokens(const Model& model) {
  constexpr int64_t kStep = 7919;  // a prime, so that the ids are spread over the vocabulary
  Sequences out;
  const int64_t rows = std::max<int64_t>(1, model.config.embedding_rows);
  for (int64_t i = 0; i < kProbeTokens; ++i) {
    out.ids.push_back(static_cast<int32_t>((1 + i * kStep) % rows));
  }
  out.offsets = {0, kProbeTokens};
  out.full_lengths = {kProbeTokens};
  return out;
}

std::vector<int32_t> numbers_below(int64_t count) {
  std::vector<int32_t> out(static_cast<size_t>(count));
  std::iota(out.begin(), out.end(), 0);
  return out;
}

// All heads and rows of the first layers with attention, captured or not: later ones take long.
TapRequest probe_request(const CapturePlan& plan, const ModelConfig& model) {
  TapRequest out;
  out.layers.resize(plan.layers.size());
  int count = 0;
  for (size_t i = 0; i < plan.layers.size() && count < kProbeLayers; ++i) {
    if (plan.layers[i].skip == Skip::kNoSelfAttention) continue;
    ++count;
    out.layers[i] = {.query_rows = numbers_below(kProbeTokens),
                     .key_rows = numbers_below(kProbeTokens),
                     .query_heads = numbers_below(model.num_attention_heads),
                     .key_heads = numbers_below(model.num_key_value_heads)};
  }
  return out;
}

std::string probe_device(const PreparedRun& run, const RunOptions& options, int device,
                         ThreadPool& pool) {
  const BoundModel model(run.model, options.backend(device), pool);
  Sha256 digest;
  forward(model, probe_tokens(run.model), probe_request(run.plan, run.model.config),
          options.forward, [&](int /*layer*/, Site /*site*/, TensorView<const float, 3> rows) {
            digest.update(std::as_bytes(rows.flat()));
          });
  return digest.hex().substr(0, 16);
}

}  // namespace

std::string probe(const PreparedRun& run, const RunOptions& options, ThreadPool& pool) {
  std::string out;
  for (int device = 0; device < options.num_devices(); ++device) {
    out += (device == 0 ? "" : "/") + probe_device(run, options, device, pool);
  }
  return out;
}

}  // namespace qk
