#include "cli/plan_text.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>

#include "base/error.h"
#include "base/number_text.h"
#include "base/range_text.h"
#include "capture/device_choice.h"
#include "cli/design_text.h"
#include "verify/computed_in.h"

namespace qk {
namespace {

constexpr size_t kMostNameBytes = 400;

void add_line(std::string& out, const char* name, const std::string& text) {
  out += fmt::format("  {:<11}{}\n", name, text);
}

std::string sampler_text(const CaptureSection& capture) {
  const std::string size = plural(capture.min_bucket_size, "token");
  const std::string rate = fmt::format("{:g}", capture.base_rate);
  switch (capture.sampler) {
    case SamplerType::kAll:
      return fmt::format("all: every position; buckets of {}", size);
    case SamplerType::kUniform:
      return fmt::format("uniform: buckets of {}, expected rows in each: {}", size, rate);
    case SamplerType::kLogUniform:
      break;
  }
  return fmt::format(
      "log_uniform: buckets from 2^b to 2^(b+1) tokens, the lowest about {}, expected rows in "
      "each: {}",
      size, rate);
}

bool same_heads(const LayerPlan& a, const LayerPlan& b) {
  return a.skip == b.skip && a.query_heads == b.query_heads && a.key_heads == b.key_heads &&
         a.sliding_window == b.sliding_window;
}

void add_layers(std::string& out, const CapturePlan& plan) {
  for (const Skip skip :
       {Skip::kNoSelfAttention, Skip::kNotInLayers, Skip::kSlidingWindow, Skip::kNotSampled}) {
    std::vector<int32_t> layers;
    for (size_t i = 0; i < plan.layers.size(); ++i) {
      if (plan.layers[i].skip == skip) layers.push_back(static_cast<int32_t>(i));
    }
    if (!layers.empty()) {
      add_line(out, "", fmt::format("skipped layers {}: {}", ranges_text(layers), skip_name(skip)));
    }
  }
  const auto num_layers = static_cast<int>(plan.layers.size());
  if (plan.last_layer + 1 < num_layers) {
    add_line(out, "",
             fmt::format("layers after {} are neither read nor computed", plan.last_layer));
  }
  for (size_t first = 0; first < plan.layers.size();) {
    const LayerPlan& layer = plan.layers[first];
    size_t last = first;
    while (last + 1 < plan.layers.size() && same_heads(plan.layers[last + 1], layer)) ++last;
    const std::string name =
        first == last ? fmt::format("layer {}", first) : fmt::format("layers {}-{}", first, last);
    first = last + 1;
    if (layer.skip != Skip::kNone) continue;
    std::string text = fmt::format("{:<13}", name);
    if (!layer.query_heads.empty()) text += "  q " + ranges_text(layer.query_heads);
    if (!layer.key_heads.empty()) text += "  k " + ranges_text(layer.key_heads);
    if (layer.sliding_window) text += fmt::format("  (window {})", *layer.sliding_window);
    add_line(out, "", text);
  }
}

void add_rows(std::string& out, const PreparedRun& run) {
  const CaptureSection& capture = run.config.capture;
  const int64_t length = planned_length(run.config);
  const double rows = expected_rows(capture, length);
  const double all = rows * static_cast<double>(run.plan.num_files());
  const double bytes = row_bytes(run.plan);
  add_line(
      out, "rows",
      fmt::format("{}{:.1f} expected per head in a document of {}",
                  capture.max_rows_per_batch ? "at most " : "", rows, plural(length, "token")));
  add_line(out, "",
           fmt::format("{} in {}, {} before compression", count_text(std::llround(all)),
                       plural(run.plan.num_files(), "file"), bytes_text(all * bytes)));
}

// Weights that the run would download.
void add_unbrought(std::string& out, const Model& model) {
  constexpr size_t kShown = 4;
  if (model.unbrought.empty()) return;
  const std::vector<std::string>& files = model.unbrought;
  std::string names;
  for (size_t i = 0; i < std::min(files.size(), kShown); ++i) {
    names += (i > 0 ? ", " : "") + printable(files[i]);
  }
  add_line(out, "download",
           fmt::format("{}, {}: {}{}", plural(std::ssize(files), "file"),
                       bytes_text(static_cast<double>(model.unbrought_bytes)), names,
                       files.size() > kShown ? ", ..." : ""));
  add_line(out, "", "not checked yet: sizes of weights are those that config.json implies");
}

// Tensors beside the decoder.
void add_passed_over(std::string& out, const std::vector<std::string>& tensors) {
  constexpr size_t kShown = 3;
  if (tensors.empty()) return;
  std::string names;
  for (size_t i = 0; i < std::min(tensors.size(), kShown); ++i) {
    names += (i > 0 ? ", " : "") + printable(tensors[i]);
  }
  add_line(out, "",
           fmt::format("passed over: {} that queries and keys do not depend on: {}{}",
                       plural(static_cast<int64_t>(tensors.size()), "tensor"), names,
                       tensors.size() > kShown ? ", ..." : ""));
}

// Of each device of torch.
void add_device_memory(std::string& out, const MemoryPlan& memory) {
  const auto text = [](int64_t bytes) { return bytes_text(static_cast<double>(bytes)); };
  const DeviceMemoryPlan& device = *memory.device;
  const bool whole = memory.forward.attention_tokens == kWholeDocuments;
  add_line(out, "",
           fmt::format("on the device {}: states and one chunk {}, weights {}{}; {}",
                       text(device.peak()), text(device.work), text(device.weights),
                       memory.forward.stream_weights ? ", two layers at a time" : " of all layers",
                       device.budget > 0 ? fmt::format("{} may be used", text(device.budget))
                                         : "no limit is known"));
  add_line(out, "",
           fmt::format("attention takes {}",
                       whole ? "whole documents"
                             : count_text(memory.forward.attention_tokens) + " queries at a time"));
}

void add_memory(std::string& out, const PreparedRun& run, const MemoryPlan& memory) {
  const auto text = [](int64_t bytes) { return bytes_text(static_cast<double>(bytes)); };
  add_line(
      out, "memory",
      fmt::format("{} at the peak: program {}, buffers for one document {}, weights {}{}",
                  text(memory.peak()), text(memory.base), text(memory.work), text(memory.weights),
                  memory.forward.stream_weights
                      ? " at a time, of " + text(run.model.weight_bytes) + " read layer by layer"
                      : " mapped"));
  add_line(out, "",
           fmt::format("{} tokens per chunk; {} while files are written",
                       count_text(memory.forward.chunk_tokens), text(memory.base + memory.finish)));
  if (memory.device) add_device_memory(out, memory);
  const bool exceeds_ram = !memory.fits && memory.option == "--ram";
  if (memory.budget > 0 && !exceeds_ram) {
    add_line(out, "", fmt::format("fits in --ram {}", text(memory.budget)));
  }
  if (memory.fits) return;
  add_line(out, "",
           exceeds_ram
               ? fmt::format("DOES NOT FIT in --ram {}: {}", text(memory.budget), memory.advice)
               : fmt::format("DOES NOT FIT: {}: {}", memory.option, memory.advice));
}

}  // namespace

std::string device_line(const PreparedRun& run, const Devices& devices) {
  const std::string description = devices.description(run.model.config.head_dim);
  const std::string_view dtype = torch_name(devices.backend(0).traits.dtype);
  if (description.empty()) return fmt::format("{}, in {}", devices.name(), dtype);
  const std::string title = device_title(description);
  const size_t model = std::min(title.find(" ("), title.size());
  return fmt::format("{}{}, in {}", devices.name(), title.substr(model), dtype);
}

std::string plan_text(const PreparedRun& run, const MemoryPlan& memory, const Devices& devices,
                      const CorpusLengths& lengths) {
  const SniffConfig& config = run.config;
  const ModelConfig& model = run.model.config;
  static constexpr std::array<const char*, 3> kRope = {
      "after the rotary embedding", "before the rotary embedding",
      "after the rotary embedding, and before it in an additional column"};
  std::string out = "Plan\n";
  add_line(out, "model", printable(config.model.name, kMostNameBytes));
  add_line(out, "",
           fmt::format("{}, {} with {} query and {} key heads of {}, {} of weights mapped",
                       model.architecture, plural(model.num_hidden_layers, "layer"),
                       model.num_attention_heads, model.num_key_value_heads, model.head_dim,
                       bytes_text(static_cast<double>(run.model.weight_bytes))));
  add_unbrought(out, run.model);
  add_passed_over(out, run.model.ignored_tensors);
  const auto documents = run.corpus->num_documents();
  add_line(out, "documents",
           fmt::format("{}{}, at most {} of each", documents ? count_text(*documents) + " of " : "",
                       printable(config.dataset.path, kMostNameBytes),
                       plural(config.tokenizer.max_length, "token")));
  add_line(out, "sampler", sampler_text(config.capture));
  add_line(out, "vectors", kRope.at(static_cast<size_t>(config.capture.rope)));
  add_line(out, "heads",
           fmt::format("{} and {}", plural(run.plan.num_query_heads, "query head"),
                       plural(run.plan.num_key_heads, "key head")));
  add_layers(out, run.plan);
  add_rows(out, run);
  out += design_text(run, lengths);
  add_line(out, "device", fmt::format("{} ({})", device_line(run, devices), devices.reason()));
  add_memory(out, run, memory);
  return out;
}

std::string stage_text(const StagePlace& place) {
  std::string out;
  if (place.stages()) {
    add_line(
        out, "staging",
        fmt::format("weights are read once, and kept {} ({})", place_text(place), place.reason));
  }
  if (!place.warning.empty()) add_line(out, "", place.warning);
  return out;
}

std::string output_text(const SniffConfig& config, const DiskRoom& disk,
                        const std::string& publishing) {
  std::string out;
  add_line(out, "output", printable(config.output.data_root, kMostNameBytes));
  add_line(out, "disk",
           fmt::format("{}{} for {}journal and dataset{}", disk.is_exact ? "" : "about ",
                       bytes_text(disk.needed), disk.download > 0 ? "weights, " : "",
                       disk.free ? ", " + bytes_text(*disk.free) + " free" : ""));
  if (!disk.fits()) {
    add_line(out, "",
             (disk.is_hopeless() ? "DOES NOT FIT: " : "may not fit: ") +
                 disk_sentence(config.output.data_root, disk));
  }
  if (!publishing.empty()) add_line(out, "publish", publishing);
  if (publishing.empty() && config.output.hf_repo_id) {
    add_line(out, "publish", "not now (--no-upload)");
  }
  return out;
}

}  // namespace qk
