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

void check_rows(const Reference& reference) {
  for (size_t i = 0; i < reference.rows.size(); ++i) {
    const int32_t row = reference.rows[i];
    const bool ascends = i == 0 || reference.rows[i - 1] < row;
    if (row < 0 || !ascends) {
      fail("{}: rows: expected ascending tokens, found {}", reference.file, row);
    }
  }
}

// [rows, heads, head_dim] of finite numbers.
std::vector<float> read_vectors(const StoredTensor& tensor, const std::string& file) {
  if (tensor.dtype != DType::kF32 || tensor.shape.size() != 3) {
    fail("{}: {}: expected F32 [rows, heads, head_dim], found {} {}", file, tensor.name,
         printable(tensor.dtype_name), shape_text(tensor.shape));
  }
  std::vector<float> values(tensor.bytes.size() / sizeof(float));
  std::memcpy(values.data(), tensor.bytes.data(), tensor.bytes.size());
  for (const float value : values) {
    if (!std::isfinite(value)) {
      fail("{}: {}: expected finite numbers, found {}", file, tensor.name, value);
    }
  }
  return values;
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
    const std::string name = reference_name(layer, site);
    if (layer >= config.num_hidden_layers) {
      fail("{}: {}: expected layers below {} (num_hidden_layers)", reference.file, name,
           config.num_hidden_layers);
    }
    if (!config.layers[static_cast<size_t>(layer)].runs) {
      fail("{}: {}: expected nothing, the model skips this layer", reference.file, name);
    }
    const int64_t heads = is_query(site) ? config.num_attention_heads : config.num_key_value_heads;
    const auto size = std::ssize(reference.rows) * heads * config.head_dim;
    if (std::ssize(vectors) != size) {
      fail("{}: {}: expected {} numbers ({} rows, {} heads of {}), found {}", reference.file, name,
           size, reference.rows.size(), heads, config.head_dim, vectors.size());
    }
    LayerRequest& wanted = request.layers[static_cast<size_t>(layer)];
    (is_query(site) ? wanted.query_rows : wanted.key_rows) = reference.rows;
    (is_query(site) ? wanted.query_heads : wanted.key_heads) = all_heads(heads);
  }
  return request;
}

void check_ids(const Model& model, const Reference& reference) {
  if (reference.rows.back() >= std::ssize(reference.ids)) {
    fail("{}: rows: expected tokens below {} (the number of ids), found {}", reference.file,
         reference.ids.size(), reference.rows.back());
  }
  for (const int32_t id : reference.ids) {
    if (id >= 0 && id < model.config.embedding_rows) continue;
    fail("{}: ids: expected ids from 0 to {} (rows of the embedding), found {}", reference.file,
         model.config.embedding_rows - 1, id);
  }
}

// The smallest number that 99 % of the differences do not exceed.
double tail_of(std::vector<double>& apart) {
  if (apart.empty()) return 0;
  const auto at = apart.begin() + static_cast<std::ptrdiff_t>((apart.size() - 1) * 99 / 100);
  std::nth_element(apart.begin(), at, apart.end());
  return *at;
}

SiteDifference difference(int layer, Site site, TensorView<const float, 3> ours,
                          std::span<const float> theirs) {
  SiteDifference out{.layer = layer, .site = site};
  for (const float value : theirs) {
    out.max_reference = std::max(out.max_reference, std::abs(static_cast<double>(value)));
  }
  const int64_t width = ours.dim(1) * ours.dim(2);
  double squares = 0;
  std::vector<double> all;
  all.reserve(static_cast<size_t>(ours.size()));
  for (int64_t row = 0; row < ours.dim(0); ++row) {
    double largest = 0;
    for (int64_t i = 0; i < width; ++i) {
      const auto at = static_cast<size_t>(row * width + i);
      const double apart =
          std::abs(static_cast<double>(ours.flat()[at]) - static_cast<double>(theirs[at]));
      largest = std::max(largest, apart);
      squares += apart * apart;
      out.num_unequal += apart == 0 ? 0 : 1;
      all.push_back(apart);
    }
    out.max_difference = std::max(out.max_difference, largest);
    out.row_ratios.push_back(out.part_of_largest(largest));
  }
  out.num_numbers = ours.size();
  out.tail_difference = tail_of(all);
  out.rms_difference = std::sqrt(squares / std::max<double>(1, static_cast<double>(ours.size())));
  return out;
}

}  // namespace

double SiteDifference::part_of_largest(double apart) const {
  if (max_reference > 0) return apart / max_reference;
  return apart > 0 ? std::numeric_limits<double>::infinity() : 0;
}

std::string reference_name(int layer, Site site) {
  for (const auto& [spelling, known] : kSites) {
    if (known == site) return fmt::format("L{}.{}", layer, spelling);
  }
  QK_CHECK(!"every site has a spelling");
  return {};
}

Reference read_reference(const std::filesystem::path& path) {
  const MappedFile file(path);
  Reference out;
  out.file = path.string();
  out.metadata = safetensors_metadata(file);
  for (const StoredTensor& tensor : parse_safetensors(file)) {
    if (tensor.name == "ids") out.ids = integers(tensor);
    if (tensor.name == "rows") out.rows = integers(tensor);
    const auto key = parse_name(tensor.name);
    if (key) out.vectors[*key] = read_vectors(tensor, out.file);
  }
  if (out.ids.empty() || out.rows.empty() || out.vectors.empty()) {
    fail("{}: expected the tensors ids, rows and L<layer>.<q|k>_<pre|post>, found {} of the last",
         out.file, out.vectors.size());
  }
  check_rows(out);
  return out;
}

std::vector<SiteDifference> compare_with_reference(const Model& model, const Backend& backend,
                                                   ThreadPool& pool, const Reference& reference,
                                                   const ForwardOptions& options) {
  check_ids(model, reference);
  const TapRequest request = request_for(model.config, reference);
  Sequences sequences;
  sequences.ids = reference.ids;
  sequences.offsets = {0, std::ssize(reference.ids)};
  sequences.full_lengths = {std::ssize(reference.ids)};
  std::vector<SiteDifference> out;
  const Tap tap = [&](int layer, Site site, TensorView<const float, 3> rows) {
    const auto it = reference.vectors.find({layer, site});
    if (it == reference.vectors.end()) return;
    out.push_back(difference(layer, site, rows, it->second));
  };
  forward({model, backend, pool}, sequences, request, options, tap);
  return out;
}

double worst_ratio(std::span<const SiteDifference> differences) {
  double worst = differences.empty() ? std::numeric_limits<double>::infinity() : 0;
  for (const SiteDifference& site : differences) worst = std::max(worst, site.ratio());
  return worst;
}

}  // namespace qk
