// For tests only: a Parquet file of whole columns.
#pragma once

#include <arrow/api.h>
#include <arrow/io/file.h>
#include <gtest/gtest.h>
#include <parquet/arrow/writer.h>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace qk {

// Makes the folders above the file too; an old file is replaced. One name for each column.
inline void write_parquet(const std::string& path, const std::vector<std::string>& names,
                          const std::vector<std::shared_ptr<arrow::Array>>& columns) {
  arrow::FieldVector fields;
  for (size_t i = 0; i < names.size(); ++i) {
    fields.push_back(arrow::field(names[i], columns[i]->type()));
  }
  std::filesystem::create_directories(std::filesystem::path(path).parent_path());
  const auto file = arrow::io::FileOutputStream::Open(path).ValueOrDie();
  const auto table = arrow::Table::Make(arrow::schema(fields), columns);
  ASSERT_TRUE(parquet::arrow::WriteTable(*table, arrow::default_memory_pool(), file).ok());
  ASSERT_TRUE(file->Close().ok());
}

}  // namespace qk
