#include "cli/verify_report.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>

#include "base/error.h"
#include "cli/number_text.h"

namespace qk {
namespace {

bool is_query(Site site) { return site == Site::kQueryPreRope || site == Site::kQueryPostRope; }

const char* place(Site site) {
  return site == Site::kQueryPreRope || site == Site::kKeyPreRope ? "before RoPE" : "after RoPE";
}

std::string window_text(const LayerConfig& layer) {
  if (layer.sliding_window == 0) return "-";
  return fmt::format("{}{}", layer.sliding_window, layer.recorded_window ? "" : "*");
}

std::string numbers(const VerifiedSite& site) {
  return fmt::format("  {:7.1e} {:7.1e} {:7.1e}{}", site.difference.ratio(),
                     site.difference.typical(), site.allowed, site.excess <= 1 ? " " : "!");
}

// Columns: layer, kind of head, window; then worst, typical and allowed difference, before and
// after RoPE.
std::string table(const Model& model, const Verification& verification) {
  std::string out = fmt::format("{:>5}  {:<7} {:>7}  {:^24}  {:^24}\n", "layer", "heads", "window",
                                "before RoPE", "after RoPE");
  out += fmt::format("{:>23}  {:>7} {:>7} {:>7}   {:>7} {:>7} {:>7}\n", "", "worst", "typical",
                     "allowed", "worst", "typical", "allowed");
  const auto& sites = verification.sites;
  for (size_t i = 0; i + 1 < sites.size(); i += 2) {
    const SiteDifference& first = sites[i].difference;
    const LayerConfig& layer = model.config.layers[static_cast<size_t>(first.layer)];
    out += fmt::format("{:>5}  {:<7} {:>7}{}{}\n", first.layer,
                       is_query(first.site) ? "queries" : "keys", window_text(layer),
                       numbers(sites[i]), numbers(sites[i + 1]));
  }
  return out;
}

// "; windows not reached: ..." if the reference is too short for some.
std::string unreached_text(const Model& model, const Verification& verification) {
  std::set<int64_t> windows;
  for (const LayerConfig& layer : model.config.layers) {
    if (layer.runs && layer.sliding_window >= verification.num_tokens) {
      windows.insert(layer.sliding_window);
    }
  }
  if (windows.empty()) return "";
  return fmt::format("; windows not reached by the {} of the reference: {}",
                     plural(verification.num_tokens, "token"), fmt::join(windows, ", "));
}

}  // namespace

std::string verdict_text(const Model& model, const Verification& verification) {
  const VerifiedSite& worst = verification.worst();
  const SiteDifference& difference = worst.difference;
  const int64_t failed = std::ranges::count_if(
      verification.sites, [](const VerifiedSite& site) { return site.excess > 1; });
  const std::string nearest = fmt::format(
      "{:.1e} of the largest value in layer {}, {} {}, where {:.1e} is allowed", difference.ratio(),
      difference.layer, is_query(difference.site) ? "queries" : "keys", place(difference.site),
      worst.allowed);
  if (failed == 0) {
    return fmt::format("PASS: {} arrays agree; nearest to its limit: {}{}\n",
                       count_text(std::ssize(verification.sites)), nearest,
                       unreached_text(model, verification));
  }
  return fmt::format("FAIL: {} of {} arrays differ; furthest beyond its limit: {}\n",
                     count_text(failed), count_text(std::ssize(verification.sites)), nearest);
}

std::string verify_text(const Model& model, const Verification& verification) {
  const ModelConfig& config = model.config;
  const ReferenceInfo& reference = verification.reference;
  std::string out = fmt::format(
      "Model      {}: {}, {}, {}, {}, head_dim {}\n", model.source.string(), config.model_type,
      plural(config.num_hidden_layers, "layer"), plural(config.num_attention_heads, "query head"),
      plural(config.num_key_value_heads, "key head"), config.head_dim);
  out += fmt::format("Reference  transformers {}, torch {}, float32: {}, {} of them compared\n",
                     printable(reference.transformers, 40), printable(reference.torch, 40),
                     plural(verification.num_tokens, "token"), count_text(verification.num_rows));
  out += fmt::format("Identical  weights (SHA-256), layers, windows{}\n",
                     verification.ids_compared ? ", ids of the text" : "");
  out += "Differences as fractions of the largest value of each layer and kind of head\n\n";
  return out + table(model, verification) + "\n" + verdict_text(model, verification);
}

}  // namespace qk
