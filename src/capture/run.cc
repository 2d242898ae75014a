#include "capture/run.h"

#include <chrono>
#include <utility>

#include "base/atomic_file.h"
#include "base/error.h"
#include "capture/document_batch.h"
#include "capture/model_files.h"
#include "capture/provenance.h"
#include "dataset/card.h"
#include "dataset/journal.h"
#include "dataset/overwrite.h"

namespace qk {
namespace {

namespace fs = std::filesystem;

// Documents are computed together up to this many tokens; more would not be faster.
constexpr int64_t kBatchTokens = 8192;

class Stopwatch {
 public:
  double seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  }
  // Seconds since the last lap.
  double lap() {
    const auto now = std::chrono::steady_clock::now();
    return std::chrono::duration<double>(now - std::exchange(lap_, now)).count();
  }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  std::chrono::steady_clock::time_point lap_ = start_;
};

class Run {
 public:
  Run(PreparedRun& prepared, const RunOptions& options)
      : prepared_(prepared),
        options_(options),
        pool_(options.num_threads),
        folder_(prepared.config.output.data_root) {}

  RunReport execute() {
    prepare_output_folder(folder_, options_.overwrite);
    report_.journal = journal_path(folder_);
    try {
      identify();
      capture();
      if (!report_.stopped) write();
    } catch (...) {
      discard_empty_journal();
      throw;
    }
    report_.times.total = watch_.seconds();
    return std::move(report_);
  }

 private:
  void identify();
  void capture();
  void write();
  std::vector<TokenizedDocument> next_batch();
  TokenizedDocument tokenize(const Document& document);
  void compute(DocumentBatch& batch, JournalWriter& journal);
  void check_rows() const;
  void discard_empty_journal() const noexcept;
  CardInfo card_info() const;

  bool stop_wanted() const {
    return options_.stop != nullptr && options_.stop->load(std::memory_order_relaxed);
  }
  // part: of the batch in hand that is done, in [0, 1]
  void tell(Phase phase, int64_t done, std::optional<int64_t> total, const Stopwatch& watch,
            double part = 0) const {
    if (!options_.progress) return;
    const auto in_hand = static_cast<double>(report_.num_tokens - num_tokens_done_);
    const int64_t tokens = num_tokens_done_ + static_cast<int64_t>(in_hand * part);
    options_.progress({phase, done, total, part * static_cast<double>(batch_size_), tokens,
                       report_.num_rows, watch.seconds()});
  }

