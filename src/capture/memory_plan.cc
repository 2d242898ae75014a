#include "capture/memory_plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/machine_limits.h"
#include "base/process_memory.h"
#include "capture/batch_request.h"
#include "dataset/dataset_writer.h"
#include "model/weight_pages.h"

namespace qk {
namespace {

// Documents are computed together up to this many tokens; more would not be faster.
constexpr int64_t kBatchTokens = 8192;
// With streamed weights: more would not be faster, since the time to read them no longer matters.
constexpr int64_t kGroupTokens = 131072;
constexpr int64_t kMostDocuments = 1024;
constexpr int64_t kSmallestChunk = 64;
constexpr int64_t kSmallestTorchChunk = 1024;  // that is proposed
// Of a device's memory that is left to others, or 5 % if that is more.
constexpr int64_t kDeviceReserve = int64_t{512} << 20;
constexpr int64_t kUsualChunk = 256;  // below it the weights' unpacking begins to cost

// Measured: the tokenizer's work memory for each token of a document, its text included.
constexpr int64_t kTokenizerBytes = 560;
// Measured: what the Parquet library takes for each byte of vectors in a row group, and beside
// them.
constexpr double kWriterFactor = 3.2;
constexpr int64_t kWriterBytes = int64_t{6} << 20;
// What the estimate cannot see: stacks, the allocator's own, pages of the program.
constexpr int64_t kMargin = int64_t{24} << 20;

class MemoryPlanner {
 public:
  MemoryPlanner(const PreparedRun& run, const RunOptions& options)
      : run_(run),
        options_(options),
        num_threads_(options.num_threads > 0 ? options.num_threads : available_cores()) {
    const DocumentLength longest{.example_id = 0, .num_tokens = planned_length(run.config)};
    BatchRequest request = make_batch_request(run.plan, {&longest, 1}, backend().traits);
    length_ = request.num_tokens();
    block_bytes_ = request.largest_block_bytes(run.plan);
    all_block_bytes_ = request.all_block_bytes(run.plan);
    list_bytes_ = request.list_bytes();
    tap_ = std::move(request.tap);
    const auto memory = process_memory();
    base_ = (memory ? memory->anonymous + kProgramBytes : kProgramBytes) + kMargin;
  }

  MemoryPlan plan() {
    MemoryPlan out;
    out.budget = options_.ram_bytes;
    out.base = base_;
    out.tokenizer = tokenizer_bytes();
    out.forward = options_.forward;
    out.batch = {.documents = run_.config.inference.batch_size, .tokens = kBatchTokens};
    out.num_writers = num_threads_;
    if (is_torch()) out.device = DeviceMemoryPlan{.budget = device_budget()};
    fill(out);
    if (out.budget > 0 || device_budget_of(out) > 0) keep_within(out);
    return out;
  }

 private:
  static constexpr int64_t kProgramBytes = int64_t{36} << 20;  // resident pages of the program

  const Backend& backend() const { return options_.backend(); }
  bool is_torch() const { return options_.devices != nullptr && options_.devices->name() != "cpu"; }
  // It computes in the memory of the host.
  bool is_host() const {
    return options_.devices == nullptr || options_.devices->memory(0).total_bytes == 0;
  }

  int64_t device_budget() const {
    if (options_.vram_bytes > 0 || is_host()) return options_.vram_bytes;
    int64_t least = std::numeric_limits<int64_t>::max();
    for (int i = 0; i < options_.num_devices(); ++i) {
      const DeviceMemory memory = options_.devices->memory(i);
      const int64_t reserve = std::max(kDeviceReserve, memory.total_bytes / 20);
      least = std::min(least, std::max<int64_t>(memory.free_bytes - reserve, 1));
    }
    return least;
  }
  std::string device_option() const {
    return options_.vram_bytes > 0 ? "--vram" : options_.devices->name();
  }
  static int64_t device_budget_of(const MemoryPlan& plan) {
    return plan.device ? plan.device->budget : 0;
  }

  ForwardBytes pass_bytes(const ForwardOptions& forward, int64_t documents) const {
    const std::vector<int64_t> lengths(static_cast<size_t>(documents), length_);
    return forward_bytes(run_.model, backend(), lengths, tap_, forward, num_threads_);
  }

  // Work memory of the host with so many documents of max_length tokens at once.
  int64_t work_bytes(const ForwardOptions& forward, int64_t documents) const {
    // Of the batch, of the one ahead, and as the forward pass takes them.
    const int64_t ids =
        (2 * planned_length(run_.config) + length_) * static_cast<int64_t>(sizeof(int32_t));
    const ForwardBytes pass = pass_bytes(forward, documents);
    const int64_t batch = (is_host() ? pass.total() : pass.host) +
                          (documents - 1) * 2 * block_bytes_ + block_bytes_ +
                          documents * (list_bytes_ + ids);
    const int64_t devices = options_.num_devices();
    const int64_t held =
        devices > 1 ? kBatchesInFlight * devices * documents * all_block_bytes_ : 0;
    return devices * (batch + backend().traits.own_host_bytes) + held + tokenizer_bytes();
  }

