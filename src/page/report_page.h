// The page that shows one analysis, or two side by side: docs/report.md.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "page/page_analysis.h"

namespace qk {

struct ReportOptions {
  std::string program;             // "qkscope 0.1.0"
  std::string title;               // empty: by the model, or by the names
  std::vector<std::string> names;  // of the analyses; empty: those of their folders
  int64_t max_bytes = int64_t{10} << 20;
  PageWishes wishes;
  size_t most_points = 0;  // of a head's queries, and of its keys; 0: all that there are
};

struct ReportPage {
  std::string html;
  std::vector<std::string> notes;  // that the page shows, too
  int64_t num_heads = 0;           // that are shown, of both analyses
};

// `analyses`: one or two paths as for find_results(). `blank`: the page without data, which holds
// kDataPlace once. The same files and options give the same bytes. Throws Error as
// read_page_analysis(), compare_for_page() and pack_within().
ReportPage make_report_page(std::span<const std::filesystem::path> analyses,
                            const ReportOptions& options, std::string_view blank);

}  // namespace qk
