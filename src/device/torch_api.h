/* The table of C functions between the program and its torch plugin (src/torch/), which is loaded when a
 * device of torch is asked for. Nothing of C++ and nothing of torch crosses it.
 *
 * Every function that can fail returns a QkStatus; what went wrong is then in last_error(), one sentence.
 * A device is used by one thread at a time; different devices may be used by different threads. Work is
 * enqueued in order; only finish_taps, seconds_between, prefetch, synchronize, memory and close wait for
 * it.
 *
 * Activations are dense row-major arrays of the device's `type` at addresses that alloc gave, or inside
 * such memory. Shapes are in the comments; the formulas are those of src/kernels/<operation>.h, with the
 * roundings of transformers in half precision: an operation is the sequence of ATen calls that
 * transformers makes. */
#ifndef QK_DEVICE_TORCH_API_H
#define QK_DEVICE_TORCH_API_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define QK_TORCH_API_VERSION 2

/* Names and sizes of C. NOLINTBEGIN(performance-enum-size,readability-identifier-naming) */
enum QkStatus {
  QK_OK = 0,
  QK_FAILED = 1,
  QK_OUT_OF_MEMORY = 2, /* of the device, or pinned memory of the host */
  QK_DEVICE_LOST = 3    /* every further call for this device fails */
};
enum QkType { QK_F32 = 0, QK_F16 = 1, QK_BF16 = 2, QK_OTHER_TYPE = 3 };
enum QkNorm { QK_NORM_RMS = 0, QK_NORM_RMS_PLUS_ONE = 1 };
enum QkActivation {
  QK_SILU = 0,
  QK_GELU_TANH = 1,
  QK_GELU_ERF = 2,
  QK_GELU_NEW = 3,
  QK_GELU_FAST = 4
};
enum QkRope { QK_ROPE_HALVES = 0, QK_ROPE_PAIRS = 1 };
/* NOLINTEND(performance-enum-size,readability-identifier-naming) */

typedef struct QkDevice QkDevice;
typedef struct QkWeight QkWeight;

/* Which device, opened how. */
struct QkOpen {
  const char* kind;    /* "cpu" or "cuda" (also a ROCm torch's) */
  int32_t index;       /* of the device among its kind */
  int32_t type;        /* QkType of weights and activations: F32, F16 or BF16 */
  int32_t num_threads; /* of torch on the host; 0: as torch has it */
  /* Not 0: attention as torch's dispatcher chooses it, with the masks that transformers builds. 0: the
   * kernel that is fastest and exact at every length, chosen here. */
  int32_t dispatched_attention;
  /* That is loaded, with what follows "+", for describe; null: the version of QK_TORCH_MARK. */
  const char* torch_version;
};

struct QkMatrix { /* [rows, cols] */
  void* data;
  int64_t rows, cols;
};
struct QkHeads { /* [rows, heads, head_dim] */
  void* data;
  int64_t rows, heads, head_dim;
};

/* A weight matrix [rows, cols] in memory of the host; valid as long as the QkWeight made of it. */
struct QkHostWeight {
  /* Dense numbers of `type`, or null: then read_rows gives them. */
  const void* data;
  int32_t type;
  int64_t rows, cols;
  /* Rows [first, first + count) as float32 into out [count, cols]; always there. Returns 0. */
  int32_t (*read_rows)(const void* source, int64_t first, int64_t count, float* out);
  /* Or null. Called when the weight was copied into the device's memory: until it is dropped and loaded
   * again nothing is read. */
  void (*release)(const void* source);
  const void* source;
};

/* y = x W^T + bias, or y += with accumulate (rounded twice, as `y + linear(x)`), W and bias being rows
 * [first_row, first_row + y.cols) of weight and bias. Neighbouring jobs of one call whose rows of one
 * weight follow each other are one product. */
struct QkLinearJob {
  QkWeight* weight;
  QkWeight* bias; /* [1, out], or null */
  struct QkMatrix y;
  int64_t first_row;
  int32_t accumulate;
};

/* Keys and values of one document and one layer: kv_bytes at data, in the plugin's own layout. */
struct QkCache {
  void* data;
  int64_t capacity; /* tokens */
  int64_t num_heads, head_dim;
};

/* Query i stands at first + i and sees key j < num_keys: causal: j <= i, else all; with window > 0 also
 * i - window < j (causal) or |i - j| < window (else). */
struct QkAttention {
  int64_t first, num_keys, window;
  float scale;
  int32_t causal;
};

/* The largest call of a pass: see ScratchShape in src/kernels/backend.h. */
struct QkScratch {
  int64_t rows, width, tokens, query_rows, num_attention_heads, num_key_value_heads, head_dim;
  int64_t window; /* the smallest of a layer, 0: none has one */
  int32_t causal;
};

/* Pinned memory of the host that a GPU's weights pass through. */
#define QK_STAGING_BLOCKS 2
#define QK_STAGING_BYTES (32 << 20) /* of each */

struct QkTorchApi {
  int32_t api_version; /* QK_TORCH_API_VERSION */

