#include "cli/design_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "base/number_text.h"

namespace qk {
namespace {

constexpr size_t kMostLines = 16;  // of the table; of more buckets, the first, middle and last ones

void put_line(std::string& out, const char* name, const std::string& text) {
  out += fmt::format("  {:<11}{}\n", name, text);
}

// Whole from 10 on; below, one digit more.
std::string expected_text(double count) {
  if (count >= 9.95 || count == std::floor(count)) return count_text(std::llround(count));
  return fmt::format("{:.1f}", count);
}

void add_lengths(std::string& out, const CorpusLengths& lengths) {
  const std::vector<int64_t>& tokens = lengths.tokens;
  const auto num_measured = std::ssize(tokens);
  if (num_measured == 0) return;
  const int64_t sum = std::accumulate(tokens.begin(), tokens.end(), int64_t{0});
  put_line(out, "lengths",
           fmt::format("{} in {}, {} to {} each{}", plural(sum, "token"),
                       plural(num_measured, "document"), count_text(std::ranges::min(tokens)),
                       count_text(std::ranges::max(tokens)),
                       lengths.truncated > 0
                           ? fmt::format("; {} cut to max_length", count_text(lengths.truncated))
                           : ""));
  if (lengths.is_whole) return;
  put_line(out, "",
           lengths.documents
               ? fmt::format("these are the first of {}; the numbers below are estimated from them",
                             plural(*lengths.documents, "document"))
               : "there are more documents; the numbers below are for these only");
}

void add_total(std::string& out, const PreparedRun& run, double rows_of_head) {
  const double rows = rows_of_head * static_cast<double>(run.plan.num_files());
  put_line(out, "",
           fmt::format("about {} rows in all, {} before compression, plus the same again for the "
                       "journal during the run",
                       count_text(std::llround(rows)), bytes_text(rows * row_bytes(run.plan))));
}

// Which of `count` lines are shown: all, or the first, middle and last ones.
bool is_shown(size_t line, size_t count) {
  if (count <= kMostLines) return true;
  const size_t part = kMostLines / 3;
  const size_t middle = (count - part) / 2;
  return line < part || line + part >= count || (line >= middle && line < middle + part);
}

void add_table(std::string& out, const std::vector<BucketDesign>& buckets) {
  put_line(out, "",
           fmt::format("{:<8} {:<21} {:>9} {:>14} {:>10}", "bucket", "positions", "documents",
                       "rows of a head", "key pairs"));
  bool gap = false;
  for (size_t i = 0; i < buckets.size(); ++i) {
    if (!is_shown(i, buckets.size())) {
      if (!gap) put_line(out, "", "...");
      gap = true;
      continue;
    }
    gap = false;
    const BucketDesign& bucket = buckets[i];
    put_line(out, "",
             fmt::format("{:<8} {:<21} {:>9} {:>14} {:>10}", bucket.bucket,
                         fmt::format("{}-{}", bucket.first, bucket.last),
                         expected_text(bucket.documents), expected_text(bucket.rows),
                         expected_text(bucket.pairs)));
  }
}

}  // namespace

std::string design_text(const PreparedRun& run, const CorpusLengths& lengths) {
  const std::vector<BucketDesign> buckets =
      design_buckets(run.config.capture, lengths.tokens, lengths.scale());
  std::string out;
  add_lengths(out, lengths);
  double rows = 0;
  for (const BucketDesign& bucket : buckets) rows += bucket.rows;
  add_total(out, run, rows);
  if (buckets.empty()) return out;
  put_line(
      out, "buckets",
      fmt::format("{}, with the documents that reach them, and the rows and pairs of keys of one "
                  "head to expect:",
                  buckets.size()));
  add_table(out, buckets);
  for (const std::string& sentence : design_warnings(run.plan, buckets)) {
    put_line(out, "", "warning: " + sentence);
  }
  return out;
}

}  // namespace qk
