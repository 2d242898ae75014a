#include "cli/inspect_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/build_info.h"
#include "dataset/schema.h"

namespace qk {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

DatasetInfo small_info() {
  DatasetInfo info;
  info.folder = "data/run";
  info.model = "org/Model";
  info.has_card = true;
  for (const ConfigName& file : {ConfigName{0, 0, Kind::kQuery}, ConfigName{0, 1, Kind::kQuery},
                                 ConfigName{0, 0, Kind::kKey}, ConfigName{7, 3, Kind::kQuery}}) {
    HeadInfo head;
    head.head = file;
    head.files = {"data.parquet"};
    head.rows = 1500;
    head.row_groups = 1;
    head.file_bytes = 250000;
    head.bucket_counts = {{0, 1000}, {3, 500}};
    for (int64_t id = 0; id < 10; ++id) {
      head.bucket_documents.add(0, id);
      if (id < 4) head.bucket_documents.add(3, id);
    }
    head.bucket_documents.settle();
    head.num_example_ids = 10;
    head.max_position = 4095;
    head.sliding_windows = {file.layer == 7 ? std::optional<int64_t>(1024) : std::nullopt};
    head.vector_dim = 64;
    head.vector_type = "list<element: float>";
    head.vector_encoding = "zstd, BYTE_STREAM_SPLIT";
    head.example_id_type = "int64";
    head.created_by = created_by();
    head.vector_bytes = 384000;
    head.stored_vector_bytes = 192000;
    head.footer = {{"qkscope.format", "1"},
                   {"qkscope.provenance", R"({"seed":3,"corpus":{"path":"c"},"commit":null})"},
                   {"other", "text"}};
    info.heads.push_back(head);
  }
  return info;
}

TEST(InspectText, SaysWhatThereIs) {
  EXPECT_EQ(inspect_text(small_info(), {"data/run"}), R"(data/run
  model      org/Model
  written by qkscope version 0.1.0
  provenance seed 3
  corpus     path c
  card       README.md
  heads      3 query heads and 1 key head in 2 layers
  rows       6,000 from 10 documents, positions 0 to 4,095
  vectors    64 numbers, list<element: float>, zstd, BYTE_STREAM_SPLIT
  columns    example_id int64
  size       1.0 MB, vectors 2.00 times smaller than plain float32

  layers    kind     rows of a head  numbers   window   heads
  0         q                 1,500       64     none   0, 1
  7         q                 1,500       64    1,024   3
  0         k                 1,500       64     none   0

  bucket          positions  documents     rows of a head
  0                 unknown         10              1,000
  3                 unknown          4                500

Whole: every row of 4 files was read and is well-formed.
)");
}

TEST(InspectText, TableOfDocumentsAndBoundsOfBucketsAreShown) {
  DatasetInfo info = small_info();
  info.documents = {{1, "a", 700, false, 9}, {2, "b", 4096, true, 5991}, {3, "c", 0, false, 0}};
  for (HeadInfo& head : info.heads) {
    head.footer["qkscope.provenance"] = R"({"config": {"capture": {"min_bucket_size": 512,
        "sampler": {"type": "uniform"}}}})";
  }
  const std::string text = inspect_text(info, {info.folder});
  EXPECT_THAT(text,
              HasSubstr("  documents  3 in documents.parquet, 0 to 4,096 tokens, 1 truncated, "
                        "1 without rows\n"));
  EXPECT_THAT(text, HasSubstr("\n  3               1536-2047          4                500\n"));
}

TEST(InspectText, EqualLayersAreOneRow) {
  DatasetInfo info = small_info();
  const HeadInfo head = info.heads[2];
  info.heads.clear();
  for (const int layer : {0, 1, 2, 4, 5}) {
    info.heads.push_back(head);
    info.heads.back().head.layer = layer;
    info.heads.back().rows = 100 + layer;
  }
  info.heads[4].vector_dim = 32;
  EXPECT_THAT(inspect_text(info, {info.folder}),
              HasSubstr("heads\n  0-2       k            100 to 102       64     none   0\n"
                        "  4         k                   104       64     none   0\n"
                        "  5         k                   105       32     none   0\n"));
}

TEST(InspectText, NamesDamagedFiles) {
  DatasetInfo info = small_info();
  info.problems = {{"data/run/l00h00q/data.parquet", "is cut off"}};
  const std::string text = inspect_text(info, {info.folder});
  EXPECT_THAT(text, HasSubstr("\nNOT WHOLE: 1 problem\n"
                              "  data/run/l00h00q/data.parquet: is cut off\n"));
  EXPECT_THAT(text, Not(HasSubstr("Whole:")));
}

TEST(InspectText, ManyBucketsAreCut) {
  DatasetInfo info = small_info();
  for (int64_t bucket = 0; bucket < 100; ++bucket) info.heads[0].bucket_counts[bucket] = 1;
  const std::string text = inspect_text(info, {info.folder});
  EXPECT_THAT(text, HasSubstr("\n  29                unknown          0                  1\n"
                              "  ...               69 more\n"
                              "  99                unknown          0                  1\n"));
}

TEST(InspectJson, HasEverything) {
  DatasetInfo info = small_info();
  info.problems = {{"data/run/l00h00q/data.parquet", "is cut off"}};
  const nlohmann::json json = nlohmann::json::parse(inspect_json(info, {info.folder}));
  EXPECT_FALSE(json["whole"].get<bool>());
  EXPECT_EQ(json["problems"][0]["what"], "is cut off");
  EXPECT_EQ(json["footer"]["qkscope.provenance"]["seed"], 3);
  EXPECT_EQ(json["footer"]["other"], "text");
  ASSERT_EQ(json["heads"].size(), 4U);
  EXPECT_EQ(json["heads"][2]["config"], "l00h00k");
  EXPECT_EQ(json["heads"][3]["sliding_windows"][0], 1024);
  EXPECT_TRUE(json["heads"][0]["sliding_windows"][0].is_null());
  EXPECT_EQ(json["heads"][0]["bucket_counts"]["3"], 500);
  EXPECT_EQ(json["heads"][0]["bucket_documents"]["3"], 4);
}

TEST(InspectReport, FilesNameTheVersionOfTheProgram) {
  EXPECT_EQ(created_by(), "qkscope version " + version());
}

}  // namespace
}  // namespace qk
