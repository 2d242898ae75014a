#include "report/mean_tables.h"

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

std::string mean_trend_header() {
  return "heads,method,trend,reach,num_heads,num_rising,num_falling,documents,slope,ci_low,ci_high,"
         "std_error,unit,note";
}

std::string mean_trend_lines(std::span<const MeanTrend> trends) {
  std::string out;
  for (const MeanTrend& trend : trends) {
    out += fmt::format("{},{},{},{},{},{},{},{}", trend.heads, trend.method, trend_name(trend.kind),
                       trend.reach ? fmt::to_string(*trend.reach) : "", trend.num_heads,
                       trend.num_rising, trend.num_falling, trend.documents);
    const Interval& interval = trend.interval;
    for (const double value : {trend.slope, interval.low, interval.high, interval.std_error}) {
      out += ',';
      append_csv_number(out, value);
    }
    out += fmt::format(",{},{}\n", trend.unit,
                       trend.note.empty() ? note_text(interval.note) : trend.note);
  }
  return out;
}

}  // namespace qk
