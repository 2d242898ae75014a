// How fast is the whole forward pass? Prints tokens per second, GFLOP/s as fractions of two FMA
// peaks measured in the same run, the times of the parts, and the peak memory. The best repeat
// counts. The "sustained" peak is what the same threads reach with pure multiply-adds in registers
// during 0.2 s just before and after the repeat; the "fastest" is the best 70 us of all of these.
//
//   forward_bench MODEL [--threads N] [--documents N] [--repeat N] LENGTH...
//
// MODEL is a Hugging Face folder or a .gguf file; ids are pseudo-random. All layers are computed,
// and four rows per 128 tokens are captured from every head, as in a typical capture.
#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <vector>

#include "arch/registry.h"
#include "base/process_memory.h"
#include "kernels/fma_peak.h"
#include "model/forward.h"

namespace {

struct Options {
  std::string model;
  int threads = 0;
  int documents = 1;
  int repeat = 3;
  std::vector<int64_t> lengths;
};

Options parse(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    const auto value = [&] { return i + 1 < argc ? std::stoi(argv[++i]) : 0; };
    if (word == "--threads") {
      options.threads = value();
    } else if (word == "--documents") {
      options.documents = value();
    } else if (word == "--repeat") {
      options.repeat = std::max(1, value());
    } else if (options.model.empty()) {
      options.model = word;
    } else {
      options.lengths.push_back(std::stoll(word));
    }
  }
  if (options.lengths.empty()) options.lengths = {512, 2048, 8192};
  return options;
}

qk::Sequences make_sequences(int64_t vocab_size, int64_t length, int documents) {
  qk::Sequences out;
  out.offsets = {0};
  uint64_t state = 1;
  for (int d = 0; d < documents; ++d) {
    for (int64_t i = 0; i < length; ++i) {
      state = state * 6364136223846793005U + 1442695040888963407U;
      out.ids.push_back(static_cast<int32_t>((state >> 33U) % static_cast<uint64_t>(vocab_size)));
    }
    out.offsets.push_back(std::ssize(out.ids));
    out.full_lengths.push_back(length);
  }
  return out;
}

// Captures the last of every 32 tokens, in every head and layer, so that the whole model runs.
qk::TapRequest make_request(const qk::ModelConfig& config, int64_t num_tokens) {
  qk::LayerRequest layer;
  for (int64_t row = 31; row < num_tokens; row += 32) {
    layer.query_rows.push_back(static_cast<int32_t>(row));
  }
  layer.key_rows = layer.query_rows;
  for (int32_t h = 0; h < config.num_attention_heads; ++h) layer.query_heads.push_back(h);
  for (int32_t h = 0; h < config.num_key_value_heads; ++h) layer.key_heads.push_back(h);
  qk::TapRequest request;
  request.layers.assign(static_cast<size_t>(config.num_hidden_layers), layer);
  return request;
}

struct Measured {
  double seconds = 1e30;
  qk::FmaPeak peak;
  qk::ForwardTimes times;
};

Measured measure_once(const qk::Model& model, qk::ThreadPool& pool, const qk::Sequences& sequences,
                      const qk::TapRequest& request) {
  constexpr double kPeakSeconds = 0.2;
  Measured out;
  const qk::FmaPeak before = qk::measure_fma_peak(pool, kPeakSeconds);
  const auto start = std::chrono::steady_clock::now();
  qk::forward(
      {model, qk::kCpuBackend, pool}, sequences, request, {},
      [](int, qk::Site, qk::TensorView<const float, 3>) {}, &out.times);
  out.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  const qk::FmaPeak after = qk::measure_fma_peak(pool, kPeakSeconds);
  out.peak.fastest = std::max(before.fastest, after.fastest);
  out.peak.sustained = (before.sustained + after.sustained) / 2;
  return out;
}

void measure(const qk::Model& model, qk::ThreadPool& pool, const Options& options, int64_t length) {
  const qk::Sequences sequences =
      make_sequences(model.config.vocab_size, length, options.documents);
  const qk::TapRequest request = make_request(model.config, std::ssize(sequences.ids));
  Measured best;
  double fastest = 0;
  for (int r = 0; r < options.repeat; ++r) {
    const Measured now = measure_once(model, pool, sequences, request);
    fastest = std::max(fastest, now.peak.fastest);
    if (now.seconds < best.seconds) best = now;
  }
  const qk::ForwardTimes& times = best.times;
  const double rate = times.matmul_flop / best.seconds;
  const auto tokens = static_cast<double>(sequences.ids.size());
  const qk::ProcessMemory memory = qk::process_memory().value_or(qk::ProcessMemory());
  const auto megabytes = [](int64_t bytes) { return static_cast<double>(bytes) / (1 << 20); };
  fmt::print(
      "{:3} x {:6} tokens  {:7.0f} tokens/s  {:6.1f} GFLOP/s = {:4.1f} % of the sustained FMA peak "
      "{:.1f}, {:4.1f} % of the fastest {:.1f}  peak memory {:.0f} MB (anonymous {:.0f} MB)\n",
      options.documents, length, tokens / best.seconds, rate / 1e9,
      100 * rate / best.peak.sustained, best.peak.sustained / 1e9, 100 * rate / fastest,
      fastest / 1e9, megabytes(memory.peak), megabytes(memory.anonymous));
  fmt::print(
      "      seconds: linear {:.2f}, attention {:.2f}, norm {:.2f}, rope {:.2f}, activation "
      "{:.2f}, "
      "embedding {:.2f}, tap {:.2f}; all {:.2f}\n",
      times.linear, times.attention, times.norm, times.rope, times.activation, times.embedding,
      times.tap, best.seconds);
}

}  // namespace

int main(int argc, char** argv) {
  const Options options = parse(argc, argv);
  try {
    const qk::Model model = qk::load_model(options.model, "", qk::registry());
    qk::ThreadPool pool(options.threads);
    fmt::print("{}, {} threads\n", options.model, pool.num_threads());
    for (const int64_t length : options.lengths) measure(model, pool, options, length);
  } catch (const qk::Error& error) {
    fmt::print(stderr, "forward_bench: {}\n", error.what());
    return 1;
  }
}
