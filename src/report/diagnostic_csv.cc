#include "report/diagnostic_csv.h"

#include <fmt/format.h>

#include <initializer_list>
#include <optional>

#include "plasticity/diagnostic_warnings.h"
#include "report/csv_number.h"

namespace qk {
namespace {

void append_numbers(std::string& line, std::initializer_list<double> numbers) {
  for (const double number : numbers) {
    line += ',';
    append_csv_number(line, number);
  }
}

void append_whole(std::string& line, const std::optional<int64_t>& number) {
  line += ',';
  if (number) line += std::to_string(*number);
}

std::string diagnosed_head(const HeadMetrics& head) {
  return fmt::format("{},{},{}", head.layer, head.q_head, head.k_head);
}

}  // namespace

std::string diagnostic_header() {
  return "layer,q_head,k_head,documents,window,position_share,position_share_low,"
         "position_share_high,position_share_std_error,position_floor,bucket_R2,line_share,"
         "score_ks_distance,score_ks_floor,score_skew,score_kurt,warning";
}

std::string diagnostic_line(const HeadMetrics& head) {
  if (!head.diagnostics) return {};
  const HeadDiagnostics& d = *head.diagnostics;
  std::string line = fmt::format("{},{}", diagnosed_head(head), d.documents);
  append_whole(line, d.window);
  append_numbers(line, {d.position_share, d.position_interval.low, d.position_interval.high,
                        d.position_interval.std_error, d.position_floor, d.bucket_r2, d.line_share,
                        d.score_ks_distance, d.score_ks_floor, d.score_skew, d.score_kurt});
  return line + ',' + diagnostic_warning(d) + '\n';
}

std::string rope_pair_header() {
  return "layer,q_head,k_head,rope_set,pair,first_component,second_component,wavelength,"
         "variance_share,line_R2,bucket_R2,floor,position_share,turn_share";
}

std::string rope_pair_lines(const HeadMetrics& head) {
  std::string out;
  if (!head.diagnostics) return out;
  for (const RopePairShare& row : head.diagnostics->rope_pairs) {
    std::string line = diagnosed_head(head);
    append_whole(line, head.diagnostics->rope_set);
    append_whole(line, row.pair);
    append_whole(line, row.first_component);
    append_whole(line, row.second_component);
    append_numbers(line, {row.wavelength, row.variance_share, row.line_r2, row.bucket_r2, row.floor,
                          row.position_share, row.turn_share});
    out += line + '\n';
  }
  return out;
}

}  // namespace qk
