#include "model/compare_reference.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstring>
#include <limits>
#include <numeric>

#include "base/error.h"
#include "formats/safetensors.h"

namespace qk {
namespace {

constexpr std::array<std::pair<std::string_view, Site>, 4> kSites = {{
    {"q_pre", Site::kQueryPreRope},
    {"q_post", Site::kQueryPostRope},
    {"k_pre", Site::kKeyPreRope},
    {"k_post", Site::kKeyPostRope},
}};

bool is_query(Site site) { return site == Site::kQueryPreRope || site == Site::kQueryPostRope; }

std::vector<int32_t> integers(const StoredTensor& tensor) {
  if (tensor.dtype_name != "I32" || tensor.shape.size() != 1) {
    fail("{}: {}: expected I32 with one axis, found {} {}", printable(tensor.file),
         printable(tensor.name), printable(tensor.dtype_name), shape_text(tensor.shape));
  }
  std::vector<int32_t> out(tensor.bytes.size() / sizeof(int32_t));
  std::memcpy(out.data(), tensor.bytes.data(), out.size() * sizeof(int32_t));
  return out;
}

// "L12.q_pre": layer and site, or nothing.
std::optional<std::pair<int, Site>> parse_name(std::string_view name) {
  if (!name.starts_with('L')) return std::nullopt;
  int layer = 0;
  const auto [end, error] = std::from_chars(name.data() + 1, name.data() + name.size(), layer);
  if (error != std::errc() || layer < 0) return std::nullopt;
  const std::string_view rest = name.substr(static_cast<size_t>(end - name.data()));
  for (const auto& [spelling, site] : kSites) {
    if (rest.starts_with('.') && rest.substr(1) == spelling) return std::pair(layer, site);
  }
  return std::nullopt;
}

void check_ascending(const Reference& reference, const std::string& file) {
  for (size_t i = 0; i < reference.rows.size(); ++i) {
    const int32_t row = reference.rows[i];
    const bool ascends = i == 0 || reference.rows[i - 1] < row;
    if (row < 0 || !ascends) fail("{}: rows: expected ascending tokens, found {}", file, row);
  }
}

std::vector<int32_t> all_heads(int64_t count) {
  std::vector<int32_t> heads(static_cast<size_t>(count));
  std::iota(heads.begin(), heads.end(), 0);
  return heads;
}

TapRequest request_for(const ModelConfig& config, const Reference& reference) {
  TapRequest request;
  request.pre_rope = true;
  request.post_rope = true;
  request.layers.resize(static_cast<size_t>(config.num_hidden_layers));
  for (const auto& [key, vectors] : reference.vectors) {
    const auto& [layer, site] = key;
    if (layer >= config.num_hidden_layers) {
      fail("reference: expected layers below {}, found {}", config.num_hidden_layers, layer);
    }
    const int64_t heads = is_query(site) ? config.num_attention_heads : config.num_key_value_heads;
    const auto size = std::ssize(reference.rows) * heads * config.head_dim;
    if (std::ssize(vectors) != size) {
      fail("reference: layer {}: expected {} numbers ({} heads of {}), found {}", layer, size,
           heads, config.head_dim, vectors.size());
    }
    LayerRequest& wanted = request.layers[static_cast<size_t>(layer)];
    (is_query(site) ? wanted.query_rows : wanted.key_rows) = reference.rows;
    (is_query(site) ? wanted.query_heads : wanted.key_heads) = all_heads(heads);
  }
  return request;
}

SiteDifference difference(int layer, Site site, std::span<const float> ours,
                          std::span<const float> theirs) {
  SiteDifference out{layer, site, 0, 0};
  for (size_t i = 0; i < ours.size(); ++i) {
    const double apart = std::abs(static_cast<double>(ours[i]) - static_cast<double>(theirs[i]));
    const double distance = std::isnan(apart) ? std::numeric_limits<double>::infinity() : apart;
    out.max_difference = std::max(out.max_difference, distance);
    out.max_reference = std::max(out.max_reference, std::abs(static_cast<double>(theirs[i])));
  }
  return out;
}

}  // namespace

Reference read_reference(const std::filesystem::path& path) {
  const MappedFile file(path);
  Reference out;
  for (const StoredTensor& tensor : parse_safetensors(file)) {
    if (tensor.name == "ids") out.ids = integers(tensor);
    if (tensor.name == "rows") out.rows = integers(tensor);
    const auto key = parse_name(tensor.name);
    if (!key) continue;
    if (tensor.dtype != DType::kF32) {
      fail("{}: {}: expected F32, found {}", path.string(), tensor.name,
           printable(tensor.dtype_name));
    }
    std::vector<float>& values = out.vectors[*key];
    values.resize(tensor.bytes.size() / sizeof(float));
    std::memcpy(values.data(), tensor.bytes.data(), tensor.bytes.size());
  }
  if (out.ids.empty() || out.rows.empty() || out.vectors.empty()) {
    fail("{}: expected the tensors ids, rows and L<layer>.<q|k>_<pre|post>, found {} of the last",
         path.string(), out.vectors.size());
  }
  check_ascending(out, path.string());
  return out;
}

std::vector<SiteDifference> compare_with_reference(const Model& model, const Backend& backend,
                                                   ThreadPool& pool, const Reference& reference,
                                                   const ForwardOptions& options) {
  if (reference.rows.back() >= std::ssize(reference.ids)) {
    fail("reference: expected rows below {} (its ids), found {}", reference.ids.size(),
         reference.rows.back());
  }
  Sequences sequences;
  sequences.ids = reference.ids;
  sequences.offsets = {0, std::ssize(reference.ids)};
  sequences.full_lengths = {std::ssize(reference.ids)};
  std::vector<SiteDifference> out;
  const Tap tap = [&](int layer, Site site, TensorView<const float, 3> rows) {
    const auto it = reference.vectors.find({layer, site});
    if (it == reference.vectors.end()) return;
    out.push_back(difference(layer, site, rows.flat(), it->second));
  };
  forward(model, backend, pool, sequences, request_for(model.config, reference), options, tap);
  return out;
}

double worst_ratio(std::span<const SiteDifference> differences) {
  double worst = differences.empty() ? std::numeric_limits<double>::infinity() : 0;
  for (const SiteDifference& site : differences) worst = std::max(worst, site.ratio());
  return worst;
}

}  // namespace qk