  int64_t tokenizer_bytes() const { return planned_length(run_.config) * kTokenizerBytes; }

  // Resident pages of the mapped weights. A device with memory of its own reads a layer's once, and
  // gives them back.
  int64_t weight_bytes(bool streamed) const {
    const int64_t embedding = run_.model.embedding.rows * run_.model.embedding.stride_bytes;
    int64_t largest = 0;
    int64_t all = embedding;
    for (int layer = 0; layer <= run_.plan.last_layer; ++layer) {
      const int64_t bytes = layer_weight_bytes(run_.model, layer);
      largest = std::max(largest, bytes);
      all += bytes;
    }
    if (streamed) return std::max(largest, embedding_piece_bytes(run_.model));
    return is_host() ? all : std::min(all, options_.num_devices() * largest + embedding);
  }

  // As they lie on a device of torch.
  int64_t device_weight_bytes(bool streamed) const {
    int64_t largest = 0, all = 0;
    for (int layer = 0; layer <= run_.plan.last_layer; ++layer) {
      const LayerWeights& weights = run_.model.layers[static_cast<size_t>(layer)];
      int64_t numbers = 0;
      for (const WeightMatrix* matrix :
           {&weights.q_proj, &weights.k_proj, &weights.v_proj, &weights.o_proj, &weights.gate_proj,
            &weights.up_proj, &weights.down_proj}) {
        numbers += matrix->rows * matrix->cols;
      }
      const int64_t bytes = activation_bytes(numbers, backend().traits.dtype);
      largest = std::max(largest, bytes);
      all += bytes;
    }
    return streamed ? std::min(2 * largest, all) : all;  // one is fetched beside the other
  }

  int64_t writer_bytes() const {
    const double rows = expected_rows(run_.config.capture, planned_length(run_.config));
    const auto documents = static_cast<double>(run_.corpus->num_documents().value_or(1 << 20));
    const double group = std::min<double>(kRowsPerGroup, rows * documents * 1.2);
    return kWriterBytes + static_cast<int64_t>(kWriterFactor * group *
                                               static_cast<double>(vector_bytes(run_.plan)));
  }

  // Documents of max_length tokens that a batch of the plan may hold.
  int64_t full_documents(const BatchLimits& batch) const {
    const int64_t by_tokens =
        batch.hard ? batch.tokens / length() : (batch.tokens - 1) / length() + 1;
    return std::clamp<int64_t>(std::min(batch.documents, by_tokens), 1, kMostDocuments);
  }
  int64_t length() const { return std::max<int64_t>(length_, 1); }

  void fill(MemoryPlan& plan) const {
    plan.work = work_bytes(plan.forward, full_documents(plan.batch));
    plan.weights = weight_bytes(plan.forward.stream_weights);
    if (plan.device) {
      plan.device->weights = device_weight_bytes(plan.forward.stream_weights);
      plan.device->work = pass_bytes(plan.forward, full_documents(plan.batch)).device;
      if (is_host()) plan.weights += plan.device->weights;
    }
    plan.finish = plan.num_writers * writer_bytes();
  }

  static bool fits_host(const MemoryPlan& plan) {
    return plan.budget == 0 || plan.base + plan.work + plan.weights <= plan.budget;
  }
  static bool fits_device(const MemoryPlan& plan) {
    return device_budget_of(plan) == 0 || plan.device->peak() <= plan.device->budget;
  }

  bool fits(MemoryPlan& plan, bool streamed, int64_t chunk) const {
    plan.forward.stream_weights = streamed;
    plan.forward.chunk_tokens = std::min(options_.forward.chunk_tokens, chunk);
    plan.batch.documents = std::min(run_.config.inference.batch_size, kMostDocuments);
    plan.batch.tokens = std::min(kBatchTokens, plan.batch.documents * length());
    plan.batch.hard = true;
    while (true) {
      fill(plan);
      if (fits_host(plan) && fits_device(plan)) return true;
      if (full_documents(plan.batch) == 1) return false;
      plan.batch.tokens = (full_documents(plan.batch) / 2) * length();
    }
  }

  bool choose(MemoryPlan& plan) const {
    for (const bool streamed : {false, true}) {
      if (backend().traits.rows_depend_on_shape) {
        if (fits(plan, streamed, options_.forward.chunk_tokens)) return true;
        continue;
      }
      const int64_t smallest = streamed ? kSmallestChunk : kUsualChunk;
      for (int64_t chunk = options_.forward.chunk_tokens; chunk >= smallest; chunk /= 2) {
        if (fits(plan, streamed, chunk)) return true;
      }
      if (fits(plan, streamed, smallest)) return true;
    }
    return false;
  }

  // As many documents at once as fit: each group reads the weights once.
  void enlarge_group(MemoryPlan& plan) const {
    plan.batch.documents = kMostDocuments;
    const int64_t most = std::clamp<int64_t>(kGroupTokens / length(), 1, kMostDocuments);
    int64_t documents = 1;
    const auto room = [&](int64_t count) {
      MemoryPlan larger = plan;
      larger.work = work_bytes(plan.forward, count);
      if (larger.device) larger.device->work = pass_bytes(plan.forward, count).device;
      return fits_host(larger) && fits_device(larger);
    };
    while (documents < most && room(std::min(2 * documents, most))) {
      documents = std::min(2 * documents, most);
    }
    plan.batch.tokens = documents * length();
    fill(plan);
  }

