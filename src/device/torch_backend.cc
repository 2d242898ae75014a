#include "device/torch_backend.h"

#include <deque>
#include <utility>
#include <vector>

#include "base/error.h"
#include "device/host_weight.h"
#include "kernels/mapped_weight.h"

namespace qk {
namespace {

constexpr DType type_of(int32_t type) {
  switch (type) {
    case QK_F16:
      return DType::kF16;
    case QK_BF16:
      return DType::kBF16;
    default:
      return DType::kF32;
  }
}

// What a handle of a weight points to: what the plugin reads when it loads it, and what it made of it.
struct BoundWeight {
  HostWeight host;
  QkWeight* bound = nullptr;
};

struct TorchContext : Context {
  TorchContext(ThreadPool& threads, OpenedDevice& opened) : Context(threads), device(opened) {}
  TorchContext(const TorchContext&) = delete;
  TorchContext& operator=(const TorchContext&) = delete;
  ~TorchContext() override {
    for (const BoundWeight& weight : weights) {
      if (weight.bound != nullptr) device.api().unbind(device.handle(), weight.bound);
    }
  }

  OpenedDevice& device;
  std::deque<BoundWeight> weights;
};

TorchContext& torch(Context& context) { return static_cast<TorchContext&>(context); }
const QkTorchApi& api(Context& context) { return torch(context).device.api(); }
QkDevice* handle(Context& context) { return torch(context).device.handle(); }
void check(Context& context, int32_t status) { torch(context).device.check(status); }

int32_t plugin_activation(Activation activation) {
  switch (activation) {
    case Activation::kSilu:
      return QK_SILU;
    case Activation::kGeluTanh:
      return QK_GELU_TANH;
    case Activation::kGeluErf:
      return QK_GELU_ERF;
    case Activation::kGeluNew:
      return QK_GELU_NEW;
    case Activation::kGeluFast:
      return QK_GELU_FAST;
  }
  return QK_SILU;
}

QkMatrix matrix(ConstMatrix x) { return {const_cast<void*>(x.data), x.rows, x.cols}; }
QkHeads heads(ConstHeads x) { return {const_cast<void*>(x.data), x.rows, x.heads, x.head_dim}; }
QkCache cache_of(const KeyValueCache& cache) {
  return {cache.data, cache.capacity, cache.num_heads, cache.head_dim};
}
QkWeight* weight(const void* handle) {
  return handle == nullptr ? nullptr : static_cast<const BoundWeight*>(handle)->bound;
}

std::unique_ptr<Context> make_context(const Backend& self, ThreadPool& pool) {
  return std::make_unique<TorchContext>(pool, *static_cast<OpenedDevice*>(self.device));
}

void* alloc(Context& context, Memory kind, int64_t bytes) {
  if (bytes == 0) return nullptr;
  void* data = nullptr;
  check(context, api(context).alloc(handle(context), kind == Memory::kHost ? 1 : 0, bytes, &data));
  return data;
}

void free(Context& context, void* data) {
  if (data != nullptr) api(context).free(handle(context), data);
}

const BoundWeight* bind(Context& context, const HostWeight& host) {
  BoundWeight& kept = torch(context).weights.emplace_back(BoundWeight{host});
  const QkHostWeight view = kept.host.view();
  check(context, api(context).bind(handle(context), &view, &kept.bound));
  return &kept;
}

BoundMatrix bind_weight(Context& context, const WeightMatrix& matrix) {
  return {bind(context, HostWeight(matrix, context.pool)), matrix.rows, matrix.cols};
}

BoundVector bind_vector(Context& context, std::span<const float> vector) {
  return {bind(context, HostWeight(vector, context.pool)), std::ssize(vector)};
}

// As the plugin knows them, and as mapped files.
struct WeightLists {
  explicit WeightLists(std::span<const BoundMatrix> weights) {
    bound.reserve(weights.size());
    mapped.reserve(weights.size());
    for (const BoundMatrix& each : weights) {
      if (each.absent()) continue;
      bound.push_back(weight(each.handle));
      mapped.push_back({static_cast<const BoundWeight*>(each.handle)->host.mapped()});
    }
  }