  const char* (*last_error)(void); /* of the calling thread; valid until its next call */
  /* Devices of a kind that answer: 0 without an error if there is none, *why then says why not. */
  int32_t (*count_devices)(const char* kind, int32_t* count, const char** why);
  int32_t (*open)(const struct QkOpen* options, QkDevice** out);
  void (*close)(QkDevice* device);
  /* A JSON object of strings, valid until the next call of describe: "device" ("cpu" or "cuda"), "name",
   * "torch", "capability" (of a GPU, or the instructions of the cpu); where there are such "cuda" or
   * "hip", "cublas", "cudnn"; "attention" (the kernel of whole documents of a head_dim), and where they
   * have others "attention_chunks" and "attention_windows"; "environment": variables that are set and
   * change bits. No times, hosts or folders. */
  int32_t (*describe)(QkDevice* device, int64_t head_dim, const char** json);
  /* Bytes of the device's memory: free now (what torch holds unused counts as free), and in all. For
   * the cpu both are 0: not known. */
  int32_t (*memory)(QkDevice* device, int64_t* free_bytes, int64_t* total_bytes);
  int32_t (*synchronize)(QkDevice* device);

  /* Zeros, 64-byte aligned; host: pinned memory of the host. bytes > 0. */
  int32_t (*alloc)(QkDevice* device, int32_t host, int64_t bytes, void** out);
  void (*free)(QkDevice* device, void* data);

  /* Copies nothing yet: the first use, or prefetch, brings the weight into the device's memory, as
   * stored or rounded once to `type`. */
  int32_t (*bind)(QkDevice* device, const struct QkHostWeight* weight, QkWeight** out);
  /* The weight is not used any more. Also of a lost device. */
  void (*unbind)(QkDevice* device, QkWeight* weight);
  /* Waits until the memory of what was dropped is free, then reads the host's memory and enqueues the
   * copies. On the cpu it does nothing: the first use loads. */
  int32_t (*prefetch)(QkDevice* device, QkWeight* const* weights, int64_t count);
  /* Gives their memory back, once the work that is enqueued no longer needs it. */
  int32_t (*drop)(QkDevice* device, QkWeight* const* weights, int64_t count);

  /* out[i] = table[ids[i]] * scale, scale rounded to `type`; ids and table of the host */
  int32_t (*embedding)(QkDevice* device, const struct QkHostWeight* table, const int32_t* ids,
                       int64_t count, float scale, struct QkMatrix out);
  int32_t (*rms_norm)(QkDevice* device, struct QkMatrix x, QkWeight* weight, float eps,
                      int32_t norm, struct QkMatrix out); /* out may be x; weight [1, width] */
  int32_t (*linear)(QkDevice* device, struct QkMatrix x, const struct QkLinearJob* jobs,
                    int64_t count);
  /* cos, sin [rows, count] at positions first + r, of `type`, computed in float32 */
  int32_t (*rope_table)(QkDevice* device, const float* frequencies, int64_t count, float factor,
                        int64_t first, struct QkMatrix cos, struct QkMatrix sin);
  int32_t (*rope)(QkDevice* device, struct QkHeads x, struct QkMatrix cos, struct QkMatrix sin,
                  int32_t layout); /* in place on the first 2 * cos.cols components */
  /* x[i] *= factors[i] rounded to `type`; factors of the host */
  int32_t (*scale_rows)(QkDevice* device, struct QkMatrix x, const float* factors);
  int32_t (*gated_activation)(QkDevice* device, struct QkMatrix gate, struct QkMatrix up,
                              int32_t activation); /* gate = activation(gate) * up */
  int32_t (*add)(QkDevice* device, struct QkMatrix x, struct QkMatrix y); /* x += y */
  int32_t (*gather_rows)(QkDevice* device, struct QkMatrix x, const int32_t* rows, int64_t count,
                         struct QkMatrix out); /* out may lie within x: see kernels/gather.h */

  /* out[i][j] = x[rows[i]][heads[j]] as float32, out of the host (alloc with host). Rows and heads are
   * read before it returns; out is whole once finish_taps returned for *ticket. */
  int32_t (*gather_taps)(QkDevice* device, struct QkHeads x, const int32_t* rows, int64_t num_rows,
                         const int32_t* heads, int64_t num_heads, float* out, int64_t* ticket);
  /* Waits. *row: the first i that holds NaN or infinity, or num_rows. Once for each ticket, in order. */
  int32_t (*finish_taps)(QkDevice* device, int64_t ticket, int64_t* row);
  /* A moment in the order of the device's work, and the seconds between two (waits; once each). */
  int32_t (*mark)(QkDevice* device, int64_t* moment);
  int32_t (*seconds_between)(QkDevice* device, int64_t begin, int64_t end, double* seconds);
  void (*forget_marks)(QkDevice* device); /* those that no call has used */

  int64_t (*kv_bytes)(int32_t type, int64_t tokens, int64_t num_heads, int64_t head_dim);
  int32_t (*kv_store)(QkDevice* device, struct QkCache cache, int64_t first, struct QkHeads k,
                      struct QkHeads v);
  int32_t (*attention)(QkDevice* device, struct QkHeads q, struct QkCache cache,
                       const struct QkAttention* shape, struct QkHeads out);
  /* The most bytes of the device's memory that operations take for themselves. */
  int64_t (*scratch_bytes)(QkDevice* device, const struct QkScratch* shape);
};

/* The plugin's one exported function. Null if it has no table of this version. */
typedef const struct QkTorchApi* (*QkTorchApiFunction)(int32_t api_version);
#define QK_TORCH_API_FUNCTION "qkscope_torch_api"

/* In the plugin's file, as text, so that it can be read before the plugin is loaded: these words, then the
 * version of torch it was built for ("2.9.1"), '\n', and the folder of that torch, '\0'. */
#define QK_TORCH_MARK "qkscope torch plugin for torch="

#ifdef __cplusplus
}
#endif

#endif
