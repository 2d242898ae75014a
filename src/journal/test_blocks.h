// For tests only: captured blocks, each made from a seed.
#pragma once

#include <gtest/gtest.h>

#include <bit>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <numeric>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "base/atomic_file.h"
#include "base/error.h"
#include "base/test_error.h"
#include "base/test_folder.h"
#include "journal/journal.h"

namespace qk {

// Writes a small file without syncing it. A file that is there is removed first: ext4 syncs a file
// that is cut to nothing and written again.
inline void put_file(const std::filesystem::path& path, std::string_view bytes) {
  std::filesystem::remove(path);
  std::ofstream(path, std::ios::binary)
      .write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

struct BlockShape {
  int32_t layer = 0;
  Kind kind = Kind::kQuery;
  std::vector<int32_t> heads = {0, 1};
  int64_t rows = 5;
  int32_t head_dim = 8;
  std::optional<int32_t> sliding_window = std::nullopt;
  bool tokens = false;
  bool pre_rope = false;
};

// Numbers that bfloat16 holds, as a model in bfloat16 gives them.
inline std::vector<float> random_vectors(size_t count, std::mt19937& rng) {
  std::normal_distribution<float> normal;
  std::vector<float> numbers(count);
  for (float& number : numbers) {
    number = normal(rng);
    number = std::bit_cast<float>(std::bit_cast<uint32_t>(number) & 0xFFFF0000U);
  }
  return numbers;
}

inline CaptureBlock random_block(int64_t document, const BlockShape& shape) {
  std::mt19937 rng(static_cast<uint32_t>(document * 1000 + shape.layer * 2 +
                                         (shape.kind == Kind::kKey ? 1 : 0)));
  CaptureBlock block;
  block.document = document;
  block.example_id = 5000000000 + document;
  block.layer = shape.layer;
  block.kind = shape.kind;
  block.head_dim = shape.head_dim;
  block.sliding_window = shape.sliding_window;
  block.heads = shape.heads;
  for (int64_t row = 0; row < shape.rows; ++row) {
    const auto position = static_cast<int32_t>(row * 37 + document % 7);
    block.buckets.push_back(position / 64);
    block.positions.push_back(position);
    if (shape.tokens) block.tokens.push_back(fmt::format("t\u00e9{}", row));
  }
  const size_t numbers =
      shape.heads.size() * static_cast<size_t>(shape.rows) * static_cast<size_t>(shape.head_dim);
  block.vectors = random_vectors(numbers, rng);
  if (shape.pre_rope) block.vectors_pre_rope = random_vectors(numbers, rng);
  return block;
}

// Every record of the whole documents, by layer and kind, then by document.
inline std::vector<JournalReader::Entry> entries_of(const JournalReader& journal) {
  std::vector<JournalReader::Entry> entries;
  for (const JournalReader::Group& group : journal.groups()) {
    for (const JournalReader::Record& record : group.records) {
      entries.push_back(journal.entry(record));
    }
  }
  return entries;
}

// A journal of these documents, each with one block of every shape.
inline void write_documents(const std::filesystem::path& path,
                            const std::vector<int64_t>& documents,
                            const std::vector<BlockShape>& shapes) {
  JournalWriter writer = JournalWriter::create(path, "{}");
  for (const int64_t document : documents) {
    for (const BlockShape& shape : shapes) writer.append(random_block(document, shape));
    writer.end_document({.document = document,
                         .example_id = 5000000000 + document,
                         .num_tokens = 1000,
                         .num_records = static_cast<int64_t>(shapes.size())});
  }
}

// A journal of the documents 0 to num_documents - 1.
inline void write_journal(const std::filesystem::path& path, int64_t num_documents,
                          const std::vector<BlockShape>& shapes) {
  std::vector<int64_t> documents(static_cast<size_t>(num_documents));
  std::iota(documents.begin(), documents.end(), int64_t{0});
  write_documents(path, documents, shapes);
}

}  // namespace qk
