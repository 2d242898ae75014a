// The columns of head_profiles.parquet. Includes Arrow: for .cc files of this folder only.
#pragma once

#include <arrow/type.h>

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "plasticity/head_profile.h"

namespace qk {

inline constexpr std::string_view kProfilesKey = "qkscope.profiles";

// The planes with the columns q_<name>, k_<name> and plane_share_<name>.
struct PlaneColumns {
  const char* name;
  HeadPlane HeadProfile::* plane;
};
inline constexpr PlaneColumns kPlaneColumns[] = {{"beta", &HeadProfile::beta_plane},
                                                 {"joint", &HeadProfile::joint_plane},
                                                 {"rope", &HeadProfile::rope_plane}};

// The rows of the points with the columns <kind>_position, <kind>_bucket, <kind>_example_id and
// <kind>_large_ids.
struct RowColumns {
  const char* kind;
  std::shared_ptr<const PointRows> HeadProfile::* rows;
};
inline constexpr RowColumns kRowColumns[] = {{"q", &HeadProfile::query_rows},
                                             {"k", &HeadProfile::key_rows}};

inline std::shared_ptr<arrow::Schema> profile_schema() {
  const auto list = [](const std::shared_ptr<arrow::DataType>& type) {
    return arrow::list(arrow::field("element", type, /*nullable=*/false));
  };
  const auto numbers = list(arrow::float32());
  arrow::FieldVector out;
  const auto add = [&](const std::string& name, const std::shared_ptr<arrow::DataType>& type,
                       bool nullable = false) {
    out.push_back(arrow::field(name, type, nullable));
  };
  for (const char* name : {"layer", "q_head", "k_head"}) add(name, arrow::int32());
  add("beta", numbers);
  add("residual_quantiles", numbers);
  add("ks_distance", arrow::float64());
  add("noise_component", list(arrow::int32()));
  add("noise_ks_distance", numbers);
  add("eigenvalues", numbers);
  for (const PlaneColumns& plane : kPlaneColumns) {
    add(std::string("plane_share_") + plane.name, arrow::float64());
  }
  add("rope_pair", arrow::int32(), /*nullable=*/true);
  for (const PlaneColumns& plane : kPlaneColumns) {
    add(std::string("q_") + plane.name, numbers);
    add(std::string("k_") + plane.name, numbers);
  }
  for (const RowColumns& rows : kRowColumns) {
    for (const char* name : {"_position", "_bucket", "_example_id"}) {
      add(rows.kind + std::string(name), list(arrow::int64()));
    }
    add(std::string(rows.kind) + "_large_ids", arrow::boolean());
  }
  return arrow::schema(out);
}

}  // namespace qk
