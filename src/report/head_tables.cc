#include "report/head_tables.h"

#include <fmt/format.h>

#include <array>

#include "report/csv_row.h"
#include "report/interval_csv.h"
#include "report/method_tables.h"

namespace qk {
namespace {

std::string metrics_header() {
  std::string out = std::string(kHeadColumns) + ",n_q_tokens,n_k_tokens,d_model";
  for (const MetricField& field : metric_fields()) out += "," + std::string(field.name);
  return out;
}

std::string metrics_lines(const HeadMetrics& head) {
  CsvRow row(head);
  row.add(head.num_queries).add(head.num_keys).add(head.head_dim);
  for (const MetricField& field : metric_fields()) row.add(head.*field.value);
  return row.line();
}

std::string buckets_header() { return std::string(kHeadColumns) + ",q_bucket,k_bucket,ap_bucket"; }

std::string buckets_lines(const HeadMetrics& head) {
  std::string out;
  for (const BucketPlasticity& bucket : head.buckets) {
    out += CsvRow(head).add(bucket.q_bucket).add(bucket.k_bucket).add(bucket.value).line();
  }
  return out;
}

std::string components_header() {
  return std::string(kHeadColumns) + ",component,component_r2,component_weight";
}

std::string components_lines(const HeadMetrics& head) {
  std::string out;
  for (size_t j = 0; j < head.component_r2.size(); ++j) {
    out += CsvRow(head)
               .add(static_cast<int64_t>(j))
               .add(head.component_r2[j])
               .add(head.component_weight[j])
               .line();
  }
  return out;
}

constexpr std::array<HeadTableFormat, 8> kFormats = {{
    {"heads", metrics_header, metrics_lines},
    {"buckets", buckets_header, buckets_lines},
    {"components", components_header, components_lines},
    {"intervals", interval_header, interval_lines},
    {"details", detail_header, detail_lines},
    {"positions", position_header, position_lines},
    {"trends", trend_header, trend_lines},
    {"methods", method_header, method_lines},
}};

}  // namespace

std::span<const HeadTableFormat> head_table_formats() { return kFormats; }

}  // namespace qk
