#include "report/profile_table.h"

#include <arrow/builder.h>
#include <arrow/memory_pool.h>

#include <nlohmann/json.hpp>
#include <span>
#include <string>

#include "base/error.h"
#include "report/parquet_sink.h"
#include "report/profile_schema.h"

namespace qk {
namespace {

constexpr int64_t kHeadsPerGroup = 256;
constexpr int64_t kNumbersPerGroup = 1 << 20;  // of the points, which take most of the memory

// Lists are stored byte by byte, but for those whose numbers come again with every head of a layer.
std::vector<std::string> plain_columns() {
  std::vector<std::string> out;
  const auto schema = profile_schema();
  for (const auto& field : schema->fields()) {
    if (field->type()->Equals(*schema->GetFieldByName("beta")->type())) {
      out.push_back(field->name() + ".list.element");
    }
  }
  return out;
}

}  // namespace

struct ProfileTable::Writer {
  Writer(const std::filesystem::path& path, int64_t profile_points, int64_t first_seed)
      : file(path, profile_schema(), plain_columns()), points(profile_points), seed(first_seed) {
    const auto schema = profile_schema();
    for (const auto& field : schema->fields()) {
      std::unique_ptr<arrow::ArrayBuilder> builder;
      file.check(arrow::MakeBuilder(arrow::system_memory_pool(), field->type(), &builder));
      builders.push_back(std::move(builder));
    }
  }

  // The builder of the next column.
  template <typename Builder>
  Builder& next() {
    return dynamic_cast<Builder&>(*builders.at(column++));
  }
  void add_number(double number) { file.check(next<arrow::DoubleBuilder>().Append(number)); }
  template <typename Builder, typename Number>
  void add_list(std::span<const Number> numbers) {
    auto& list = next<arrow::ListBuilder>();
    file.check(list.Append());
    auto& values = dynamic_cast<Builder&>(*list.value_builder());
    for (const Number number : numbers) {
      file.check(values.Append(static_cast<typename Builder::value_type>(number)));
    }
  }
  void add_numbers(std::span<const double> numbers) { add_list<arrow::FloatBuilder>(numbers); }
  void add_numbers(std::span<const float> numbers) { add_list<arrow::FloatBuilder>(numbers); }

  void add_rows(const PointRows& rows) {
    add_list<arrow::Int64Builder>(std::span(rows.positions));
    add_list<arrow::Int64Builder>(std::span(rows.buckets));
    add_list<arrow::Int64Builder>(std::span(rows.example_ids));
    file.check(next<arrow::BooleanBuilder>().Append(rows.has_large_ids));
  }

  // In the order of profile_schema().
  void add(const HeadMetrics& head, const HeadProfile& profile) {
    column = 0;
    for (const int64_t number : {head.layer, head.q_head, head.k_head}) {
      file.check(next<arrow::Int32Builder>().Append(static_cast<int32_t>(number)));
    }
    add_numbers(profile.beta);
    add_numbers(profile.residual_quantiles);
    add_number(profile.ks_distance);
    add_list<arrow::Int32Builder>(std::span(profile.noise_components));
    add_numbers(profile.noise_ks_distances);
    add_numbers(profile.eigenvalues);
    for (const PlaneColumns& plane : kPlaneColumns) add_number((profile.*plane.plane).share);
    auto& rope_pair = next<arrow::Int32Builder>();
    file.check(profile.rope_pair ? rope_pair.Append(static_cast<int32_t>(*profile.rope_pair))
                                 : rope_pair.AppendNull());
    for (const PlaneColumns& plane : kPlaneColumns) {
      add_numbers((profile.*plane.plane).queries);
      add_numbers((profile.*plane.plane).keys);
    }
    for (const RowColumns& rows : kRowColumns) add_rows(*(profile.*rows.rows));
    QK_CHECK(column == builders.size());
    ++num_rows;
    ++num_heads;
    for (const PlaneColumns& plane : kPlaneColumns) {
      num_numbers += std::ssize((profile.*plane.plane).queries);
      num_numbers += std::ssize((profile.*plane.plane).keys);
    }
    if (num_heads >= kHeadsPerGroup || num_numbers >= kNumbersPerGroup) write_group();
  }

  void write_group() {
    std::vector<arrow::ArrayBuilder*> columns;
    columns.reserve(builders.size());
    for (const auto& builder : builders) columns.push_back(builder.get());
    file.write(columns);
    num_heads = num_numbers = 0;
  }

  void close() {
    write_group();
    const nlohmann::ordered_json note = {{"profile_points", points}, {"seed", seed}};
    file.close(kProfilesKey, note.dump());
  }

  ParquetSink file;
  int64_t points;
  int64_t seed;
  std::vector<std::unique_ptr<arrow::ArrayBuilder>> builders;  // of profile_schema()
  size_t column = 0;                                           // the next one of this row
  int64_t num_rows = 0;
  int64_t num_heads = 0;    // of this group
  int64_t num_numbers = 0;  // of their points
};

ProfileTable::ProfileTable(const std::filesystem::path& path, int64_t profile_points, int64_t seed)
    : path_(path), writer_(std::make_unique<Writer>(path, profile_points, seed)) {}

ProfileTable::~ProfileTable() = default;

void ProfileTable::add(const HeadMetrics& head) {
  QK_CHECK(head.profile.has_value());
  writer_->add(head, *head.profile);
}

bool ProfileTable::has_rows() const { return writer_->num_rows > 0; }

void ProfileTable::flush() {
  if (has_rows()) writer_->close();
}

void ProfileTable::finish() {
  if (has_rows()) writer_->file.finish();
}

}  // namespace qk
