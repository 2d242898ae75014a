// The capture run: documents in, dataset out.
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "capture/config.h"
#include "capture/plan.h"
#include "corpus/corpus.h"
#include "dataset/dataset_writer.h"
#include "dataset/document_counts.h"
#include "hub/resolver.h"
#include "kernels/backend.h"
#include "model/forward.h"
#include "model/model.h"
#include "tokenizer/tokenizer.h"
#include "verify/certificate.h"

namespace qk {

// Everything that a run needs, opened and checked. Nothing is written yet.
struct PreparedRun {
  SniffConfig config;  // its warnings go on where load_config stopped
  Model model;
  CapturePlan plan;
  Tokenizer tokenizer;
  std::unique_ptr<Corpus> corpus;
};

// Throws Error: model, tokenizer or corpus not found or damaged, or a plan that captures nothing.
PreparedRun prepare_run(SniffConfig config, std::span<const Architecture* const> registry,
                        Resolver& resolver);

enum class Phase : uint8_t {
  kIdentify,  // of the model's files: bytes
  kCapture,   // documents
  kWrite,     // of the dataset: files
};

struct RunProgress {
  Phase phase = Phase::kIdentify;
  int64_t done = 0;
  std::optional<int64_t> total;  // empty: not known before the end
  double in_hand = 0;            // further documents' worth of work, not yet done
  int64_t num_tokens = 0;        // so far, as cut to max_length
  int64_t num_rows = 0;          // so far, of all heads
  double seconds = 0;            // since the phase began
  // Of done and num_tokens, what an interrupted run had done before.
  int64_t done_before = 0, num_tokens_before = 0;
};

struct RunOptions {
  bool overwrite = false;
  bool resume = false;    // goes on with the journal in the folder, or begins if there is none
  int num_threads = 0;    // 0: all cores
  int64_t ram_bytes = 0;  // most memory at once, mapped pages included; 0: not bounded
  const Backend* backend = &kCpuBackend;
  ForwardOptions forward;
  std::optional<Certificate> certificate;  // goes into the card and the footers
  // Set from a signal handler: the documents in hand, or the files, are finished or given up, then
  // the run ends.
  const std::atomic<bool>* stop = nullptr;
  std::function<void(const RunProgress&)> progress;
  std::function<void(const std::string&)> warn;  // whole sentences
};

// Seconds.
struct RunTimes {
  double identify = 0, tokenize = 0, select = 0, forward = 0, journal = 0, write = 0, total = 0;
  ForwardTimes parts;  // of forward
};

struct RunReport {
  bool stopped = false;    // by `stop`: no dataset was written, the journal is kept
  bool was_whole = false;  // with `resume`: the dataset was finished before, nothing was done
  // In all, those of the interrupted run included; num_tokens as cut to max_length.
  int64_t num_documents = 0, num_tokens = 0;
  int64_t num_rows = 0;                                     // of all heads
  int64_t num_documents_before = 0, num_tokens_before = 0;  // of the interrupted run
  int64_t num_computed_tokens = 0;  // up to the last captured one of each document
  DocumentCounts documents;         // once the dataset is written
  std::filesystem::path journal;
  DatasetSummary dataset;
  int64_t peak_bytes = 0;         // of the process, mapped pages included
  int64_t peak_mapped_bytes = 0;  // resident pages of mapped files, as far as it was looked at
  RunTimes times;
};

// Runs it. The dataset appears in output.data_root file by file, each whole, the card last; until
// then every captured row is in the journal below <data_root>/.qkscope. Results do not depend on
// batch_size, num_threads and chunk_tokens, nor on how often the run was interrupted and resumed.
// Throws Error: the output folder holds a dataset or a journal and neither overwrite nor resume is
// set, another run is writing into it, it cannot be written, the disk is full, a document cannot be
// read or tokenised, no row was captured; with resume, the journal or the dataset is of another
// model, tokenizer, corpus, configuration, version or build; the certificate
// is of another model. A journal with whole documents is kept
// then, and the message says so. With ram_bytes: if the memory plan does not fit (before anything
// is written), or a document's text is too large to be tokenised within it.
RunReport run_capture(PreparedRun& run, const RunOptions& options);

}  // namespace qk
