// What identifies a run in its journal, and whether another run may resume it.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "capture/shard.h"

namespace qk {

// The header text of a run's journal.
struct JournalHeader {
  std::string provenance;           // provenance_json
  bool overwrite = false;           // the run replaces the dataset that is in the folder
  std::optional<Shard> shard = {};  // whose documents it has; none: those of the whole run
};

std::string to_text(const JournalHeader& header);

// Throws Error naming `journal` if the text is not such a header.
JournalHeader parse_journal_header(const std::string& text, const std::filesystem::path& journal);

// What differs between the provenance of an earlier run and of this one, for a sentence:
// "config.capture.min_bucket_size was 16, now it is 8, and 2 more differences". Empty if nothing.
//   why_here  this run computes where it does: Devices::reason(), or empty
std::string provenance_difference(const std::string& then, const std::string& now,
                                  const std::string& why_here = "");

// Which file of the card's table is missing or of another size: "l00h01k/data.parquet is missing".
// Empty if none is.
std::string missing_of_dataset(const std::filesystem::path& folder);

// The provenance in the footer of a finished dataset's first file; empty if the folder has no card
// or no such file.
std::string provenance_of_dataset(const std::filesystem::path& folder);

}  // namespace qk
