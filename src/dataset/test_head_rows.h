// For tests only: heads' files of two rows whose columns a test replaces.
#pragma once

#include <arrow/array.h>
#include <arrow/builder.h>
#include <arrow/io/file.h>
#include <arrow/table.h>
#include <gtest/gtest.h>
#include <parquet/arrow/writer.h>

#include <algorithm>
#include <bit>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "dataset/head_rows.h"

namespace qk {
namespace head_rows_test {

namespace fs = std::filesystem;
using arrow::Array;
using ArrayPtr = std::shared_ptr<Array>;

template <typename Builder, typename T>
ArrayPtr array_of(const std::vector<T>& values) {
  Builder builder;
  EXPECT_TRUE(builder.AppendValues(values).ok());
  return builder.Finish().ValueOrDie();
}

inline ArrayPtr integers(const std::vector<int64_t>& values) {
  return array_of<arrow::Int64Builder>(values);
}

inline const std::vector<float> kNumbers = {1.5F, -2.0F, 0.25F, 3.0F, -0.5F, 0.0F};

inline ArrayPtr fixed_list(const ArrayPtr& values, int32_t dim) {
  return arrow::FixedSizeListArray::FromArrays(values, dim).ValueOrDie();
}

inline ArrayPtr floats() { return array_of<arrow::FloatBuilder>(kNumbers); }

// The upper halves of the float32 bits; every number of kNumbers is one exactly.
inline std::vector<uint16_t> bfloat16_words() {
  std::vector<uint16_t> out;
  for (const float x : kNumbers) {
    out.push_back(static_cast<uint16_t>(std::bit_cast<uint32_t>(x) >> 16));
  }
  return out;
}

inline ArrayPtr half_words() {
  arrow::HalfFloatBuilder builder;
  for (const uint16_t word : {0x3E00, 0xC000, 0x3400, 0x4200, 0xB800, 0x0000}) {
    EXPECT_TRUE(builder.Append(word).ok());
  }
  return builder.Finish().ValueOrDie();
}

using Columns = std::vector<std::pair<std::string, ArrayPtr>>;

class HeadRows : public testing::Test {
 protected:
  void SetUp() override {
    const auto* test = testing::UnitTest::GetInstance()->current_test_info();
    folder_ = fs::temp_directory_path() / ("qk_head_rows_" + std::string(test->name()));
    fs::remove_all(folder_);
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }

  fs::path write(const Columns& columns, const std::string& name = "data.parquet") {
    arrow::FieldVector fields;
    arrow::ArrayVector arrays;
    for (const auto& [column, array] : columns) {
      fields.push_back(arrow::field(column, array->type()));
      arrays.push_back(array);
    }
    const fs::path path = folder_ / name;
    const auto out = arrow::io::FileOutputStream::Open(path.string()).ValueOrDie();
    const auto table = arrow::Table::Make(arrow::schema(fields), arrays);
    EXPECT_TRUE(
        parquet::arrow::WriteTable(*table, arrow::default_memory_pool(), out, 1 << 20).ok());
    EXPECT_TRUE(out->Close().ok());
    return path;
  }

  // Two rows of three numbers, some columns replaced or, if null, left out.
  static Columns columns(const Columns& changes = {}) {
    Columns out = {{"bucket", integers({0, 1})},
                   {"position", integers({3, 70})},
                   {"vector", fixed_list(floats(), 3)},
                   {"example_id", integers({-5, 9})},
                   {"sliding_window", integers({128, 128})}};
    for (const auto& [name, array] : changes) {
      std::erase_if(out, [&, &key = name](const auto& column) { return column.first == key; });
      if (array != nullptr) out.emplace_back(name, array);
    }
    return out;
  }

  HeadRowBatch read(const Columns& changes) {
    reader_.emplace(std::vector<fs::path>{write(columns(changes))});
    HeadRowBatch batch;
    EXPECT_TRUE(reader_->next(batch));
    return batch;
  }

  void expect_numbers(const Columns& changes) {
    const HeadRowBatch batch = read(changes);
    EXPECT_EQ(batch.head_dim, 3);
    EXPECT_EQ(std::vector<float>(batch.vectors.begin(), batch.vectors.end()), kNumbers);
  }

  std::string fault_of(const Columns& changes) {
    const fs::path path = write(columns(changes));
    try {
      HeadRowReader reader({path});
      HeadRowBatch batch;
      while (reader.next(batch)) {
      }
    } catch (const Error& error) {
      const std::string text = error.what();
      EXPECT_TRUE(text.starts_with(path.string() + ": ")) << text;
      return text.substr(std::min(text.size(), path.string().size() + 2));
    }
    return "";
  }

  fs::path folder_;
  std::optional<HeadRowReader> reader_;
};

}  // namespace head_rows_test
}  // namespace qk
