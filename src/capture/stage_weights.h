// The weights of a run, read once a node (staging/stage_choice.h).
#pragma once

#include <vector>

#include "capture/memory_plan.h"
#include "capture/run_steps.h"
#include "staging/stage_files.h"

namespace qk {

// Where they go. Throws Error as staging/stage_choice.h says.
//   num_local_ranks  processes of the run on this node, each with such a plan
StagePlace choose_stage(const PreparedRun& run, const RunOptions& options, const MemoryPlan& memory,
                        int num_local_ranks = 1);

// The files of the weights, the same order for each process of a run.
std::vector<WeightFile> weight_files(const Model& model);

// Copies them, and lets the model read the copies; views stay valid, and messages keep the names of
// the originals. The digests are those of what will be computed with. Throws Error, and Stopped as
// identify_run() does. REQUIRES: place.stages(), and nothing reads weights meanwhile.
//   node    see staging/stage_files.h: with neighbours, the result must live until all have returned
//   source  of weight_files(), for local rank 0; null: the files. What it gives is always digested
StagedFiles stage_weights(const RunContext& context, const StagePlace& place,
                          const NodeRanks& node = {}, PieceSource* source = nullptr);

}  // namespace qk
