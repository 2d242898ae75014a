#include "plasticity/measure_head.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/error.h"
#include "heads/test_tables.h"

namespace qk {
namespace {

using Json = nlohmann::json;

void expect_close(double found, double expected, const std::string& what) {
  if (std::isnan(expected)) {
    EXPECT_TRUE(std::isnan(found)) << what << " is " << found;
  } else {
    EXPECT_NEAR(found, expected, 1e-9 * std::max(1.0, std::abs(expected))) << what;
  }
}

HeadTable formula_table(const Json& formula, const Json& side) {
  VectorStream stream(side["seed"].get<uint64_t>());
  HeadTable table;
  table.head_dim = formula["dim"];
  const double max_position = formula["max_position"].get<double>();
  for (int64_t i = 0; i < side["rows"].get<int64_t>(); ++i) {
    const auto position = static_cast<int64_t>(stream.uniform() * max_position);
    for (int64_t j = 0; j < table.head_dim; ++j) {
      const double noise = stream.gauss12() * (1 + 0.5 * static_cast<double>(j));
      const double x = noise + static_cast<double>((j + 1) * position) / max_position;
      table.vectors.push_back(static_cast<float>(std::nearbyint(x * 256) / 256));
    }
    table.positions.push_back(position);
    table.buckets.push_back(position / formula["bucket_size"].get<int64_t>());
    table.example_ids.push_back(i % formula["examples"].get<int64_t>() * 7 - 3);
  }
  return table;
}

struct Case {
  MeasureOptions options;
  HeadId head;
  HeadTable queries;
  HeadTable keys;
  std::vector<float> signs;
};

Case case_of(const Json& json, const Json& tables) {
  Case out;
  out.options.compat_reference = true;
  out.options.methods = {"linear"};
  const Json& params = json["params"];
  out.options.normality_max_dims = params["normality_max_dims"];
  out.options.p_alpha = params["p_alpha"];
  out.options.seed = params["seed"];
  out.options.num_pairs_per_bucket = params["num_pairs_per_bucket"];
  out.head = {json["layer"], json["q_head"], json["k_head"]};
  if (json.contains("formula")) {
    out.queries = formula_table(json["formula"], json["formula"]["q"]);
    out.keys = formula_table(json["formula"], json["formula"]["k"]);
  } else {
    out.queries = table_of(tables[json["q"].get<std::string>()]);
    out.keys = table_of(tables[json["k"].get<std::string>()]);
  }
  if (json["q_sliding_window"].is_number()) out.queries.window = json["q_sliding_window"];
  orient_and_sample(out.queries, out.keys, params["max_tokens_per_head"], out.options.seed,
                    &out.signs);
  return out;
}

HeadMetrics measure(const Case& c) {
  return measure_head(c.options, c.head, c.queries, c.keys, KeyGroups(c.keys),
                      BucketRanges::observed(c.queries, c.keys));
}

void expect_case(const Json& json, const HeadMetrics& found) {
  const std::string name = json["name"];
  const auto unstable = json["unstable_fields"].get<std::vector<std::string>>();
  const Json& row = json["row"];
  EXPECT_EQ(found.num_queries, row["n_q_tokens"]) << name;
  EXPECT_EQ(found.num_keys, row["n_k_tokens"]) << name;
  EXPECT_EQ(found.head_dim, row["d_model"]) << name;
  for (const MetricField& field : metric_fields()) {
    if (std::find(unstable.begin(), unstable.end(), field.name) != unstable.end()) continue;
    expect_close(found.*field.value, number_of(row[field.name]), name + " " + field.name);
  }
  ASSERT_EQ(found.buckets.size(), json["bucket_rows"].size()) << name;
  for (size_t i = 0; i < found.buckets.size(); ++i) {
    const Json& expected = json["bucket_rows"][i];
    EXPECT_EQ(found.buckets[i].q_bucket, expected[0]) << name;
    EXPECT_EQ(found.buckets[i].k_bucket, expected[1]) << name;
    expect_close(found.buckets[i].value, number_of(expected[2]),
                 name + " bucket " + expected.dump());
  }
  ASSERT_EQ(found.component_r2.size(), json["component_rows"].size()) << name;
  for (size_t j = 0; j < found.component_r2.size(); ++j) {
    expect_close(found.component_r2[j], number_of(json["component_rows"][j][1]), name + " r2");
    expect_close(found.component_weight[j], number_of(json["component_rows"][j][2]), name + " w");
  }
}

TEST(MeasureHead, GivesTheOriginalsNumbersOnAllVectors) {
  const Json vectors = load_vectors("plasticity/analysis_cases.json");
  int num_cases = 0;
  for (const Json& json : vectors["cases"]) {
    if (json["q_sliding_window"].is_array()) continue;  // mixed: refused when the file is read
    const Case c = case_of(json, vectors["tables"]);
    if (json.contains("error")) {
      EXPECT_THROW(measure(c), Error) << json["name"];
      continue;
    }
    EXPECT_EQ(Json(c.signs), json["orientation"]) << json["name"];
    expect_case(json, measure(c));
    ++num_cases;
  }
  EXPECT_EQ(num_cases, 19);
}

}  // namespace
}  // namespace qk