  std::vector<QkWeight*> bound;
  std::vector<BoundMatrix> mapped;
};

void prefetch_weights(Context& context, std::span<const BoundMatrix> weights) {
  const WeightLists lists(weights);
  prefetch_mapped_weights(context, lists.mapped);
  check(context,
        api(context).prefetch(handle(context), lists.bound.data(), std::ssize(lists.bound)));
}

// What torch on the host reads in place is no longer read either.
void drop_weights(Context& context, std::span<const BoundMatrix> weights) {
  const WeightLists lists(weights);
  check(context, api(context).drop(handle(context), lists.bound.data(), std::ssize(lists.bound)));
  drop_mapped_weights(context, lists.mapped);
}

void embedding(Context& context, const WeightMatrix& table, std::span<const int32_t> ids,
               float scale, Matrix out) {
  const HostWeight host(table, context.pool);
  const QkHostWeight view = host.view();
  check(context, api(context).embedding(handle(context), &view, ids.data(), std::ssize(ids), scale,
                                        matrix(out)));
}

void rms_norm(Context& context, ConstMatrix x, BoundVector bound, float eps, NormKind kind,
              Matrix out) {
  const int32_t norm = kind == NormKind::kRms ? QK_NORM_RMS : QK_NORM_RMS_PLUS_ONE;
  check(context, api(context).rms_norm(handle(context), matrix(x), weight(bound.handle), eps, norm,
                                       matrix(out)));
}

void linear(Context& context, ConstMatrix x, std::span<const LinearJob> jobs) {
  std::vector<QkLinearJob> list;
  list.reserve(jobs.size());
  for (const LinearJob& job : jobs) {
    list.push_back({weight(job.weight.handle), weight(job.bias.handle), matrix(job.y),
                    job.first_row, job.accumulate ? 1 : 0});
  }
  check(context, api(context).linear(handle(context), matrix(x), list.data(), std::ssize(list)));
}

void rope_table(Context& context, std::span<const float> frequencies, float attention_factor,
                int64_t first, Matrix cos, Matrix sin) {
  check(context,
        api(context).rope_table(handle(context), frequencies.data(), std::ssize(frequencies),
                                attention_factor, first, matrix(cos), matrix(sin)));
}

void rope(Context& context, Heads x, ConstMatrix cos, ConstMatrix sin, RopeLayout layout) {
  const int32_t pairing = layout == RopeLayout::kHalves ? QK_ROPE_HALVES : QK_ROPE_PAIRS;
  check(context, api(context).rope(handle(context), heads(x), matrix(cos), matrix(sin), pairing));
}

void scale_rows(Context& context, Matrix x, std::span<const float> factors) {
  QK_CHECK(std::ssize(factors) == x.rows);
  check(context, api(context).scale_rows(handle(context), matrix(x), factors.data()));
}

void gated_activation(Context& context, Matrix gate, ConstMatrix up, Activation activation) {
  check(context, api(context).gated_activation(handle(context), matrix(gate), matrix(up),
                                               plugin_activation(activation)));
}

void add(Context& context, Matrix x, ConstMatrix y) {
  check(context, api(context).add(handle(context), matrix(x), matrix(y)));
}

void gather_rows(Context& context, ConstMatrix x, std::span<const int32_t> rows, Matrix out) {
  check(context, api(context).gather_rows(handle(context), matrix(x), rows.data(), std::ssize(rows),
                                          matrix(out)));
}

int64_t gather_taps(Context& context, ConstHeads x, std::span<const int32_t> rows,
                    std::span<const int32_t> chosen, TensorView<float, 3> out) {
  QK_CHECK(out.dim(0) == std::ssize(rows) && out.dim(1) == std::ssize(chosen));
  int64_t ticket = 0;
  check(context, api(context).gather_taps(handle(context), heads(x), rows.data(), std::ssize(rows),
                                          chosen.data(), std::ssize(chosen), out.data(), &ticket));
  return ticket;
}

int64_t finish_taps(Context& context, int64_t ticket) {
  int64_t row = 0;
  check(context, api(context).finish_taps(handle(context), ticket, &row));
  return row;
}

void kv_store(Context& context, const KeyValueCache& cache, int64_t first, ConstHeads k,
              ConstHeads v) {
  check(context,
        api(context).kv_store(handle(context), cache_of(cache), first, heads(k), heads(v)));
}

void attention(Context& context, ConstHeads q, const QueryPositions& positions,
               const KeyValueCache& cache, const AttentionShape& shape, Heads out) {
  QK_CHECK(positions.list.empty());  // rows_depend_on_shape: no row is left out
  const QkAttention call = {positions.first, shape.num_keys, shape.window, shape.scale,
                            shape.causal ? 1 : 0};
  check(context,
        api(context).attention(handle(context), heads(q), cache_of(cache), &call, heads(out)));
}

int64_t mark(Context& context) {
  int64_t moment = 0;
  check(context, api(context).mark(handle(context), &moment));
  return moment;
}

double seconds_between(Context& context, int64_t begin, int64_t end) {
  double seconds = 0;
  check(context, api(context).seconds_between(handle(context), begin, end, &seconds));
  return seconds;
}

void forget_marks(Context& context) { api(context).forget_marks(handle(context)); }

int64_t kv_bytes(const Backend& self, int64_t tokens, int64_t num_heads, int64_t head_dim) {
  const auto& device = *static_cast<const OpenedDevice*>(self.device);
  return device.api().kv_bytes(device.type(), tokens, num_heads, head_dim);
}

int64_t scratch_bytes(const Backend& self, const ScratchShape& shape, int /*num_threads*/) {
  const auto& device = *static_cast<const OpenedDevice*>(self.device);
  const QkScratch largest = {shape.rows,
                             shape.width,
                             shape.tokens,
                             shape.query_rows,
                             shape.num_attention_heads,
                             shape.num_key_value_heads,
                             shape.head_dim,
                             shape.window,
                             shape.causal ? 1 : 0};
  return device.api().scratch_bytes(device.handle(), &largest);
}

}  // namespace

void check_torch(const QkTorchApi& api, const std::string& name, int32_t status) {
  if (status == QK_OK) return;
  const std::string why = api.last_error();
  switch (status) {
    case QK_OUT_OF_MEMORY:
      fail(
          "{}: out of memory: {} (less is needed with {}a smaller --chunk-tokens or --attention-tokens, "
          "or a smaller tokenizer.max_length)",
          name, why, name.starts_with("cuda") ? "a smaller --vram, " : "");
    case QK_DEVICE_LOST:
      fail("{}: the device was lost: {}", name, why);
    default:
      fail("{}: torch failed: {}", name, why);
  }
}

OpenedDevice::OpenedDevice(const QkTorchApi& api, const QkOpen& options, std::string name)
    : api_(api), name_(std::move(name)), kind_(options.kind), type_(options.type) {
  const int32_t status = api_.open(&options, &device_);
  if (status == QK_FAILED) fail("{}: cannot be opened: {}", name_, api_.last_error());
  check(status);
}

OpenedDevice::~OpenedDevice() {
  if (device_ != nullptr) api_.close(device_);
}

void OpenedDevice::check(int32_t status) {
  if (status == QK_DEVICE_LOST && !lost_.empty()) throw Error(lost_);
  try {
    check_torch(api_, name_, status);
  } catch (const Error& error) {
    if (status == QK_DEVICE_LOST) lost_ = error.what();
    throw;
  }
}

Backend torch_backend(OpenedDevice& device) {
  const bool gpu = device.kind() != "cpu";
  return {.name = "torch",
          .traits = {.dtype = type_of(device.type()),
                     .rows_depend_on_shape = true,
                     .rounds_as_transformers = true,
                     .asynchronous = true,
                     .own_host_bytes = gpu ? int64_t{QK_STAGING_BLOCKS} * QK_STAGING_BYTES : 0,
                     .pins_memory = gpu},
          .device = &device,
          .make_context = make_context,
          .alloc = alloc,
          .free = free,
          .bind_weight = bind_weight,
          .bind_vector = bind_vector,
          .prefetch_weights = prefetch_weights,
          .drop_weights = drop_weights,
          .embedding = embedding,
          .rms_norm = rms_norm,
          .linear = linear,
          .rope_table = rope_table,
          .rope = rope,
          .scale_rows = scale_rows,
          .gated_activation = gated_activation,
          .add = add,
          .gather_rows = gather_rows,
          .gather_taps = gather_taps,
          .finish_taps = finish_taps,
          .kv_store = kv_store,
          .attention = attention,
          .kv_bytes = kv_bytes,
          .scratch_bytes = scratch_bytes,
          .mark = mark,
          .seconds_between = seconds_between,
          .forget_marks = forget_marks};
}

}  // namespace qk
