#include "capture/run.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/atomic_file.h"
#include "base/error.h"
#include "base/process_memory.h"
#include "capture/capture_loop.h"
#include "capture/document_batch.h"
#include "capture/journal_check.h"
#include "capture/memory_plan.h"
#include "capture/model_files.h"
#include "capture/provenance.h"
#include "capture/resume.h"
#include "dataset/card.h"
#include "dataset/overwrite.h"
#include "dataset/schema.h"
#include "journal/journal_set.h"
#include "model/source_files.h"

namespace qk {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kMostCanaries = 64;

// Thrown out of the writing of the files.
class Stopped : public std::exception {};

class Run {
 public:
  Run(PreparedRun& prepared, const RunOptions& options)
      : prepared_(prepared),
        options_(options),
        pool_(options.num_threads),
        folder_(prepared.config.output.data_root) {}

  RunReport execute() {
    if (options_.ram_bytes > 0) return_freed_memory();
    memory_ = plan_memory(prepared_, options_);
    if (!memory_.fits) fail("--ram: {}", memory_.advice);
    const FolderLock lock(folder_);
    report_.journal = journal_path(folder_);
    std::error_code error;
    const bool goes_on = options_.resume && fs::exists(report_.journal, error);
    if (options_.resume && !goes_on && is_whole_already()) return std::move(report_);
    prepare_output_folder(folder_, goes_on              ? Start::kResume
                                   : options_.overwrite ? Start::kOverwrite
                                                        : Start::kNew);
    try {
      identify();
      if (capture(goes_on)) write(goes_on);
    } catch (const Stopped&) {
      report_.stopped = true;
    } catch (const Error& fault) {
      if (!discard_empty_journal()) {
        fail("{}; {} of the journal {} kept: --resume goes on from there", fault.what(),
             report_.num_documents == 1
                 ? "the whole document"
                 : fmt::format("the {} whole documents", report_.num_documents),
             report_.num_documents == 1 ? "is" : "are");
      }
      throw;
    }
    report_.times.total = watch_.seconds();
    if (const auto memory = process_memory()) report_.peak_bytes = memory->peak;
    return std::move(report_);
  }

 private:
  bool is_whole_already();
  void identify();
  bool capture(bool goes_on);
  JournalWriter open_journal(bool goes_on, std::vector<int64_t>& done);
  void take_journal(const JournalReader& journal, std::vector<int64_t>& done);
  void warn_of_damage(const JournalReader& journal) const;
  void write(bool goes_on);
  void check_documents(const JournalSet& journal) const;
  void check_rows() const;
  bool discard_empty_journal() noexcept;
  CardInfo card_info() const;

  void tell(Phase phase, int64_t done, std::optional<int64_t> total, const RunClock& watch) const {
    if (!options_.progress) return;
    options_.progress(
        {phase, done, total, 0, report_.num_tokens, report_.num_rows, watch.seconds()});
  }

