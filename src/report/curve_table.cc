#include "report/curve_table.h"

#include <fmt/format.h>

#include "report/csv_number.h"

namespace qk {

std::string curve_header() {
  return "curve,heads,method,reach,bucket,center,from,to,num_heads,documents,ap_mean,ci_low,"
         "ci_high,std_error,note";
}

std::string curve_lines(std::span<const MeanCurve> curves) {
  std::string out;
  for (const MeanCurve& curve : curves) {
    for (const MeanPoint& point : curve.points) {
      out +=
          fmt::format("{},{},{},{},{}", curve.is_distance ? "distance" : "position", curve.heads,
                      curve.method, curve.reach ? fmt::to_string(*curve.reach) : "", point.bucket);
      for (const double place : {point.center, point.first, point.last}) {
        out += ',';
        append_csv_number(out, place);
      }
      out += fmt::format(",{},{}", point.num_heads, point.documents);
      const Interval& interval = point.interval;
      for (const double value : {point.value, interval.low, interval.high, interval.std_error}) {
        out += ',';
        append_csv_number(out, value);
      }
      out += fmt::format(",{}\n", point.note.empty() ? note_text(interval.note) : point.note);
    }
  }
  return out;
}

}  // namespace qk
