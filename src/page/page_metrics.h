// Numbers of heads that are metrics: joined from the tables that hold them.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "page/container.h"

namespace qk {

// The methods of an analysis, that of head_metrics.csv first: of its record, or else of the first table
// that names any; one without a name if none does.
std::vector<std::string> page_methods(const nlohmann::json& record, const NamedTables& tables);

// Adds to the table "heads" the metrics of the other tables: the columns of "diagnostics" and
// "profiles" by their names, "trend:NAME" of the first method, "method:NAME" of the others; for each
// metric with intervals, those of "heads" too, "ID:low" and "ID:high"; and `warnings`, joined by "; ".
// Returns what the metrics are, in order: [{"id", "table", "unit", "signed", "limits"}]. `signed`:
// values on both sides of 0 mean opposite things; `limits`: of colours, 2nd to 98th percentile over the
// heads, with 0 in the middle for those with signs.
nlohmann::ordered_json join_metrics(NamedTables& tables, const std::vector<std::string>& methods);

}  // namespace qk
