#include "capture/stage_weights.h"

#include <algorithm>
#include <memory>
#include <vector>

#include "base/error.h"
#include "capture/run_clock.h"
#include "download/file_identity.h"
#include "formats/gguf.h"

namespace qk {
namespace {

// The mapped files of a model whose weights are there.
std::vector<const MappedFile*> mapped_files(const Model& model) {
  if (model.gguf) return {&model.gguf->file()};
  std::vector<const MappedFile*> out;
  out.reserve(model.files.size());
  for (const auto& file : model.files) out.push_back(file.get());
  return out;
}

}  // namespace

StagePlace choose_stage(const PreparedRun& run, const RunOptions& options, const MemoryPlan& memory,
                        int num_local_ranks) {
  StageNeeds needs;
  for (const MappedFile* file : mapped_files(run.model)) {
    needs.files.push_back(file->path());
    needs.bytes += file->stamp().bytes;
  }
  const auto documents = options.num_documents(run.corpus->num_documents());
  needs.used_again = num_local_ranks > 1 || documents.value_or(2) > 1;
  needs.own_memory = num_local_ranks * (memory.base + std::max(memory.work, memory.finish));
  needs.memory_limit = num_local_ranks * options.ram_bytes;
  return choose_stage(options.stage, needs);
}

std::vector<WeightFile> weight_files(const Model& model) {
  std::vector<WeightFile> out;
  for (const MappedFile* file : mapped_files(model)) {
    out.push_back({.path = file->path(),
                   .stamp = file->stamp(),
                   .sha256 = digest_from_blob_name(file->path())});
  }
  return out;
}

StagedFiles stage_weights(const RunContext& context, const StagePlace& place, const NodeRanks& node,
                          PieceSource* source) {
  const RunOptions& options = context.options;
  const RunClock watch;
  const std::vector<const MappedFile*> mapped = mapped_files(context.run.model);
  std::vector<WeightFile> files = weight_files(context.run.model);
  const auto show = [&](int64_t done, int64_t total) {
    if (!options.progress) return;
    options.progress(
        {.phase = Phase::kStage, .done = done, .total = total, .seconds = watch.seconds()});
  };
  std::unique_ptr<PieceSource> own;
  if (source == nullptr) {
    own = pieces_of_files(files);
    source = own.get();
  } else {
    for (WeightFile& file : files) file.sha256.clear();
  }
  StagedFiles staged = stage_files(files, place, *source, node, context.pool, show,
                                   options.overwrite ? nullptr : options.stop);
  if (!staged.warning.empty() && options.warn) options.warn(staged.warning);
  for (size_t i = 0; i < mapped.size(); ++i) {
    if (staged.files[i].fd.is_open()) mapped[i]->take_pages_of(staged.files[i].fd.get());
  }
  return staged;
}

}  // namespace qk
