// Numbers that follow from the tables of an analysis, and that no file has.
#pragma once

#include <string>

#include "page/container.h"

namespace qk {

// Adds the table "drift", and takes its columns from "positions": the queries of each bucket along beta,
// by `method`, over all documents. The first bucket has no earlier keys, so "positions" has no row of it:
// its queries are those that are left of all, and what they are follows from the mean over all queries,
// which is 0, and so is that of the line. `apart`: standard deviations between mean and line; 0 where
// fewer than kFewBehind are behind it.
void add_drift(NamedTables& tables, const std::string& method);

// Makes "details" the cells of all methods, or where there are none, of `method`, those of "cells"; "cells"
// goes.
void unite_cells(NamedTables& tables, const std::string& method);

// Adds to "trends" the `verdict` of the interval of each slope: "rises", "falls", "flat" (0 is in it) or
// "unknown" (there is none).
void add_verdicts(NamedTables& tables);

// Adds to "rope_pairs" what each pair adds to the position share of its head, `added`, and that added up
// from the shortest wavelength on, `cumulative`; to "heads" what the components add that RoPE does not
// turn, `still`, and their share of the variance, `still_variance`. The head's bucket_R2 and floor are the
// sums of v b and of v f (v: variance_share of a pair), so its position share, (bucket_R2 - floor) /
// (1 - floor), is the sum of v (b - f) / (1 - sum of v f).
void add_spectrum(NamedTables& tables);

}  // namespace qk
