// Which files of an output folder are ours: what a run may replace or remove, and when. Only what
// a dataset consists of is ever removed: l##h##[qk]/data.parquet (and its .tmp, of any writer) and
// its folder if that is empty then, _saver_state.json, README.md and documents.parquet if they are a
// dataset's, and our own journals. Symbolic links are never followed.
#pragma once

#include <cstdint>
#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "dataset/folder_lock.h"
#include "dataset/journal_files.h"

namespace qk {

// What a run does with what it finds in its folder.
enum class Start : uint8_t {
  kNew,        // refuses a dataset and a journal
  kOverwrite,  // discards all journals, replaces a dataset in the end
  kResume,     // continues the journals; files of a dataset may be there
  kShard,      // likewise, while others write journals of their own
};

// To be called before a run, under the lock. Removes nothing but, with kOverwrite, the journals of
// an interrupted run: an older dataset stays whole until write_dataset replaces it. Other files in
// the folder are left alone.
//
// Throws Error, one sentence that says what to do, if the folder cannot be made or written; with
// kNew, if it holds a dataset (a folder l##h##[qk], a card or documents.parquet) or journals of an
// interrupted run; always, if README.md is not the card of a dataset, or if a head's folder is a
// symbolic link or holds Parquet files that a new dataset would not replace (readers would mix them);
// except with kShard, if another run is writing
// a journal.
void prepare_output_folder(const std::filesystem::path& folder, Start start);

// Throws Error if documents.parquet is there and not a dataset's: a run that writes this file would
// replace it.
void refuse_foreign_document_table(const std::filesystem::path& folder);

// The files of the dataset in `folder`, as canonical paths: its card, the files of its heads, the
// table of documents and the state file, as far as they are there. None if there is no folder.
std::vector<std::filesystem::path> files_of_dataset(const std::filesystem::path& folder);

// Removes the parts of the dataset in `folder`, the card first, except the heads and the table of
// documents if they are named in `keep`.
// Throws Error if a file cannot be removed.
void remove_dataset(const std::filesystem::path& folder, const std::set<std::string>& keep);

}  // namespace qk
