// Where the journals of a run lie: <folder>/.qkscope/journal of a run by one process, and
// journal.<token> of each start of a shard or rank (dataset/run_owner.h), which no other start ever
// appends to. A folder may hold both kinds, and many of the second.
#pragma once

#include <filesystem>
#include <string_view>
#include <vector>

namespace qk {

// The path of the journal of a plain run into `folder`.
std::filesystem::path journal_path(const std::filesystem::path& folder);
// Of a start with a name of its own: one writer, or several that add their part after a dot.
std::filesystem::path journal_path(const std::filesystem::path& folder, std::string_view token);

// All journals in `folder`, sorted; unfinished ones (.tmp) are none, nor are those that
// remove_journals() was killed over. Throws Error if .qkscope is
// there and cannot be read.
std::vector<std::filesystem::path> journal_paths(const std::filesystem::path& folder);
// Whether there is one, as far as can be seen.
bool has_journal(const std::filesystem::path& folder) noexcept;

// Makes `folder`, and .qkscope in it. Throws Error if they cannot be made or written, or .qkscope is
// a symbolic link.
void make_output_folder(const std::filesystem::path& folder);
void make_journal_folder(const std::filesystem::path& folder);

// Removes the journal of a plain run, and .qkscope if that is empty then. Throws Error if it cannot.
void remove_journal(const std::filesystem::path& folder);
// Likewise all journals, unfinished ones too, and what dead starts left (dataset/run_owner.h).
// REQUIRES: no other run writes there.
void remove_journals(const std::filesystem::path& folder);
// What a killed remove_journals() has left. Others may write journals of their own meanwhile, and
// do the same.
void remove_discarded_journals(const std::filesystem::path& folder);
// Files that are there for a moment only, unless a kill leaves them. Throws Error if it cannot.
// REQUIRES: as remove_journals().
void remove_momentary_files(const std::filesystem::path& folder);
// Removes the journals of earlier starts that have no whole document; never the one of a plain run,
// nor one whose start may be alive or that is locked by its writer. Throws Error if it cannot.
void remove_empty_journals(const std::filesystem::path& folder);

// Whether a process holds the lock of a journal; false if the file system cannot say.
bool is_being_written(const std::filesystem::path& journal);

}  // namespace qk
