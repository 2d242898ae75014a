// Files that pyarrow wrote, with columns of unusual types (tools/make_column_fixtures.py).
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/error.h"
#include "base/test_vectors.h"
#include "dataset/head_rows.h"

namespace qk::head_columns_test {
namespace {

using Json = nlohmann::json;

Json fixtures() { return load_vectors("dataset/columns/expected.json"); }

std::string file_of(const std::string& name) {
  return std::string(QK_TEST_DATA) + "/dataset/columns/" + name + ".parquet";
}

HeadRowBatch rows_of(HeadRowReader& reader) {
  HeadRowBatch batch;
  EXPECT_TRUE(reader.next(batch));
  return batch;
}

Json texts(const std::vector<int64_t>& numbers) {
  Json out = Json::array();
  for (const int64_t number : numbers) out.push_back(std::to_string(number));
  return out;
}

// Ids are texts of what their bits mean: of a file with large ids, unsigned numbers.
Json id_texts(const HeadRowBatch& batch) {
  if (!batch.has_large_ids) return texts(batch.example_ids);
  Json out = Json::array();
  for (const int64_t id : batch.example_ids) {
    out.push_back(std::to_string(static_cast<uint64_t>(id)));
  }
  return out;
}

Json window_texts(const HeadRowBatch& batch) {
  Json out = Json::array();
  for (const auto& window : batch.windows) {
    out.push_back(window ? Json(std::to_string(*window)) : Json());
  }
  return out;
}

TEST(HeadColumns, AreReadAsPyarrowReadsThem) {
  const Json json = fixtures();
  std::vector<float> numbers;
  for (const Json& row : json["vectors"]) {
    for (const Json& number : row) numbers.push_back(number.get<float>());
  }
  for (const auto& [name, expected] : json["read"].items()) {
    try {
      HeadRowReader reader({file_of(name)});
      const HeadRowBatch batch = rows_of(reader);
      EXPECT_EQ(texts(batch.buckets), expected["bucket"]) << name;
      EXPECT_EQ(texts(batch.positions), expected["position"]) << name;
      EXPECT_EQ(id_texts(batch), expected["example_id"]) << name;
      EXPECT_EQ(window_texts(batch), expected["sliding_window"]) << name;
      EXPECT_EQ(std::vector<float>(batch.vectors.begin(), batch.vectors.end()), numbers) << name;
    } catch (const Error& error) {
      ADD_FAILURE() << error.what();
    }
  }
  EXPECT_EQ(json["read"].size(), 42U);
}

TEST(HeadColumns, OrAreRefusedWithASentence) {
  const Json json = fixtures();
  for (const auto& [name, sentence] : json["refused"].items()) {
    try {
      HeadRowReader reader({file_of(name)});
      rows_of(reader);
      ADD_FAILURE() << name << " is read";
    } catch (const Error& error) {
      EXPECT_EQ(error.what(), file_of(name) + ": " + sentence.get<std::string>());
    }
  }
  EXPECT_EQ(json["refused"].size(), 13U);
}

// A head of several files, each with types of its own.
TEST(HeadColumns, MayDifferBetweenTheFilesOfAHead) {
  HeadRowReader reader({file_of("vector_int16"), file_of("vector_tensor_float16"),
                        file_of("id_uint64"), file_of("bucket_negative"),
                        file_of("window_null_string")});
  int64_t rows = 0;
  bool has_large_ids = false;
  HeadRowBatch batch;
  while (reader.next(batch)) {
    EXPECT_EQ(batch.vectors.front(), -1.0F);
    has_large_ids = has_large_ids || batch.has_large_ids;
    rows += batch.num_rows();
  }
  EXPECT_EQ(rows, reader.num_rows());
  EXPECT_EQ(rows, 30);
  EXPECT_TRUE(has_large_ids);
}

}  // namespace
}  // namespace qk::head_columns_test
