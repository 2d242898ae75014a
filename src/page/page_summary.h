// What Overview says of an analysis in words: what was measured, and what to keep in mind of it.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "page/container.h"

namespace qk {

// What rests on fewer documents is hatched, hollow or dotted.
inline constexpr int kFewBehind = 5;

struct PageSummary {
  std::vector<std::pair<std::string, std::string>> facts;  // names and values
  std::vector<std::string> warnings;
};

// `record`: as the page shows it. `tables`: after join_metrics(), and the intervals.
PageSummary page_summary(const nlohmann::json& record, const std::vector<std::string>& methods,
                         const NamedTables& tables);

// "1 head", "1 440 heads", with a narrow space that does not break.
std::string counted(int64_t number, const std::string& one);

}  // namespace qk
