// Damaged Parquet files end in an Error or in rows, never in a crash.
#include <gtest/gtest.h>

#include <random>

#include "base/atomic_file.h"
#include "base/test_error.h"
#include "corpus/row_reader.h"

namespace qk {
namespace {

// Reads all rows; true if that was possible.
bool is_readable(const std::string& file, const Columns& columns) {
  const std::string error = error_of([&] {
    summarise_parquet(file, columns);
    const std::unique_ptr<RowReader> reader = open_parquet_rows(file, "f", columns);
    int64_t rows = 0;
    while (reader->next()) {
      if (++rows > 100000) fail("more rows than the file can hold");
    }
  });
  EXPECT_TRUE(error.empty() || error.starts_with(file)) << error;
  return error.empty();
}

std::string damaged(std::string bytes, std::mt19937& random) {
  const auto below = [&](size_t n) { return random() % n; };
  if (below(4) == 0) return bytes.substr(0, below(bytes.size()));
  for (size_t n = 1 + below(8); n > 0; --n) {
    // Half of the damage goes to the footer, whose lies reach furthest.
    const size_t footer = bytes.size() - std::min<size_t>(bytes.size(), 1200);
    const size_t at = below(2) == 0 ? footer + below(bytes.size() - footer) : below(bytes.size());
    bytes[at] = below(3) == 0 ? static_cast<char>(0xFF) : static_cast<char>(random());
  }
  return bytes;
}

void damage_many(const std::string& fixture, const Columns& columns, int copies) {
  const std::string good = read_file(QK_TEST_DATA "/corpus/" + fixture);
  const TestFolder folder;
  const std::string file = folder.write("f.parquet", good);
  ASSERT_TRUE(is_readable(file, columns));
  std::mt19937 random(20240607);  // NOLINT(bugprone-random-generator-seed): the same every time
  int refused = 0;
  for (int i = 0; i < copies; ++i) {
    folder.write("f.parquet", damaged(good, random));
    refused += is_readable(file, columns) ? 0 : 1;
  }
  EXPECT_GT(refused, copies / 3);
}

TEST(ParquetDamage, RowGroups) { damage_many("groups/rows.parquet", {"text", "id"}, 150); }

TEST(ParquetDamage, ManyTypes) {
  damage_many("types/all.parquet", {"dict", "binary"}, 75);
  damage_many("types/all.parquet", {"large", "uint64"}, 75);
}

}  // namespace
}  // namespace qk
