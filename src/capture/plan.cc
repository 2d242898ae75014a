#include "capture/plan.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <numeric>
#include <variant>

#include "base/error.h"
#include "sampling/head_sampling.h"
#include "sampling/sampler.h"

namespace qk {
namespace {

void check_range(const std::vector<int64_t>& indexes, int64_t count, std::string_view key,
                 std::string_view thing) {
  std::vector<int64_t> outside;
  std::copy_if(indexes.begin(), indexes.end(), std::back_inserter(outside),
               [&](int64_t index) { return index < 0 || index >= count; });
  if (outside.empty()) return;
  fail("{}: the model has no {}{} {} (it has 0 to {})", key, thing, outside.size() > 1 ? "s" : "",
       fmt::join(outside, ", "), count - 1);
}

std::vector<int32_t> all_heads(int64_t count) {
  std::vector<int32_t> out(static_cast<size_t>(count));
  std::iota(out.begin(), out.end(), 0);
  return out;
}

std::vector<int32_t> narrowed(const std::vector<int64_t>& heads) {
  return {heads.begin(), heads.end()};
}

std::vector<int32_t> key_heads_of(const std::vector<int32_t>& query_heads, int64_t group) {
  std::vector<int32_t> out;
  out.reserve(query_heads.size());
  for (const int32_t head : query_heads) out.push_back(static_cast<int32_t>(head / group));
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

// What the files record as the layer's window.
std::optional<int32_t> recorded_window(const LayerConfig& layer) {
  if (!layer.recorded_window || layer.sliding_window <= 0) return {};
  return static_cast<int32_t>(layer.sliding_window);
}

class CapturePlanner {
 public:
  CapturePlanner(const SniffConfig& config, const ModelConfig& model,
                 const Architecture& architecture)
      : config_(config), capture_(config.capture), model_(model), architecture_(architecture) {}

  CapturePlan make() {
    check_range(capture_.layers, model_.num_hidden_layers, "capture.layers", "layer");
    check_range(capture_.heads, model_.num_attention_heads, "capture.heads", "query head");
    plan_.capture = capture_;
    plan_.compat_reference = config_.compat_reference;
    plan_.head_dim = model_.head_dim;
    plan_.query_heads_per_key_head = model_.num_attention_heads / model_.num_key_value_heads;
    plan_.layers.resize(static_cast<size_t>(model_.num_hidden_layers));
    describe_run();
    if (capture_.head_sampling) {
      sample();
    } else {
      choose();
    }
    for (size_t layer = 0; layer < plan_.layers.size(); ++layer) settle(layer);
    describe_sampler();
    if (plan_.num_files() == 0) fail_empty();
    return std::move(plan_);
  }

 private:
  // Heads of every layer without head sampling.
  void choose() {
    const int64_t group = model_.num_attention_heads / model_.num_key_value_heads;
    std::vector<int32_t> queries = all_heads(model_.num_attention_heads);
    std::vector<int32_t> keys = all_heads(model_.num_key_value_heads);
    if (!capture_.heads.empty()) {
      queries = narrowed(capture_.heads);
      keys = key_heads_of(queries, group);
      if (config_.compat_reference) keys = same_key_heads();
    }
    for (LayerPlan& layer : plan_.layers) {
      layer.query_heads = queries;
      layer.key_heads = keys;
    }
  }

  // The original applies `heads` to keys as they are (D-20 in docs/config.md).
  std::vector<int32_t> same_key_heads() const {
    if (capture_.capture_keys) {
      check_range(capture_.heads, model_.num_key_value_heads,
                  "capture.heads (which compat: reference takes for keys, too)", "key head");
    }
    return narrowed(capture_.heads);
  }

  void sample() {
    HeadPopulation population;
    population.num_layers = model_.num_hidden_layers;
    population.num_query_heads = model_.num_attention_heads;
    population.num_key_heads = model_.num_key_value_heads;
    population.layers = capture_.layers;
    population.heads = capture_.heads;
    population.full_attention_only = capture_.full_attention_only;
    // The original knows windows only from the list layer_types (D-7 in docs/config.md).
    const bool windows_seen =
        !config_.compat_reference || architecture_.block.window == WindowRule::kByLayerType;
    for (const LayerConfig& layer : model_.layers) {
      population.sliding_layers.push_back(windows_seen && layer.sliding_window > 0);
      // D-8 in docs/config.md
      population.capturable_layers.push_back(layer.runs || config_.compat_reference);
    }
    HeadSample drawn =
        sample_heads(population, capture_.head_sampling->count, capture_.head_sampling->seed);
    for (size_t layer = 0; layer < plan_.layers.size(); ++layer) {
      plan_.layers[layer].query_heads = std::move(drawn.query_heads[layer]);
      plan_.layers[layer].key_heads = std::move(drawn.key_heads[layer]);
    }
    for (const auto& [key, value] : drawn.metadata) {
      std::visit([&, name = key](const auto& v) { plan_.metadata[name] = v; }, value);
    }
  }

  Skip skip_of(size_t layer) const {
    const std::vector<int64_t>& wanted = capture_.layers;
    if (!model_.layers[layer].runs) return Skip::kNoSelfAttention;
    if (!wanted.empty() &&
        !std::binary_search(wanted.begin(), wanted.end(), static_cast<int64_t>(layer))) {
      return Skip::kNotInLayers;
    }
    if (capture_.full_attention_only && recorded_window(model_.layers[layer])) {
      return Skip::kSlidingWindow;
    }
    return plan_.layers[layer].query_heads.empty() ? Skip::kNotSampled : Skip::kNone;
  }

  // Applies what the filters say to one layer and counts it.
  void settle(size_t index) {
    LayerPlan& layer = plan_.layers[index];
    layer.skip = skip_of(index);
    layer.sliding_window = recorded_window(model_.layers[index]);
    if (layer.skip != Skip::kNone || !capture_.capture_queries) layer.query_heads.clear();
    if (layer.skip != Skip::kNone || !capture_.capture_keys) layer.key_heads.clear();
    if (layer.skip != Skip::kNone) return;
    plan_.last_layer = static_cast<int>(index);
    plan_.num_query_heads += static_cast<int64_t>(layer.query_heads.size());
    plan_.num_key_heads += static_cast<int64_t>(layer.key_heads.size());
  }

  void describe_run() {
    plan_.metadata["source_dataset"] = config_.dataset.path;
    plan_.metadata["dataset_name"] = config_.dataset.name.value_or("");
    plan_.metadata["dataset_split"] = config_.dataset.split;
    if (config_.dataset.revision) {
      plan_.metadata["dataset_revision"] = *config_.dataset.revision;
    }
    plan_.metadata["attention_scope"] =
        std::string(capture_.full_attention_only ? "full_only" : "all_attention");
    plan_.metadata["dataset_repo"] = config_.output.hf_repo_id.value_or("");
    plan_.metadata["dataset_branch"] = config_.output.hf_branch.value_or("");
  }

  void describe_sampler() {
    const Buckets buckets(capture_.sampler, capture_.min_bucket_size, BucketRule::kFloat32);
    const bool is_log = capture_.sampler == SamplerType::kLogUniform;
    plan_.metadata[is_log ? "sampling_min_bucket_size" : "sampling_bucket_size"] =
        buckets.effective_size();
    static constexpr std::array<const char*, 3> kStrategies = {"log", "uniform", "all"};
    plan_.metadata["sampling_strategy"] =
        std::string(kStrategies.at(static_cast<size_t>(capture_.sampler)));
  }

  [[noreturn]] void fail_empty() const {
    const auto count = [&](Skip skip) {
      return std::count_if(plan_.layers.begin(), plan_.layers.end(),
                           [&](const LayerPlan& layer) { return layer.skip == skip; });
    };
    const auto windows = count(Skip::kSlidingWindow);
    if (windows > 0) {
      fail(
          "capture.full_attention_only: the run would capture nothing: all {} layers that are left "
          "have a sliding window",
          windows + count(Skip::kNotSampled));
    }
    fail(
        "capture.layers: the run would capture nothing: {} layers are named, none of them has "
        "self-attention to capture",
        capture_.layers.size());
  }

  const SniffConfig& config_;
  const CaptureSection& capture_;
  const ModelConfig& model_;
  const Architecture& architecture_;
  CapturePlan plan_;
};

}  // namespace

const char* skip_name(Skip skip) {
  static constexpr std::array<const char*, 5> kNames = {
      "captured", "no self-attention", "not in capture.layers", "sliding window", "not sampled"};
  return kNames.at(static_cast<size_t>(skip));
}

CapturePlan make_plan(const SniffConfig& config, const ModelConfig& model,
                      const Architecture& architecture) {
  return CapturePlanner(config, model, architecture).make();
}

double expected_rows(const CaptureSection& capture, int64_t num_tokens) {
  const PositionSampler sampler(capture.sampler, capture.base_rate, capture.min_bucket_size);
  const double rows = sampler.expected_rows(num_tokens);
  if (!capture.max_rows_per_batch) return rows;
  return std::min(rows, static_cast<double>(*capture.max_rows_per_batch));
}

int64_t vector_bytes(const CapturePlan& plan) {
  const int64_t one = plan.head_dim * static_cast<int64_t>(sizeof(float));
  return plan.capture.rope == CaptureRope::kBoth ? 2 * one : one;
}

double row_bytes(const CapturePlan& plan) {
  constexpr double kOthers = 4 + 8 + 4 + 4;  // bucket, example id, position, window
  return static_cast<double>(vector_bytes(plan)) + kOthers;
}

}  // namespace qk
