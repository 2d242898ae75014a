#include <arrow/array.h>

#include <exception>
#include <nlohmann/json.hpp>
#include <span>
#include <utility>

#include "base/error.h"
#include "report/parquet_sink.h"
#include "report/profile_schema.h"
#include "report/profile_table.h"

namespace qk {
namespace {

// The rows of a batch, column by column in the order of profile_schema().
class ProfileRows {
 public:
  explicit ProfileRows(const arrow::RecordBatch& batch) : batch_(batch) {}

  ProfiledHead take(int64_t row) {
    row_ = row;
    column_ = 0;
    ProfiledHead out;
    HeadProfile& profile = out.profile;
    for (int64_t* number : {&out.head.layer, &out.head.q_head, &out.head.k_head}) {
      *number = next<arrow::Int32Array>().Value(row);
    }
    profile.beta = list<arrow::FloatArray, double>();
    profile.residual_quantiles = list<arrow::FloatArray, double>();
    profile.ks_distance = next<arrow::DoubleArray>().Value(row);
    profile.noise_components = list<arrow::Int32Array, int64_t>();
    profile.noise_ks_distances = list<arrow::FloatArray, double>();
    profile.eigenvalues = list<arrow::FloatArray, double>();
    for (const PlaneColumns& plane : kPlaneColumns) {
      (profile.*plane.plane).share = next<arrow::DoubleArray>().Value(row);
    }
    const auto& rope_pair = next<arrow::Int32Array>();
    if (!rope_pair.IsNull(row)) profile.rope_pair = rope_pair.Value(row);
    for (const PlaneColumns& plane : kPlaneColumns) {
      (profile.*plane.plane).queries = list<arrow::FloatArray, float>();
      (profile.*plane.plane).keys = list<arrow::FloatArray, float>();
    }
    for (const RowColumns& rows : kRowColumns) {
      profile.*rows.rows = std::make_shared<const PointRows>(take_point_rows());
    }
    check_lengths(out);
    return out;
  }

 private:
  template <typename Array>
  const Array& next() {
    return static_cast<const Array&>(*batch_.column(column_++));
  }

  template <typename Array, typename Number>
  std::vector<Number> list() {
    const auto& lists = next<arrow::ListArray>();
    const auto& values = static_cast<const Array&>(*lists.values());
    const std::span all(values.raw_values(), static_cast<size_t>(values.length()));
    const auto part = all.subspan(static_cast<size_t>(lists.value_offset(row_)),
                                  static_cast<size_t>(lists.value_length(row_)));
    return {part.begin(), part.end()};
  }

  PointRows take_point_rows() {
    PointRows out;
    out.positions = list<arrow::Int64Array, int64_t>();
    out.buckets = list<arrow::Int64Array, int64_t>();
    out.example_ids = list<arrow::Int64Array, int64_t>();
    out.has_large_ids = next<arrow::BooleanArray>().Value(row_);
    return out;
  }

  static void check_lengths(const ProfiledHead& head) {
    const auto expect = [&](const std::string& column, size_t found, size_t expected) {
      if (found == expected) return;
      fail("layer {}, query head {}, column {}: expected {} numbers, found {}", head.head.layer,
           head.head.q_head, column, expected, found);
    };
    const HeadProfile& profile = head.profile;
    expect("residual_quantiles", profile.residual_quantiles.size(),
           static_cast<size_t>(kProfileQuantiles));
    expect("noise_ks_distance", profile.noise_ks_distances.size(), profile.noise_components.size());
    for (const RowColumns& column : kRowColumns) {
      const PointRows& rows = *(profile.*column.rows);
      const std::string kind = column.kind;
      expect(kind + "_bucket", rows.buckets.size(), rows.positions.size());
      if (!rows.example_ids.empty()) {
        expect(kind + "_example_id", rows.example_ids.size(), rows.positions.size());
      }
      for (const PlaneColumns& plane : kPlaneColumns) {
        const HeadPlane& drawn = profile.*plane.plane;
        const auto& points = kind == "q" ? drawn.queries : drawn.keys;
        const bool is_drawn = !(drawn.queries.empty() && drawn.keys.empty());
        expect(kind + "_" + plane.name, points.size(), is_drawn ? 2 * rows.positions.size() : 0);
      }
    }
  }

  const arrow::RecordBatch& batch_;
  int64_t row_ = 0;
  int column_ = 0;
};

// Rows of the head before, if it is of the same layer and they are equal.
void share_rows(std::span<const ProfiledHead> before, ProfiledHead& head) {
  for (auto other = before.rbegin(); other != before.rend(); ++other) {
    if (other->head.layer != head.head.layer) return;
    for (const RowColumns& column : kRowColumns) {
      const auto& rows = other->profile.*column.rows;
      if (*rows == *(head.profile.*column.rows)) head.profile.*column.rows = rows;
    }
  }
}

}  // namespace

Profiles read_profiles(const std::filesystem::path& path) {
  try {
    Profiles out;
    read_parquet_batches(
        path, "profiles", kProfilesKey, *profile_schema(),
        [&](const std::string& text) {
          const auto note = nlohmann::json::parse(text);
          out.profile_points = note.at("profile_points").get<int64_t>();
          out.seed = note.at("seed").get<int64_t>();
        },
        [&](const arrow::RecordBatch& batch) {
          ProfileRows rows(batch);
          for (int64_t row = 0; row < batch.num_rows(); ++row) {
            ProfiledHead head = rows.take(row);
            share_rows(out.heads, head);
            out.heads.push_back(std::move(head));
          }
        });
    return out;
  } catch (const std::bad_alloc&) {
    fail("{}: needs more memory than there is", path.string());
  } catch (const std::exception& error) {  // ours, Parquet's and that of the JSON library
    fail("{}: {}", path.string(), printable(error.what(), 400));
  }
}

}  // namespace qk
