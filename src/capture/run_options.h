// How a run is executed, what it shows meanwhile, and what it counts. None of it changes the
// dataset, but for devices of torch and their chunks, which the provenance names.
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "capture/shard.h"
#include "capture/time_limit.h"
#include "dataset/dataset_writer.h"
#include "dataset/document_counts.h"
#include "device/devices.h"
#include "kernels/backend.h"
#include "model/forward.h"
#include "staging/stage_choice.h"
#include "verify/certificate.h"

namespace qk {

enum class Phase : uint8_t {
  kStage,     // of the weights: bytes
  kIdentify,  // of the model's files: bytes
  kCapture,   // documents
  kWrite,     // of the dataset: files
};

struct RunProgress {
  Phase phase = Phase::kIdentify;
  int64_t done = 0;
  std::optional<int64_t> total;  // empty: not known before the end
  double in_progress = 0;        // documents' worth of work in progress, not counted in `done`
  int64_t num_tokens = 0;        // so far, as cut to max_length
  int64_t num_rows = 0;          // so far, of all heads
  double seconds = 0;            // since the phase began
  // Of done and num_tokens, what an interrupted run had done before.
  int64_t done_before = 0, num_tokens_before = 0;
};

struct RunOptions {
  bool overwrite = false;
  bool resume = false;         // resumes the journals in the folder, or begins if there are none
  std::optional<Shard> shard;  // captures its documents only, and writes no dataset
  bool finish = false;         // captures nothing, and writes the dataset if no document is missing
  int num_threads = 0;         // 0: all cores
  int64_t ram_bytes = 0;       // most memory at once, mapped pages included; 0: not bounded
  int64_t vram_bytes = 0;      // most memory of each device; 0: what is free there less a reserve
  const Devices* devices = nullptr;  // that compute, documents spread over them; null: our kernels
  ForwardOptions forward;
  StageRequest stage;                      // where the weights are read from
  std::optional<Certificate> certificate;  // goes into the card and the footers
  // Set from a signal handler: the documents in progress are finished, files in progress are given
  // up, then the run ends.
  const std::atomic<bool>* stop = nullptr;
  // No document is begun that would not end before it; null: there is none.
  TimeLimit* time_limit = nullptr;
  std::function<void(const RunProgress&)> progress;
  std::function<void(const std::string&)> warn;  // whole sentences

  // A shard, or a finishing, goes on from what is in the folder, as `resume` says.
  bool continues() const { return resume || finish || shard.has_value(); }
  // How many documents the run captures, of those of the corpus, if that is known.
  std::optional<int64_t> num_documents(std::optional<int64_t> of_corpus) const {
    if (!of_corpus || !shard) return of_corpus;
    return (*of_corpus - shard->index + shard->count - 1) / shard->count;
  }
  int num_devices() const { return devices != nullptr ? devices->count() : 1; }
  // Why it is these devices; empty if none are given.
  std::string device_reason() const { return devices != nullptr ? devices->reason() : ""; }
  const Backend& backend(int device = 0) const {
    return devices != nullptr ? devices->backend(device) : kCpuBackend;
  }
};

// Seconds of the thread that computes; with several devices the sum over their threads.
struct CaptureTimes {
  double tokenize = 0;  // waiting for documents, which are tokenised beside the forward pass
  double select = 0, forward = 0, journal = 0;
  ForwardTimes parts;  // of forward; only with inference.debug_logging
};

struct CaptureCounts {
  // In all, those of the interrupted run included; num_tokens as cut to max_length.
  int64_t num_documents = 0, num_tokens = 0;
  int64_t num_rows = 0;                                     // of all heads
  int64_t num_documents_before = 0, num_tokens_before = 0;  // of the interrupted run
  int64_t num_computed_tokens = 0;  // up to the last captured one of each document
  int64_t peak_mapped_bytes = 0;    // resident pages of mapped files, the most that was seen
  CaptureTimes times = {};
};

struct RunTimes {  // seconds
  double stage = 0, identify = 0, write = 0, total = 0;
};

struct RunReport {
  bool stopped = false;  // by `stop` or the time limit: no dataset was written, the journal is kept
  std::string out_of_time;  // a sentence; empty: not by the time limit
  bool resumed = false;     // a journal with documents was there
  // Over ranks, stopped with `overwrite` before a journal says so: --resume would not know of it.
  bool must_overwrite = false;
  bool was_whole = false;  // with `resume`: the dataset was finished before, nothing was done
  CaptureCounts counts;
  // With `finish`: documents that no journal has, ascending; no dataset was written then.
  std::vector<int64_t> missing;
  // Into how many shards the journals part the documents; 0: there are none of shards, or they differ.
  int64_t num_shards = 0;
  DocumentCounts documents;  // once the dataset is written
  std::filesystem::path journal;
  DatasetSummary dataset;
  StagePlace stage;
  int64_t staged_bytes = 0;
  int staged_on_others = 0;  // nodes that got their copy from rank 0, which read once
  int64_t peak_bytes = 0;    // of the process, mapped pages included
  RunTimes times;
};

}  // namespace qk
