#include "report/csv_table_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <string>

#include "base/test_error.h"
#include "base/test_folder.h"
#include "base/test_vectors.h"
#include "report/figure_tables.h"
#include "report/packed_text.h"

namespace qk {
namespace csv_table_reader_test {

using testing::HasSubstr;
using testing::StartsWith;

constexpr std::string_view kHeader = "layer,q_head,k_head,q_bucket,k_bucket,ap_bucket\n";
constexpr std::string_view kRows = "0,0,0,1,0,0.35\n0,0,0,2,0,0.5\n";

std::string from_base64(std::string_view text) {
  constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  uint32_t bits = 0;
  int num_bits = 0;
  for (const char c : text.substr(0, text.find('='))) {
    bits = bits << 6 | static_cast<uint32_t>(kDigits.find(c));
    num_bits += 6;
    if (num_bits < 8) continue;
    num_bits -= 8;
    out += static_cast<char>(bits >> num_bits);
    bits &= (1u << num_bits) - 1;
  }
  return out;
}

std::string table() { return std::string(kHeader) + std::string(kRows); }

std::string replaced(std::string text, char from, char to) {
  std::replace(text.begin(), text.end(), from, to);
  return text;
}

// What reading the bucket pairs of a file says, without its folder.
std::string refusal(const std::string& text, const std::string& name = "T") {
  const TestFolder folder;
  const std::string path = folder.write(name, text);
  std::string said = error_of([&] { read_bucket_pair_rows(path); });
  const size_t at = said.find(path);
  return at == std::string::npos ? said : said.replace(at, path.size(), "T");
}

TEST(CsvTableReader, ReadsWhatPandasReads) {
  for (const auto& each : load_vectors("figures/csv_cases.json")) {
    const TestFolder folder;
    SCOPED_TRACE(each["name"].get<std::string>());
    const std::string path =
        folder.write(each["name"].get<std::string>(), from_base64(each["data"].get<std::string>()));
    const auto rows = read_bucket_pair_rows(path);
    ASSERT_EQ(rows.size(), each["rows"].size());
    for (size_t i = 0; i < rows.size(); ++i) {
      EXPECT_EQ(rows[i].q_bucket, each["rows"][i][0].get<double>());
      EXPECT_EQ(rows[i].k_bucket, each["rows"][i][1].get<double>());
      EXPECT_EQ(rows[i].plasticity, each["rows"][i][2].get<double>());
    }
  }
}

TEST(CsvTableReader, OtherSeparatorsAreNamed) {
  constexpr std::array<std::pair<char, const char*>, 4> kSeparators = {
      {{';', "semicolons"}, {'\t', "tabs"}, {'|', "vertical bars"}, {' ', "spaces"}}};
  for (const auto& [character, name] : kSeparators) {
    const std::string text = replaced(table(), ',', character);
    const std::string sentence =
        std::string("T: columns are separated by ") + name + ", expected commas";
    EXPECT_EQ(refusal(text), sentence);
    EXPECT_EQ(refusal(replaced(text, '.', ',')), sentence);  // decimal commas
    EXPECT_EQ(refusal("\xEF\xBB\xBF\r\n" + text), sentence);
  }
  EXPECT_EQ(refusal("\"q_bucket\";\"k_bucket\";\"ap_bucket\"\n1;0;0.5\n"),
            "T: columns are separated by semicolons, expected commas");
}

TEST(CsvTableReader, CellsThatAreNoNumbers) {
  const std::string header(kHeader);
  EXPECT_EQ(refusal(header + "0,0,0,1,0,0.5\n\n0,0,0,2,0,\"0,5\"\n"),
            "T: row 2: ap_bucket: expected a number, found '0,5'");
  EXPECT_EQ(refusal(header + "0,0,0,1,0,none\n"),
            "T: row 1: ap_bucket: expected a number, found 'none'");
  EXPECT_EQ(refusal(header + "0,0,0,\"1,000\",0,1\n"),
            "T: row 1: q_bucket: expected a number, found '1,000'");
  EXPECT_EQ(refusal(header + "0,0,0,1,0,+-1\n"),
            "T: row 1: ap_bucket: expected a number, found '+-1'");
}

// All of them are read by pandas with the same rows, the last one as a missing value.
TEST(CsvTableReader, RowsOfOtherLengthsAndBlankLines) {
  const std::string header(kHeader);
  for (const std::string& text :
       {table() + "0,0,0,3,1\n", header + "0\n" + std::string(kRows), "  \n" + table(),
        header + " \t\r\n" + std::string(kRows) + "  ", "\xEF\xBB\xBF" + table() + "0,1,0,3,\"1\"",
        header + "a,0,0,0,1,0,0.35\nb,0,0,0,2,0,0.5\n",
        "note," + header + "\"a\n\"\"b,\",0,0,0,1\nx,0,0,0,1,0,0.35\ny,0,0,0,2,0,0.5\n"}) {
    SCOPED_TRACE(text);
    const TestFolder folder;
    const auto rows = read_bucket_pair_rows(folder.write("T", text));
    ASSERT_EQ(rows.size(), 2u);
    EXPECT_EQ(rows[0].q_bucket, 1);
    EXPECT_EQ(rows[1].k_bucket, 0);
    EXPECT_EQ(rows[1].plasticity, 0.5);
  }
  EXPECT_THAT(refusal(table() + "0,0,0,3,1,0.5,9\n"), HasSubstr("Expected 6 columns, got 7"));
  EXPECT_THAT(refusal(header + "0,0,0,1,0,0.35,\n"), HasSubstr("Expected 6 columns, got 7"));
}

TEST(CsvTableReader, AnOpenQuoteHidesNoRows) {
  EXPECT_EQ(refusal("ap_bucket,q_bucket,k_bucket,note\n0.5,1,0,\"a\"\n0.5,2,0,\"b\n0.5,3,0,c\n"),
            "T: is not a CSV table: a quote in row 2 is not closed");
}

TEST(CsvTableReader, OtherEncodings) {
  const std::string sentence = "T: expected text in UTF-8, found UTF-16 or UTF-32";
  std::string wide;
  for (const char c : table()) wide += {c, '\0'};
  EXPECT_EQ(refusal(wide), sentence);
  EXPECT_EQ(refusal("\xff\xfe" + wide), sentence);
}

TEST(CsvTableReader, FilesWithoutATable) {
  EXPECT_EQ(refusal(""), "T: is empty");
  EXPECT_EQ(refusal("\n\n"), "T: is empty");
  EXPECT_THAT(
      refusal("version https://git-lfs.github.com/spec/v1\noid sha256:4d7a214614ab2935c943f9"
              "e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\nsize 12345\n"),
      StartsWith("T: is a Git LFS pointer"));
}

TEST(CsvTableReader, AnotherTable) {
  EXPECT_EQ(refusal("layer,q_head,k_head,ap_overall\n0,0,0,1\n"),
            "T: has the columns of head_metrics.csv; this figure is drawn from "
            "head_bucket_plasticity.csv");
  EXPECT_EQ(refusal("layer,q_head,k_head,component,component_r2,component_weight\n0,0,0,0,1,1\n"),
            "T: has the columns of head_component_weights.csv; this figure is drawn from "
            "head_bucket_plasticity.csv");
  const TestFolder folder;
  EXPECT_THAT(error_of([&] { read_component_rows(folder.write("T", table())); }),
              HasSubstr("has the columns of head_bucket_plasticity.csv; this figure is drawn from "
                        "head_component_weights.csv"));
}

TEST(PackedText, ComesBack) {
  for (const char* name : {"t.csv", "t.csv.gz", "t.bz2", "t.csv.xz", "t.csv.ZST", "t.csv.zip",
                           "t.tar", "t.csv.tar.gz", "t.tar.bz2", "t.csv.tar.xz"}) {
    SCOPED_TRACE(name);
    std::string text;
    for (int i = 0; i < 40000; ++i) text += std::to_string(i * i) + ",\n";
    const std::string packed = pack_text(text, packing_of(name), name);
    EXPECT_EQ(packed, pack_text(text, packing_of(name), name));
    EXPECT_EQ(packing_of(name) == Packing::kNone, packed == text);
    const auto bytes = std::as_bytes(std::span(packed));
    EXPECT_EQ(is_packed(bytes), packed != text);
    EXPECT_EQ(unpack_text(bytes, "another.name"), text);
  }
}

TEST(PackedText, OtherPackingsAreNotWritten) {
  for (const char* name : {"t.csv.lz4", "t.tgz", "t.7z", "t.tar.zst", "T.CSV.RAR"}) {
    EXPECT_THAT(error_of([&] { packing_of(name); }),
                StartsWith(std::string(name) + ": expected a plain file, or one packed as .gz"));
  }
}

TEST(PackedText, SkippableFramesOfZstd) {
  const std::string packed = pack_text(table(), Packing::kZstd, "t.zst");
  const TestFolder folder;
  const std::string frame("\x50\x2a\x4d\x18\x04\0\0\0four", 12);  // as pzstd begins a file
  EXPECT_EQ(read_bucket_pair_rows(folder.write("T", frame + packed)).size(), 2u);
}

TEST(PackedText, DamagedFiles) {
  for (const char* name : {"t.gz", "t.bz2", "t.xz", "t.zst", "t.zip", "t.tar.gz", "t.tar"}) {
    SCOPED_TRACE(name);
    const std::string packed = pack_text(table(), packing_of(name), name);
    const size_t half = name == std::string("t.tar") ? 600 : packed.size() / 2;
    EXPECT_THAT(refusal(packed.substr(0, half)), StartsWith("T: cannot be unpacked: "));
  }
  EXPECT_EQ(
      refusal("\x04\x22\x4d\x18xx"),
      "T: expected plain text, or text packed as gzip, bzip2, xz, zstd, zip or tar, found LZ4");
}

}  // namespace csv_table_reader_test
}  // namespace qk