  PreparedRun& prepared_;
  const RunOptions& options_;
  ThreadPool pool_;
  fs::path folder_;
  Stopwatch watch_;
  std::string provenance_, geometry_;
  std::optional<int64_t> num_documents_;  // in all, if known
  int64_t num_tokens_done_ = 0;           // of finished documents
  int64_t batch_size_ = 0;                // documents in hand
  Stopwatch capture_watch_;
  RunReport report_;
};

void Run::identify() {
  const Stopwatch watch;
  RunIdentity identity;
  identity.model_files = identify_model(prepared_.model, pool_, [&](int64_t done, int64_t total) {
    tell(Phase::kIdentify, done, total, watch);
  });
  if (options_.certificate) {
    check_certificate(*options_.certificate, identity.model_files);
    identity.certificate = options_.certificate->json;
  }
  identity.tokenizer_sha256 = prepared_.tokenizer.identity();
  identity.corpus_sha256 = qk::identify(*prepared_.corpus);
  identity.num_corpus_files = static_cast<int64_t>(prepared_.corpus->files().size());
  provenance_ = provenance_json(prepared_.config, identity);
  geometry_ = geometry_json(prepared_.plan, prepared_.model.config, *prepared_.model.architecture);
  report_.times.identify = watch.seconds();
}

TokenizedDocument Run::tokenize(const Document& document) {
  TokenizedDocument out{document.index, document.example_id, {}};
  try {
    out.ids = prepared_.tokenizer.encode(document.text, prepared_.config.tokenizer.max_length);
  } catch (const Error& error) {
    fail("{}: {}", document.place, error.what());
  }
  const int64_t rows = prepared_.model.config.embedding_rows;
  for (const int32_t id : out.ids) {
    if (id >= 0 && id < rows) continue;
    fail(
        "{}: the tokenizer gives id {}, but {} has only {} embeddings: tokenizer.name and "
        "model.name do not belong together",
        document.place, id, prepared_.config.model.name, rows);
  }
  if (out.ids.empty()) ++report_.num_empty_documents;
  report_.num_tokens += static_cast<int64_t>(out.ids.size());
  return out;
}

std::vector<TokenizedDocument> Run::next_batch() {
  std::vector<TokenizedDocument> out;
  int64_t num_tokens = 0;
  while (static_cast<int64_t>(out.size()) < prepared_.config.inference.batch_size &&
         num_tokens < kBatchTokens) {
    const auto document = prepared_.corpus->next();
    if (!document) break;
    out.push_back(tokenize(*document));
    num_tokens += static_cast<int64_t>(out.back().ids.size());
  }
  return out;
}

void Run::compute(DocumentBatch& batch, JournalWriter& journal) {
  double journal_seconds = 0;
  Stopwatch watch;
  const DocumentBatch::Sink sink = [&](const CaptureBlock& block) {
    const Stopwatch write_watch;
    journal.append(block);
    journal_seconds += write_watch.seconds();
  };
  if (!batch.empty()) {
    const double num_layers = prepared_.plan.last_layer + 1;
    forward(
        prepared_.model, *options_.backend, pool_, batch.sequences(), batch.request(),
        options_.forward,
        [&](int layer, Site site, TensorView<const float, 3> rows) {
          batch.take(layer, site, rows, sink);
          tell(Phase::kCapture, report_.num_documents, num_documents_, capture_watch_,
               (layer + 1) / num_layers);
        },
        &report_.times.parts);
  }
  report_.times.forward += watch.lap() - journal_seconds;
  batch.finish(sink, [&](const DocumentEnd& end) { journal.end_document(end); });
  report_.times.journal += watch.lap() + journal_seconds;
}

void Run::capture() {
  JournalWriter journal = JournalWriter::create(report_.journal, provenance_);
  const TokenText token_text = [&](int32_t id) { return prepared_.tokenizer.token(id); };
  num_documents_ = prepared_.corpus->num_documents();
  capture_watch_ = Stopwatch();
  Stopwatch watch;
  while (true) {
    tell(Phase::kCapture, report_.num_documents, num_documents_, capture_watch_);
    if (report_.num_documents > 0 && stop_wanted()) {
      report_.stopped = true;
      return;
    }
    watch.lap();
    std::vector<TokenizedDocument> documents = next_batch();
    report_.times.tokenize += watch.lap();
    if (documents.empty()) break;
    batch_size_ = static_cast<int64_t>(documents.size());
    DocumentBatch batch(prepared_.plan, std::move(documents), token_text);
    report_.times.select += watch.lap();
    compute(batch, journal);
    report_.num_documents += batch.num_documents();
    report_.num_computed_tokens += static_cast<int64_t>(batch.sequences().ids.size());
    report_.num_rows += batch.num_rows();
    num_tokens_done_ = report_.num_tokens;
  }
  check_rows();
}

void Run::check_rows() const {
  if (report_.num_rows > 0) return;
  const std::string& path = prepared_.config.dataset.path;
  if (report_.num_documents == 0) fail("dataset.path: {} holds no document", path);
  if (report_.num_tokens == 0) fail("dataset.path: no document of {} has a token", path);
  fail(
      "capture.sampler: no row was drawn from {} tokens; a larger base_rate or a smaller "
      "min_bucket_size draws more",
      report_.num_tokens);
}

CardInfo Run::card_info() const {
  const SniffConfig& config = prepared_.config;
  CardInfo info;
  info.model = config.model.name;
  info.metadata = prepared_.plan.metadata;
  info.summary = report_.dataset;
  info.has_token_str = config.capture.capture_token_strings;
  info.has_pre_rope = config.capture.rope == CaptureRope::kBoth;
  info.int32_example_ids = config.compat_reference;
  info.reference_layout = config.compat_reference;
  if (options_.certificate) info.verification = options_.certificate->summary;
  info.hub_repo = config.output.hf_repo_id.value_or("");
  info.hub_branch = config.output.hf_branch.value_or("");
  return info;
}

void Run::write() {
  const Stopwatch watch;
  const JournalReader journal(report_.journal);
  DatasetOptions options;
  options.int32_example_ids = prepared_.config.compat_reference;
  options.reference_layout = prepared_.config.compat_reference;
  options.overwrite = options_.overwrite;
  options.footer = {{std::string(kFooterProvenance), provenance_},
                    {std::string(kFooterGeometry), geometry_}};
  report_.dataset =
      write_dataset(journal, folder_, options, pool_,
                    [&](int64_t done, int64_t total) { tell(Phase::kWrite, done, total, watch); });
  const CardInfo info = card_info();
  if (prepared_.config.compat_reference) {
    write_file(folder_ / "_saver_state.json", saver_state_json(info));
  }
  write_file(folder_ / "README.md", dataset_card(info));
  remove_journal(folder_);
  report_.times.write = watch.seconds();
}

// A journal without rows is of no use, and the next run would stumble over it.
void Run::discard_empty_journal() const noexcept {
  if (report_.num_rows > 0) return;
  try {
    remove_journal(folder_);
  } catch (const Error&) {  // NOLINT(bugprone-empty-catch): the first error is the one to tell
  }
}

}  // namespace

PreparedRun prepare_run(SniffConfig config, std::span<const Architecture* const> registry) {
  Model model = load_model(find_model(config), config.model.config_overrides, registry);
  CapturePlan plan = make_plan(config, model.config, *model.architecture);
  Tokenizer tokenizer = load_tokenizer(config, model, config.warnings);
  std::unique_ptr<Corpus> corpus = open_corpus(config.dataset);
  return {std::move(config), std::move(model), std::move(plan), std::move(tokenizer),
          std::move(corpus)};
}

RunReport run_capture(PreparedRun& run, const RunOptions& options) {
  return Run(run, options).execute();
}

int64_t estimate_peak_bytes(const PreparedRun& run, const RunOptions& options) {
  TokenizedDocument longest;
  longest.ids.assign(static_cast<size_t>(run.config.tokenizer.max_length), 0);
  const DocumentBatch batch(run.plan, {longest}, [](int32_t) { return std::string(); });
  const std::vector<int64_t> lengths = {static_cast<int64_t>(batch.sequences().ids.size())};
  const int num_threads = options.num_threads > 0 ? options.num_threads : available_cores();
  const int64_t forward = forward_bytes(run.model, *options.backend, lengths, batch.request(),
                                        options.forward, num_threads);
  return forward + batch.largest_block_bytes();
}

}  // namespace qk
