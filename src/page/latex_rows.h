// Rows for a LaTeX table in a paper.
#pragma once

#include "page/column.h"

namespace qk {

// Adds to the joined table of the heads (join_metrics()) a column `latex` of text: a comment with the
// names of the columns, then the row of the head: "2.1 & $0.708\;[0.675, 0.735]$ & $1.50 \times 10^{-8}$ \\".
// Three digits; "--": no number.
void add_latex_rows(Table& heads);

}  // namespace qk
