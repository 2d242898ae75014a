// How close do linear and attention come to the FMA peak of the machine, and to OpenBLAS?
//
//   taskset -c 0 build/release/kernels_bench --benchmark_filter=threads:1
//   (with OPENBLAS_CORETYPE=SkylakeX if OpenBLAS does not recognise an AVX-512 machine)
//   build/release/kernels_bench
//
// gflops: in the fastest repetition. peak: fraction of the float32 FMA peak that the same number of
// threads reached in the same benchmark, just before and after. For causal attention, only the
// useful half of the operations counts.
#include <benchmark/benchmark.h>
#include <cblas-openblas.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <functional>
#include <random>
#include <vector>

#include "kernels/backend.h"
#include "kernels/fma_peak.h"

namespace qk {
namespace {

using Clock = std::chrono::steady_clock;

std::vector<float> random_floats(int64_t count) {
  std::mt19937 generator(1);
  std::uniform_real_distribution<float> uniform(-1.0F, 1.0F);
  std::vector<float> numbers(static_cast<size_t>(count));
  for (float& x : numbers) x = uniform(generator);
  return numbers;
}

void report(benchmark::State& state, ThreadPool& pool, double flop,
            const std::function<void()>& operation) {
  operation();  // pages and work memory
  double peak = measure_fma_peak(pool).fastest;
  double fastest = 1e300;
  for (auto _ : state) {
    const Clock::time_point start = Clock::now();
    operation();
    const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
    state.SetIterationTime(seconds);
    fastest = std::min(fastest, seconds);
  }
  peak = std::max(peak, measure_fma_peak(pool).fastest);
  state.counters["gflops"] = flop / fastest * 1e-9;
  state.counters["peak"] = flop / fastest / peak;
}

// Arbitrary bytes with moderate scales; all blocks are equal.
std::vector<std::byte> stored_rows(DType dtype, int64_t rows, int64_t cols) {
  std::vector<std::byte> bytes(static_cast<size_t>(rows * row_bytes(dtype, cols)));
  const std::vector<float> numbers = random_floats(rows * cols);
  if (dtype == DType::kF32) {
    std::memcpy(bytes.data(), numbers.data(), bytes.size());
  } else if (dtype == DType::kBF16) {
    for (size_t i = 0; i < numbers.size(); ++i) {
      std::memcpy(&bytes[2 * i], reinterpret_cast<const std::byte*>(&numbers[i]) + 2, 2);
    }
  } else {
    constexpr uint16_t kScale = 0x2C00;  // 1/16 as half
    const auto block_bytes = static_cast<size_t>(info(dtype).block_bytes);
    for (size_t i = 0; i < bytes.size(); ++i) {
      bytes[i] = reinterpret_cast<const std::byte*>(numbers.data())[i % (4 * numbers.size())];
    }
    for (size_t i = 0; i < bytes.size(); i += block_bytes) {
      std::memcpy(&bytes[i], &kScale, sizeof kScale);
      std::memcpy(&bytes[i + 2], &kScale, sizeof kScale);
    }
  }
  return bytes;
}

void linear(benchmark::State& state, DType dtype) {
  const int64_t rows = state.range(0);
  const int64_t in = state.range(1);
  const int64_t out = state.range(2);
  ThreadPool pool(static_cast<int>(state.range(3)));
  const std::vector<std::byte> stored = stored_rows(dtype, out, in);
  const std::vector<float> x = random_floats(rows * in);
  std::vector<float> y(static_cast<size_t>(rows * out));
  const auto context = kCpuBackend.make_context(kCpuBackend, pool);
  const WeightMatrix weight{.data = stored.data(),
                            .dtype = dtype,
                            .rows = out,
                            .cols = in,
                            .stride_bytes = row_bytes(dtype, in)};
  const LinearJob job{.weight = kCpuBackend.bind_weight(*context, weight),
                      .y = MatrixView(y.data(), {rows, out})};
  report(state, pool, 2.0 * static_cast<double>(rows * in * out),
         [&] { kCpuBackend.linear(*context, ConstMatrixView(x.data(), {rows, in}), {&job, 1}); });
}

void openblas_sgemm(benchmark::State& state) {
  const int64_t rows = state.range(0);
  const int64_t in = state.range(1);
  const int64_t out = state.range(2);
  ThreadPool pool(static_cast<int>(state.range(3)));
  openblas_set_num_threads(pool.num_threads());
  const std::vector<float> weight = random_floats(out * in);
  const std::vector<float> x = random_floats(rows * in);
  std::vector<float> y(static_cast<size_t>(rows * out));
  report(state, pool, 2.0 * static_cast<double>(rows * in * out), [&] {
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, static_cast<int>(rows),
                static_cast<int>(out), static_cast<int>(in), 1.0F, x.data(), static_cast<int>(in),
                weight.data(), static_cast<int>(in), 0.0F, y.data(), static_cast<int>(out));
  });
}

// The whole causal attention of one layer, in calls of 1024 queries.
void attention(benchmark::State& state) {
  constexpr int64_t kHeads = 9;
  constexpr int64_t kKeyHeads = 3;
  constexpr int64_t kHeadDim = 64;
  constexpr int64_t kChunk = 1024;
  const int64_t tokens = state.range(0);
  ThreadPool pool(static_cast<int>(state.range(1)));
  const std::vector<float> q = random_floats(tokens * kHeads * kHeadDim);
  const std::vector<float> k = random_floats(tokens * kKeyHeads * kHeadDim);
  std::vector<float> out(q.size());
  const auto context = kCpuBackend.make_context(kCpuBackend, pool);
  const KeyValueCache cache{
      kCpuBackend.alloc(*context, Memory::kDevice,
                        kCpuBackend.kv_bytes(kCpuBackend, tokens, kKeyHeads, kHeadDim)),
      tokens, kKeyHeads, kHeadDim};
  const TensorView<const float, 3> keys(k.data(), {tokens, kKeyHeads, kHeadDim});
  kCpuBackend.kv_store(*context, cache, 0, keys, keys);
  const double pairs = 0.5 * static_cast<double>(tokens) * static_cast<double>(tokens + 1);
  report(state, pool, 4.0 * pairs * kHeads * kHeadDim, [&] {
    for (int64_t begin = 0; begin < tokens; begin += kChunk) {
      const int64_t end = std::min(tokens, begin + kChunk);
      const std::array<int64_t, 3> shape{tokens, kHeads, kHeadDim};
      kCpuBackend.attention(*context, TensorView<const float, 3>(q.data(), shape).slice(begin, end),
                            {.first = begin}, cache, {.scale = 0.125F, .num_keys = end},
                            TensorView<float, 3>(out.data(), shape).slice(begin, end));
    }
  });
  kCpuBackend.free(*context, cache.data);
}

void shapes(benchmark::internal::Benchmark* bench) {
  bench->ArgNames({"rows", "in", "out", "threads"})->UseManualTime()->MinTime(0.3);
  for (const int64_t threads : {1, 2}) {
    for (const int64_t rows : {512, 2048}) {
      bench->Args({rows, 576, 960, threads});    // q, k and v of SmolLM2-135M
      bench->Args({rows, 576, 576, threads});    // its o
      bench->Args({rows, 576, 3072, threads});   // gate and up
      bench->Args({rows, 1536, 576, threads});   // down
      bench->Args({rows, 4096, 4096, threads});  // an 8B model's
    }
  }
}

BENCHMARK_CAPTURE(linear, f32, DType::kF32)->Apply(shapes);
BENCHMARK_CAPTURE(linear, bf16, DType::kBF16)->Apply(shapes);
BENCHMARK_CAPTURE(linear, q4_1, DType::kQ4_1)->Apply(shapes);
BENCHMARK(openblas_sgemm)->Apply(shapes);
BENCHMARK(attention)
    ->ArgNames({"tokens", "threads"})
    ->ArgsProduct({{2048, 8192}, {1, 2}})
    ->UseManualTime()
    ->MinTime(0.3);

}  // namespace
}  // namespace qk

BENCHMARK_MAIN();
