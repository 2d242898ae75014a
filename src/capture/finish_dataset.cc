#include <fmt/format.h>

#include <filesystem>
#include <string>

#include "base/atomic_file.h"
#include "base/error.h"
#include "capture/device_choice.h"
#include "capture/failed_run.h"
#include "capture/journal_check.h"
#include "capture/run_clock.h"
#include "capture/run_steps.h"
#include "dataset/card.h"
#include "dataset/journal_files.h"
#include "dataset/overwrite.h"
#include "dataset/schema.h"
#include "journal/journal_set.h"
#include "verify/computed_in.h"

namespace qk {
namespace {

constexpr int64_t kMostCanaries = 64;

// Every document of the corpus is in the journal, once.
void check_documents(const JournalSet& journal, int64_t expected) {
  const std::vector<DocumentEnd>& documents = journal.documents();
  for (size_t i = 0; i < documents.size(); ++i) {
    if (documents[i].document == static_cast<int64_t>(i)) continue;
    fail("{}: document {} is missing", journal.name(), i);
  }
  if (std::ssize(documents) == expected) return;
  fail("{}: has {} whole documents, expected {}", journal.name(), documents.size(), expected);
}

DatasetOptions dataset_options(const RunContext& context, const RunRecord& record,
                               const JournalSet& journal, const Captured& captured) {
  DatasetOptions options;
  options.compat_reference = context.run.config.compat_reference;
  if (!options.compat_reference) options.document_names = captured.document_names;
  options.overwrite = captured.overwrite;
  options.resume = context.resumes;
  options.canaries = canary_pairs(journal, kMostCanaries);
  options.footer = {{std::string(kFooterProvenance), record.provenance},
                    {std::string(kFooterGeometry), record.geometry}};
  return options;
}

// "bfloat16 on cuda (NVIDIA H200)"; empty: float32 by our own kernels, as of old.
std::string computed_text(const RunContext& context) {
  const RunOptions& options = context.options;
  if (options.devices == nullptr) return "";
  const std::string device = options.devices->description(context.run.model.config.head_dim);
  if (device.empty()) return "";
  return fmt::format("{} on {}", torch_name(options.backend().traits.dtype), device_title(device));
}

CardInfo card_info(const RunContext& context, const Finished& finished) {
  const SniffConfig& config = context.run.config;
  CardInfo info;
  info.model = config.model.name;
  info.metadata = context.run.plan.metadata;
  if (const std::string computed = computed_text(context); !computed.empty()) {
    info.metadata["computed"] = computed;
  }
  info.summary = finished.dataset;
  info.documents = finished.documents;
  info.has_token_str = config.capture.capture_token_strings;
  info.has_pre_rope = config.capture.rope == CaptureRope::kBoth;
  info.compat_reference = config.compat_reference;
  if (context.options.certificate) info.verification = context.options.certificate->summary;
  info.hub_repo = config.output.hf_repo_id.value_or("");
  info.hub_branch = config.output.hf_branch.value_or("");
  return info;
}

// Throws Stopped.
DatasetSummary write_files(const RunContext& context, const Captured& captured,
                           const JournalSet& journal, const DatasetOptions& options) {
  const RunOptions& run_options = context.options;
  ThreadPool writers(context.memory.num_writers);
  const RunClock watch;
  return write_dataset(journal, context.run.config.output.data_root, options, writers,
                       [&](int64_t done, int64_t total) {
                         check_stop(run_options);
                         if (!run_options.progress) return;
                         run_options.progress({.phase = Phase::kWrite,
                                               .done = done,
                                               .total = total,
                                               .num_tokens = captured.counts.num_tokens,
                                               .num_rows = captured.counts.num_rows,
                                               .seconds = watch.seconds()});
                       });
}

JournalSet open_journals(const RunContext& context, const Captured& captured) {
  try {
    return JournalSet(journal_paths(context.run.config.output.data_root));
  } catch (const Error& fault) {
    settle_journal(fault, context.journal, captured.counts, context.options);
    throw;
  }
}

// In this order: a folder with a card and without a journal is a finished dataset.
void write_card(const RunContext& context, const Finished& finished) {
  const std::filesystem::path folder = context.run.config.output.data_root;
  const CardInfo info = card_info(context, finished);
  if (info.compat_reference) write_file(folder / "_saver_state.json", saver_state_json(info));
  write_file(folder / "README.md", dataset_card(info));
  remove_journals(folder);
}

}  // namespace

Finished make_dataset(const RunContext& context, const RunRecord& record, const Captured& captured,
                      const JournalSet& journals, const WriteFiles& write) {
  Finished out;
  try {
    check_documents(journals, captured.num_documents);
    check_journal_rows(journals, context.run.plan, context.pool,
                       [&] { check_stop(context.options); });
    out.documents = count_documents(journals.documents(), context.run.config.compat_reference);
    const DatasetOptions options = dataset_options(context, record, journals, captured);
    out.dataset =
        write ? write(journals, options) : write_files(context, captured, journals, options);
    write_card(context, out);
  } catch (const Stopped&) {
    out.stopped = true;
  } catch (const Error& fault) {
    settle_journal(fault, context.journal, captured.counts, context.options);
    throw;
  }
  return out;
}

Finished make_dataset(const RunContext& context, const RunRecord& record,
                      const Captured& captured) {
  return make_dataset(context, record, captured, open_journals(context, captured));
}

}  // namespace qk
