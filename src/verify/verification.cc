#include "verify/verification.h"

#include <algorithm>

#include "base/error.h"
#include "base/hash.h"
#include "model/source_files.h"

namespace qk {
namespace {

constexpr Site kSites[] = {Site::kQueryPreRope, Site::kQueryPostRope, Site::kKeyPreRope,
                           Site::kKeyPostRope};

// The files with weights. Configurations that are written differently may mean the same model: they
// are compared by their effect, which is the layers, the windows and the vectors.
std::vector<IdentifiedFile> weights_of(std::vector<IdentifiedFile> files) {
  std::erase_if(files, [](const IdentifiedFile& file) { return file.name.ends_with(".json"); });
  return files;
}

std::string names(const std::vector<IdentifiedFile>& files) {
  std::string out;
  for (const IdentifiedFile& file : files) out += (out.empty() ? "" : ", ") + printable(file.name);
  return out;
}

void check_weights(const std::string& place, const std::vector<IdentifiedFile>& reference,
                   const std::vector<IdentifiedFile>& model) {
  if (names(reference) != names(model)) {
    fail("{}: expected a reference of this model, made from {}; found one made from {}", place,
         names(model), names(reference));
  }
  for (size_t i = 0; i < model.size(); ++i) {
    if (reference[i].sha256 == model[i].sha256) continue;
    fail("{}: {}: expected SHA-256 {}, as the model's file has, found {}: made from another model",
         place, printable(model[i].name), model[i].sha256, printable(reference[i].sha256));
  }
}

std::string window_text(const std::optional<int64_t>& window) {
  if (!window) return "a layer that is skipped";
  return *window == 0 ? "no window" : fmt::format("a window of {}", *window);
}

void check_layers(const Reference& reference, const ReferenceInfo& info,
                  const ModelConfig& config) {
  if (std::ssize(info.windows) != config.num_hidden_layers) {
    fail("{}: metadata: windows: expected {} layers (num_hidden_layers), found {}", reference.file,
         config.num_hidden_layers, info.windows.size());
  }
  for (size_t layer = 0; layer < config.layers.size(); ++layer) {
    const LayerConfig& ours = config.layers[layer];
    std::optional<int64_t> window;
    if (ours.runs) window = ours.recorded_window ? ours.sliding_window : 0;
    if (info.windows[layer] != window) {
      fail(
          "{}: metadata: windows: layer {}: expected {}, as the model's configuration gives, "
          "found {}",
          reference.file, layer, window_text(window), window_text(info.windows[layer]));
    }
    for (const Site site : kSites) {
      const bool there = reference.vectors.contains({static_cast<int>(layer), site});
      if (there == ours.runs) continue;
      fail("{}: {}: expected {}, found {}", reference.file,
           reference_name(static_cast<int>(layer), site),
           ours.runs ? "queries and keys of every layer that runs" : "nothing of a skipped layer",
           there ? "an array" : "nothing");
    }
  }
}

void check_ids(const Reference& reference, const ReferenceInfo& info,
               const TokenizerSource& tokenizer) {
  const std::vector<int32_t> ours = tokenizer().encode(*info.text, info.max_length).ids;
  const auto [mine, theirs] =
      std::mismatch(ours.begin(), ours.end(), reference.ids.begin(), reference.ids.end());
  if (mine == ours.end() && theirs == reference.ids.end()) return;
  const auto text = [](auto at, auto end) { return at == end ? "the end" : std::to_string(*at); };
  fail("{}: ids: token {} of the text: expected {}, as the model's tokenizer gives, found {}",
       reference.file, mine - ours.begin(), text(mine, ours.end()),
       text(theirs, reference.ids.end()));
}

// A float32 reference serves every type, one in half precision only its own.
void check_dtype(const Reference& reference, const ReferenceInfo& info, const ComputedIn& run) {
  if (info.dtype == DType::kF32 || info.dtype == run.dtype) return;
  const std::string_view ours = torch_name(run.dtype), theirs = torch_name(info.dtype);
  fail(
      "{}: metadata: dtype: expected {}, since this run computes in {}; found {}: add --device "
      "torch:cpu (or cuda) --dtype {}, or make another reference with --dtype {}",
      reference.file, run.dtype == DType::kF32 ? "float32" : fmt::format("{} or float32", ours),
      ours, theirs, theirs, ours);
}

VerdictKind kind_of(const Verification& verification,
                    const std::vector<SiteDifference>& differences) {
  const ReferenceInfo& info = verification.reference;
  const ComputedIn& run = verification.run;
  if (run.dtype == DType::kF32) return VerdictKind::kWithinTolerance;
  const bool comparable =
      info.dtype == run.dtype && run.on_torch() && same_device(info.device, torch_device(run));
  const bool equal = std::ranges::all_of(
      differences, [](const SiteDifference& site) { return site.num_unequal == 0; });
  return comparable && equal ? VerdictKind::kEqualBits : VerdictKind::kWithinRms;
}

VerifiedSite judged(const Verification& verification, const SiteDifference& difference,
                    std::span<const int32_t> rows) {
  const ReferenceInfo& info = verification.reference;
  const std::pair key(difference.layer, difference.site);
  if (verification.kind == VerdictKind::kEqualBits) return {.difference = difference};
  if (verification.kind == VerdictKind::kWithinRms) {
    const auto found = info.float32.find(key);
    const bool is_measured = found != info.float32.end();
    return judge_half(
        difference, half_tolerance(verification.run.dtype,
                                   is_measured ? std::optional(found->second.rms) : std::nullopt));
  }
  const auto found = info.float64.find(key);
  const bool is_measured = found != info.float64.end();
  return judge(difference, rows,
               base_tolerance(is_measured ? std::optional(found->second) : std::nullopt));
}

}  // namespace

const VerifiedSite& Verification::worst() const {
  QK_CHECK(!sites.empty());
  return *std::max_element(sites.begin(), sites.end(),
                           [](const auto& a, const auto& b) { return a.excess < b.excess; });
}

Verification verify(const Model& model, const std::filesystem::path& path,
                    const TokenizerSource& tokenizer, ThreadPool& pool, const VerifiedRun& run) {
  const Reference reference = read_reference(path);
  Verification out;
  out.reference = read_reference_info(reference);
  out.run = run.computed_in;
  check_dtype(reference, out.reference, out.run);
  out.model_files = identify_files(source_files(model), pool, {});
  check_weights(reference.file, weights_of(out.reference.files), weights_of(out.model_files));
  check_layers(reference, out.reference, model.config);
  if (out.reference.text) {
    check_ids(reference, out.reference, tokenizer);
    out.ids_compared = true;
  }
  out.reference_sha256 = sha256_file(path);
  out.num_tokens = std::ssize(reference.ids);
  out.num_rows = std::ssize(reference.rows);
  const std::vector<SiteDifference> differences =
      compare_with_reference(model, run.backend, pool, reference, run.forward);
  out.kind = kind_of(out, differences);
  out.sites.reserve(differences.size());
  for (const SiteDifference& difference : differences) {
    out.sites.push_back(judged(out, difference, reference.rows));
  }
  return out;
}

}  // namespace qk
