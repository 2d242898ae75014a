// What rank 0 tells all ranks at the beginning of a stage, and what they answer. Bytes between
// processes of one build (wire.h).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "dataset/dataset_writer.h"

namespace qk {

enum class StageKind : uint8_t {
  kAgree,      // task = rank: does it see the output folder
  kStage,      // task = rank: the weights are copied onto its node, or the copies are opened
  kSpread,     // task = piece of the weights for one rank: it goes into the copy on its node
  kProbe,      // task = rank: what it computes for a few tokens
  kDigest,     // task = file of source_files(): its SHA-256
  kScan,       // task = name of a journal: its index
  kDocuments,  // task = documents: they are captured into the rank's own journal
  kOwn,        // task = rank: the index of its own journal
  kWrite,      // task = unit of the dataset: its files are written
};
inline constexpr int kNumStageKinds = 9;

// The text of a stage: its kind, and what the stage needs.
std::string stage_text(StageKind kind, std::string_view body = {});
// Throws Error if there is no such kind. The body is a view of the text.
StageKind stage_kind(std::string_view text, std::string_view& body);

struct AgreeStage {
  std::string token_file;  // in the output folder, with `token` in it
  std::string token;
  double wait_seconds = 90;      // for the file to be seen
  std::vector<int32_t> threads;  // [ranks]
};
std::string encode(const AgreeStage& stage);
AgreeStage decode_agree_stage(std::string_view body);

struct RankDigest {
  int rank = 0;
  int64_t file = 0;  // of source_files()
  std::string sha256;
};

std::string encode_seen(bool sees_token);  // the answer
bool decode_seen(std::string_view bytes);

struct DocumentsStage {
  std::string journal_token;  // the rank's journal is journal.<token>.<rank>
  std::string header;         // of the journal
  double ends_at = 0;         // end_of() of the time limit; 0: there is none
};
std::string encode(const DocumentsStage& stage);
DocumentsStage decode_documents_stage(std::string_view body);

// What one task of documents came to: of these, and of others whose task is not over.
struct DocumentsAnswer {
  int64_t num_documents = 0, num_tokens = 0, num_rows = 0, num_computed_tokens = 0;
  double seconds = 0;       // of the task alone: its share of the batches, by tokens
  int64_t task_tokens = 0;  // of the task alone
  std::vector<std::string> warnings;
};
std::string encode(const DocumentsAnswer& answer);
DocumentsAnswer decode_documents_answer(std::string_view bytes);

// The journals of a run, and what is in their files' footers and beside: the same for all writers,
// and for them alone.
struct WriteStage {
  struct Journal {
    std::string name;   // in .qkscope
    std::string index;  // journal/journal_index.h
  };
  std::vector<Journal> journals;
  DatasetOptions options;  // but for the names of documents
  std::string token;       // a rank's temporary files have this and its number
  double wait_seconds = 90;
};
std::string encode(const WriteStage& stage);
WriteStage decode_write_stage(std::string_view body);

// What a rank is at, with each sign of life while it captures.
struct RankProgress {
  double documents = 0, tokens = 0;  // finished and in progress
  double seconds = 0;                // since it began to compute
};
std::string encode(const RankProgress& progress);
// Bytes that are none, as of an earlier stage: all 0.
RankProgress decode_rank_progress(std::string_view bytes);

}  // namespace qk
