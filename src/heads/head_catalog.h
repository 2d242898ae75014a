// Which heads a dataset holds, and which key head belongs to each query head.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/thread_pool.h"
#include "dataset/example_ids.h"
#include "dataset/head_rows.h"
#include "dataset/schema.h"
#include "heads/bucket_ranges.h"
#include "heads/dataset_record.h"
#include "heads/dataset_repo.h"
#include "heads/head_id.h"
#include "heads/rope_record.h"

namespace qk {

// What the configuration says about the model. None: as recorded in the dataset, else as found in
// it.
struct HeadCounts {
  std::optional<int64_t> num_layers;
  std::optional<int64_t> num_q_heads;
  std::optional<int64_t> num_k_heads;
};

// The query heads that share a key head; the unit of work, since the keys are read once.
struct HeadGroup {
  int64_t layer = 0;
  int64_t k_head = 0;
  std::vector<int64_t> q_heads;  // ascending
};

struct ChosenDocument {
  ExampleId id;
  std::string name;  // as it was given
};

// What an analysis reads of each head. As it stands: the column `vector` of all rows.
struct RowChoice {
  RowOptions options;
  std::optional<VectorKind> vector;       // what is measured; none: the dataset does not say
  std::vector<ChosenDocument> documents;  // if only some are wanted
  int64_t num_documents = 0;              // of the dataset, if only some are wanted
};

// Where on the Hub a dataset comes from.
struct DatasetOrigin {
  std::string repo, revision, commit;
};

struct HeadCatalog {
  std::filesystem::path folder;         // with the folders l00h00q, ...
  std::optional<DatasetOrigin> origin;  // of a Hub dataset
  std::vector<HeadGroup> groups;        // ascending by (layer, k_head)
  int64_t num_layers = 0;
  int64_t num_q_heads = 0;
  int64_t num_k_heads = 0;
  int64_t num_heads = 0;                 // query heads to measure
  int64_t num_not_captured = 0;          // query heads of the model without a folder
  std::vector<ConfigName> without_keys;  // query heads whose key head has no folder
  bool is_counted = false;               // the numbers of heads are those of the folders
  bool is_unfinished = false;            // a capture is in progress, or was interrupted
  std::string model;                     // its name in the dataset's record, or empty
  std::string corpus, capture;           // as in DatasetRecord
  std::optional<BucketRanges> ranges;    // by the dataset's record
  RopeRecord rope;                       // likewise
  std::optional<VectorKind> vector;      // of the column `vector`, by the dataset's record
  bool has_pre_rope = false;             // some head has the column vector_pre_rope
  RowChoice rows;                        // choose_rows() fills it

  // Heads that must not be measured: their footers contradict those of the other heads. The sentence
  // names both files and values.
  std::map<ConfigName, std::string> contradictions;
  // With compat: reference and a configured grid: heads of the grid without a file, and that file.
  std::vector<std::pair<HeadId, std::filesystem::path>> missing;
  std::vector<std::string> warnings;  // sentences: what is not read, what is not known
};

// Looks into <root>/<model_dir> (into the root if there is no such folder; without model_dir also
// into the only folder below the root that holds heads). Heads, layers and their map come from the
// dataset's record, else from `configured`, else from the folders. compat_reference: from `configured`
// first, as in the original; heads outside that grid are left out. Footers are read on the pool.
// Throws Error: no head, a table of a lake format, configured counts that contradict the record or
// the folders, query heads that are not a multiple of the key heads, a map that cannot be inferred.
//   repo  the dataset is this one; of its heads only those that are measured come into the folder
HeadCatalog read_catalog(const std::filesystem::path& root, const std::string& model_dir,
                         const HeadCounts& configured, bool compat_reference, ThreadPool& pool,
                         DatasetRepo* repo = nullptr);

}  // namespace qk