  void keep_within(MemoryPlan& plan) const {
    if (run_.config.tokenizer.max_length > kLongestPlanned) {
      plan.fits = false;
      plan.option = plan.budget > 0 ? "--ram" : device_option();
      plan.advice = too_long();
      return;
    }
    plan.fits = choose(plan);
    if (plan.fits && plan.forward.stream_weights) enlarge_group(plan);
    while (plan.budget > 0 && plan.num_writers > 1 && plan.base + plan.finish > plan.budget) {
      --plan.num_writers;
      plan.finish = plan.num_writers * writer_bytes();
    }
    if (plan.budget > 0 && plan.base + plan.finish > plan.budget) plan.fits = false;
    if (plan.fits) return;
    const bool is_device = !fits_device(plan);
    plan.option = is_device ? device_option() : "--ram";
    plan.advice = is_device ? device_advice(plan) : advice(plan);
  }

  // A device always has a budget, an option only if it was given.
  std::string too_long() const {
    const bool is_option = options_.ram_bytes > 0 || options_.vram_bytes > 0;
    return fmt::format(
        "expected a tokenizer.max_length of at most {}{}, found {}: memory is planned for a document "
        "of that many tokens (shorter ones are computed as they are)",
        kLongestPlanned, is_option ? " with it" : "", run_.config.tokenizer.max_length);
  }
  bool devices_have(int64_t bytes) const {
    for (int i = 0; i < options_.num_devices(); ++i) {
      const int64_t total = options_.devices->memory(i).total_bytes;
      if (total > 0 && bytes > total) return false;
    }
    return true;
  }

  std::string advice(const MemoryPlan& plan) const;
  std::string device_advice(const MemoryPlan& plan) const;

  const PreparedRun& run_;
  const RunOptions& options_;
  int num_threads_;
  TapRequest tap_;
  int64_t length_ = 0;  // tokens that are computed of a document of max_length tokens
  int64_t block_bytes_ = 0, all_block_bytes_ = 0, list_bytes_ = 0, base_ = 0;
};

int64_t mb(int64_t bytes) { return (bytes + 999'999) / 1'000'000; }

std::string MemoryPlanner::device_advice(const MemoryPlan& plan) const {
  const DeviceMemoryPlan& device = *plan.device;
  std::string out = fmt::format(
      "a document of {} tokens needs {} MB of {}'s memory ({} for its states and a chunk, {} for "
      "the weights of two layers), where {} MB may be used: ",
      run_.config.tokenizer.max_length, mb(device.peak()), options_.devices->name(),
      mb(device.work), mb(device.weights), mb(device.budget));
  if (options_.vram_bytes > 0 && devices_have(device.peak())) {
    out += fmt::format("give --vram {}MB, ", mb(device.peak()));
  }
  // Only a chunk that is shorter than the document takes less.
  int64_t smaller = plan.forward.chunk_tokens / 2;
  while (smaller >= length()) smaller /= 2;
  if (2 * smaller > kSmallestTorchChunk) out += fmt::format("--chunk-tokens {}, ", smaller);
  const int64_t chunk = plan.forward.chunk_tokens;
  if (plan.forward.attention_tokens > chunk && length_ > chunk) {
    out += fmt::format("--attention-tokens {}, ", chunk);
  }
  return out + "or lower tokenizer.max_length";
}

std::string MemoryPlanner::advice(const MemoryPlan& plan) const {
  std::string out = fmt::format(
      "a document of {} tokens needs {} MB ({} for the program, {} for its states and rows, {} "
      "for one layer's weights), writing the files {} MB: give --ram {}MB",
      run_.config.tokenizer.max_length, mb(plan.base + plan.work + plan.weights), mb(plan.base),
      mb(plan.work), mb(plan.weights), mb(plan.base + plan.finish), mb(plan.peak()));
  if (plan.base + plan.work + plan.weights > plan.budget && plan.base < plan.budget) {
    out += ", lower tokenizer.max_length or the rows of capture.sampler";
    if (num_threads_ > 1) out += ", or use fewer --threads";
  }
  return out;
}

}  // namespace

int64_t planned_length(const SniffConfig& config) {
  return std::min(config.tokenizer.max_length, kLongestPlanned);
}

MemoryPlan plan_memory(const PreparedRun& run, const RunOptions& options) {
  return MemoryPlanner(run, options).plan();
}

MemoryPlan plan_that_fits(const PreparedRun& run, const RunOptions& options) {
  // Torch frees and takes the tensors of each operation anew, which the C library would keep.
  const bool on_torch = options.backend().traits.rows_depend_on_shape;
  if (options.ram_bytes > 0 || on_torch) return_freed_memory();
  MemoryPlan memory = plan_memory(run, options);
  if (!memory.fits) fail("{}: {}", memory.option, memory.advice);
  return memory;
}

}  // namespace qk
