#include "report/interval_csv.h"

#include <fmt/core.h>

#include "report/csv_number.h"

namespace qk {

std::string interval_header() {
  return "layer,q_head,k_head,method,metric,estimate,ci_low,ci_high,std_error,bias,replicates,"
         "documents,effective_documents,effective_rows,note";
}

std::string interval_lines(const HeadMetrics& head) {
  std::string out;
  for (const MetricInterval& row : head.intervals) {
    out +=
        fmt::format("{},{},{},{},{}", head.layer, head.q_head, head.k_head, row.method, row.metric);
    const Interval& interval = row.interval;
    for (const double value :
         {row.estimate, interval.low, interval.high, interval.std_error, interval.bias}) {
      out += ',';
      append_csv_number(out, value);
    }
    out += fmt::format(",{},{},", interval.replicates, row.size.documents);
    append_csv_number(out, row.size.effective_documents);
    out += ',';
    append_csv_number(out, row.size.effective_rows);
    out += fmt::format(",{}\n", note_text(interval.note));
  }
  return out;
}

}  // namespace qk
