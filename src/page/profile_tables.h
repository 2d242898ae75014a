// head_profiles.parquet as tables of a page: residuals, spectra, and points of queries and keys.
#pragma once

#include <cstdint>
#include <filesystem>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "page/column.h"
#include "page/head_choice.h"
#include "report/profile_table.h"

namespace qk {

// What the points of a layer and kind are rows of; a head points at one for its queries and its keys.
struct PointSet {
  int64_t layer = 0;
  char kind = 'q';  // or 'k'
  HeadId head;      // the first one that it belongs to
  const PointRows* rows = nullptr;
};

struct ProfileTables {
  Table profiles;  // a row per head
  Table normal;    // a row per residual quantile: its level, and the normal quantile there
  Table points;    // a row per head: the points in the three planes
  Table rows;      // a row per PointSet
  std::vector<PointSet> sets;  // beside `rows`; they point into the Profiles
  // Ids of the documents, as numbers in text: the n-th belongs to number n of column `document`.
  std::vector<std::string> documents;
};

// Of the chosen heads. Padded with their first point are the points of heads that have fewer than
// others. Throws Error with `path`: a head that `heads` does not hold, one that occurs twice, a number
// of a point that is not finite.
ProfileTables profile_tables(const std::filesystem::path& path, const Profiles& profiles,
                             const std::set<HeadId>& heads, const HeadChoice& choice);

// A document's id as it is written, from the bits in `rows`.
std::string id_text(const PointRows& rows, int64_t id);

}  // namespace qk
