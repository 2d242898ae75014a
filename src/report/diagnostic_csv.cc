#include "report/diagnostic_csv.h"

#include "plasticity/diagnostic_warnings.h"
#include "report/csv_row.h"

namespace qk {

std::string diagnostic_header() {
  return std::string(kHeadColumns) +
         ",documents,window,position_share,position_share_low,position_share_high,"
         "position_share_std_error,position_floor,bucket_R2,line_share,turn_share,score_ks_distance,"
         "score_ks_floor,score_skew,score_kurt,warning";
}

std::string diagnostic_lines(const HeadMetrics& head) {
  if (!head.diagnostics) return {};
  const HeadDiagnostics& d = *head.diagnostics;
  CsvRow row(head);
  row.add(d.documents).add(d.window);
  for (const double value :
       {d.position_share, d.position_interval.low, d.position_interval.high,
        d.position_interval.std_error, d.position_floor, d.bucket_r2, d.line_share, d.turn_share,
        d.score_ks_distance, d.score_ks_floor, d.score_skew, d.score_kurt}) {
    row.add(value);
  }
  return row.add(diagnostic_warning(d)).line();
}

std::string rope_pair_header() {
  return std::string(kHeadColumns) +
         ",rope_set,pair,first_component,second_component,wavelength,variance_share,line_R2,"
         "bucket_R2,floor,position_share,turn_share";
}

std::string rope_pair_lines(const HeadMetrics& head) {
  std::string out;
  if (!head.diagnostics) return out;
  for (const RopePairShare& pair : head.diagnostics->rope_pairs) {
    CsvRow row(head);
    row.add(head.diagnostics->rope_set).add(pair.pair);
    row.add(pair.first_component).add(pair.second_component);
    for (const double value : {pair.wavelength, pair.variance_share, pair.line_r2, pair.bucket_r2,
                               pair.floor, pair.position_share, pair.turn_share}) {
      row.add(value);
    }
    out += row.line();
  }
  return out;
}

}  // namespace qk