  PreparedRun& prepared_;
  const RunOptions& options_;
  ThreadPool pool_;
  fs::path folder_;
  MemoryPlan memory_;
  RunClock watch_;
  std::string provenance_, geometry_;
  bool overwrite_ = false;  // of this run, or of the interrupted one
  bool has_journal_ = false;
  RunReport report_;
};

void Run::identify() {
  if (!provenance_.empty()) return;
  const RunClock watch;
  RunIdentity identity;
  identity.model_files = identify_files(
      source_files(prepared_.model), pool_,
      [&](int64_t done, int64_t total) { tell(Phase::kIdentify, done, total, watch); });
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

// A finished dataset needs nothing, if it is that of this run.
bool Run::is_whole_already() {
  const std::string there = provenance_of_dataset(folder_);
  if (there.empty()) return false;
  identify();
  const std::string difference = provenance_difference(there, provenance_);
  if (!difference.empty()) {
    fail("{}: --resume found no journal but the finished dataset of another run: {}",
         folder_.string(), difference);
  }
  const std::string missing = missing_of_dataset(folder_);
  if (!missing.empty()) {
    fail(
        "{}: --resume found no journal but the finished dataset of this run, of which {}: "
        "--overwrite makes it again",
        folder_.string(), missing);
  }
  return report_.was_whole = true;
}

// Documents are begun in order: one that is not whole, below one that is, was lost.
void Run::warn_of_damage(const JournalReader& journal) const {
  if (journal.damage().empty() || !options_.warn) return;
  std::vector<int64_t> lost = journal.lost();
  int64_t expected = 0;
  for (const DocumentEnd& end : journal.documents()) {
    for (; expected < end.document; ++expected) {
      if (!std::ranges::binary_search(journal.lost(), expected)) lost.push_back(expected);
    }
    ++expected;
  }
  std::ranges::sort(lost);
  options_.warn(fmt::format(
      "{}: damaged at byte {}{}; {}", journal.path().string(), journal.damage().front(),
      journal.damage().size() == 1
          ? ""
          : fmt::format(" and in {} more places", journal.damage().size() - 1),
      lost.empty() ? "what was lost has been computed again before"
                   : fmt::format("document{} {} {} computed again", lost.size() == 1 ? "" : "s",
                                 fmt::join(lost, ", "), lost.size() == 1 ? "is" : "are")));
}

void Run::take_journal(const JournalReader& journal, std::vector<int64_t>& done) {
  const JournalHeader header = parse_journal_header(journal.header(), journal.path());
  const std::string difference = provenance_difference(header.provenance, provenance_);
  if (!difference.empty()) {
    fail("{}: is the journal of another run: {}; --overwrite discards it", journal.path().string(),
         difference);
  }
  overwrite_ = header.overwrite;
  warn_of_damage(journal);
  for (const DocumentEnd& end : journal.documents()) {
    done.push_back(end.document);
    report_.num_tokens += end.num_tokens;
  }
  for (const JournalReader::Group& group : journal.groups()) {
    for (const JournalReader::Record& record : group.records) {
      const JournalReader::Entry entry = journal.entry(record);
      report_.num_rows += entry.rows * std::ssize(entry.heads);
      journal.drop_head(entry);
    }
  }
  report_.num_documents = report_.num_documents_before = std::ssize(done);
  report_.num_tokens_before = report_.num_tokens;
}

JournalWriter Run::open_journal(bool goes_on, std::vector<int64_t>& done) {
  if (goes_on) {
    const JournalReader journal(report_.journal);
    take_journal(journal, done);
    JournalWriter writer = JournalWriter::resume(journal);
    has_journal_ = true;
    return writer;
  }
  overwrite_ = options_.overwrite;
  JournalWriter journal =
      JournalWriter::create(report_.journal, to_text({provenance_, overwrite_}));
  has_journal_ = true;
  return journal;
}

// False if the run was stopped.
bool Run::capture(bool goes_on) {
  std::vector<int64_t> done;
  JournalWriter journal = open_journal(goes_on, done);
  CaptureLoop loop(prepared_, options_, memory_, pool_, done, report_);
  report_.stopped = !loop.run(journal);
  if (!report_.stopped) check_rows();
  return !report_.stopped;
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

// Every document of the corpus is in the journal, once.
void Run::check_documents(const JournalSet& journal) const {
  const std::vector<DocumentEnd>& documents = journal.documents();
  for (size_t i = 0; i < documents.size(); ++i) {
    if (documents[i].document == static_cast<int64_t>(i)) continue;
    fail("{}: document {} is missing", journal.name(), i);
  }
  if (std::ssize(documents) == report_.num_documents) return;
  fail("{}: has {} whole documents, expected {}", journal.name(), documents.size(),
       report_.num_documents);
}

CardInfo Run::card_info() const {
  const SniffConfig& config = prepared_.config;
  CardInfo info;
  info.model = config.model.name;
  info.metadata = prepared_.plan.metadata;
  info.summary = report_.dataset;
  info.documents = report_.documents;
  info.has_token_str = config.capture.capture_token_strings;
  info.has_pre_rope = config.capture.rope == CaptureRope::kBoth;
  info.int32_example_ids = config.compat_reference;
  info.reference_layout = config.compat_reference;
  if (options_.certificate) info.verification = options_.certificate->summary;
  info.hub_repo = config.output.hf_repo_id.value_or("");
  info.hub_branch = config.output.hf_branch.value_or("");
  return info;
}

void Run::write(bool goes_on) {
  const RunClock watch;
  const JournalSet journal({report_.journal});
  check_documents(journal);
  check_journal_rows(journal, prepared_.plan, pool_);
  report_.documents = count_documents(journal.documents(), prepared_.config.compat_reference);
  DatasetOptions options;
  options.int32_example_ids = prepared_.config.compat_reference;
  options.reference_layout = prepared_.config.compat_reference;
  options.overwrite = overwrite_;
  options.resume = goes_on;
  options.canaries = canary_pairs(journal, kMostCanaries);
  options.footer = {{std::string(kFooterProvenance), provenance_},
                    {std::string(kFooterGeometry), geometry_}};
  ThreadPool writers(memory_.num_writers);
  report_.dataset =
      write_dataset(journal, folder_, options, writers, [&](int64_t done, int64_t total) {
        if (options_.stop != nullptr && options_.stop->load()) throw Stopped();
        tell(Phase::kWrite, done, total, watch);
      });
  const CardInfo info = card_info();
  if (prepared_.config.compat_reference) {
    write_file(folder_ / "_saver_state.json", saver_state_json(info));
  }
  write_file(folder_ / "README.md", dataset_card(info));
  remove_journal(folder_);
  report_.times.write = watch.seconds();
}

// A journal without rows is of no use, and the next run would stumble over it. False if there is
// one with rows.
bool Run::discard_empty_journal() noexcept {
  if (!has_journal_) return true;
  if (report_.num_rows > 0) return false;
  try {
    remove_journal(folder_);
  } catch (const Error&) {  // NOLINT(bugprone-empty-catch): the first error is the one to tell
  }
  return true;
}

}  // namespace

PreparedRun prepare_run(SniffConfig config, std::span<const Architecture* const> registry,
                        Resolver& resolver) {
  Model model = load_model(find_model(config, resolver), config.model.config_overrides, registry);
  CapturePlan plan = make_plan(config, model.config, *model.architecture);
  Tokenizer tokenizer = load_tokenizer(config, model, resolver, config.warnings);
  std::unique_ptr<Corpus> corpus = open_corpus(config.dataset, resolver);
  return {std::move(config), std::move(model), std::move(plan), std::move(tokenizer),
          std::move(corpus)};
}

RunReport run_capture(PreparedRun& run, const RunOptions& options) {
  return Run(run, options).execute();
}

}  // namespace qk
