// What a capture says about the points of a page: the tokens at their positions, and what documents are
// called.
#pragma once

#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "page/profile_tables.h"

namespace qk {

// For each of the sets the tokens of its rows, from column token_str of the dataset in `folder`;
// nothing if the dataset has no such column. Throws Error: no dataset, a head is missing, or a row of
// the points is not in it, so that the points belong to another capture.
std::optional<std::vector<std::vector<std::string>>> token_texts(
    const std::filesystem::path& folder, std::span<const PointSet> sets);

// Names of the documents with these ids, by documents.parquet of the dataset; ids that it does not hold
// stay as they are. Throws Error if the table is damaged.
std::vector<std::string> document_names(const std::filesystem::path& folder,
                                        const std::vector<std::string>& ids);

}  // namespace qk
