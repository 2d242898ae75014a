#include "cli/verify_report.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>

#include "base/error.h"
#include "base/number_text.h"

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

// " all", or the part of the numbers that have the reference's bits, in per cent rounded down.
std::string equal_text(const SiteDifference& difference) {
  if (difference.num_unequal == 0) return "   all";
  const int64_t equal = difference.num_numbers - difference.num_unequal;
  return fmt::format(" {:>4}%", equal * 100 / difference.num_numbers);
}

// In half precision 99 % of the numbers take the place of the worst one.
std::string torch_numbers(const VerifiedSite& site, DType dtype) {
  const double first = dtype == DType::kF32 ? site.difference.ratio() : site.difference.tail();
  return fmt::format("  {:7.1e} {:7.1e} {:7.1e}{}{}", first, site.difference.typical(),
                     site.allowed, site.excess <= 1 ? " " : "!", equal_text(site.difference));
}

// As table(), with a column for equal bits.
std::string torch_table(const Model& model, const Verification& verification) {
  const DType dtype = verification.run.dtype;
  const char* first = dtype == DType::kF32 ? "worst" : "99 %";
  std::string out = fmt::format("{:>5}  {:<7} {:>7}  {:^30}  {:^30}\n", "layer", "heads", "window",
                                "before RoPE", "after RoPE");
  const std::string titles =
      fmt::format("  {:>7} {:>7} {:>7}  {:>5}", first, "typical", "allowed", "equal");
  out += fmt::format("{:>21}{}{}\n", "", titles, titles);
  const auto& sites = verification.sites;
  for (size_t i = 0; i + 1 < sites.size(); i += 2) {
    const SiteDifference& site = sites[i].difference;
    const LayerConfig& layer = model.config.layers[static_cast<size_t>(site.layer)];
    out += fmt::format("{:>5}  {:<7} {:>7}{}{}\n", site.layer,
                       is_query(site.site) ? "queries" : "keys", window_text(layer),
                       torch_numbers(sites[i], dtype), torch_numbers(sites[i + 1], dtype));
  }
  return out;
}

// ", computed in ...; all bits are equal" on torch.
std::string torch_text(const Verification& verification) {
  if (!verification.run.on_torch()) return "";
  const int64_t equal = std::ranges::count_if(verification.sites, [](const VerifiedSite& site) {
    return site.difference.num_unequal == 0;
  });
  const int64_t all = std::ssize(verification.sites);
  return fmt::format("; {}", equal == all ? "all bits are equal"
                                          : fmt::format("all bits are equal in {} of {} arrays",
                                                        count_text(equal), count_text(all)));
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

// " on NVIDIA H200", if the reference names it and the run is on torch.
std::string made_on_text(const Verification& verification) {
  const std::string& name = verification.reference.device.name;
  if (!verification.run.on_torch() || name.empty()) return "";
  return " on " + printable(name, 80);
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
  if (verification.kind == VerdictKind::kEqualBits) {
    return fmt::format("PASS: equal bits: {} arrays, computed in {}{}\n",
                       count_text(std::ssize(verification.sites)),
                       computed_in_text(verification.run), unreached_text(model, verification));
  }
  const bool by_rms = verification.kind == VerdictKind::kWithinRms;
  const bool by_tail = by_rms && difference.tail() > kTailMultiple * difference.typical();
  const double scale = by_tail ? kTailMultiple : 1;
  const std::string nearest =
      fmt::format("{}{:.1e} of the largest value in layer {}, {} {}, where {:.1e} is allowed",
                  !by_rms   ? ""
                  : by_tail ? "99 % within "
                            : "rms ",
                  !by_rms   ? difference.ratio()
                  : by_tail ? difference.tail()
                            : difference.typical(),
                  difference.layer, is_query(difference.site) ? "queries" : "keys",
                  place(difference.site), scale * worst.allowed);
  if (failed == 0) {
    return fmt::format("PASS: {} arrays agree; nearest to its limit: {}{}{}\n",
                       count_text(std::ssize(verification.sites)), nearest,
                       torch_text(verification), unreached_text(model, verification));
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
  if (verification.run.on_torch()) {
    out += fmt::format("Computed   in {}\n", computed_in_text(verification.run));
  }
  out += fmt::format("Reference  transformers {}, torch {}, {}{}: {}, {} of them compared\n",
                     printable(reference.transformers, 40), printable(reference.torch, 40),
                     torch_name(reference.dtype), made_on_text(verification),
                     plural(verification.num_tokens, "token"), count_text(verification.num_rows));
  out += fmt::format("Identical  weights (SHA-256), layers, windows{}\n",
                     verification.ids_compared ? ", ids of the text" : "");
  out += "Differences as fractions of the largest value of each layer and kind of head\n";
  const bool on_torch = verification.run.on_torch();
  if (verification.kind == VerdictKind::kWithinRms) {
    out += fmt::format("Allowed    for the typical (rms) difference; {} times that for 99 %\n",
                       kTailMultiple);
  }
  return out + "\n" + (on_torch ? torch_table : table)(model, verification) + "\n" +
         verdict_text(model, verification);
}

}  // namespace qk
