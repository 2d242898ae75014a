#include "corpus/example_id.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>

#include "base/error.h"
#include "base/hash.h"
#include "base/test_vectors.h"

namespace qk {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// The value that a line of the vectors means: "int 2^63-1", "float 1.5", "str id-a", "None", ...
RawId parse_input(const std::string& input, const std::string& text) {
  if (input == "true" || input == "false") return input == "true";
  if (input == "None") return std::monostate{};
  if (input.starts_with("str ")) return text;
  if (input.starts_with("float ")) return std::stod(input.substr(6));
  if (input == "int 2^63") return uint64_t{1} << 63;
  if (input == "int 2^70") return OpaqueId{text};
  return static_cast<int64_t>(std::stoll(text));
}

TEST(ExampleId, EqualsTheVectors) {
  const auto vectors = load_vectors("capture/example_ids.json");
  ASSERT_EQ(vectors["cases"].size(), 21U);
  for (const auto& c : vectors["cases"]) {
    const RawId raw = parse_input(c["input"], c["text_hashed"]);
    const int64_t id = normalise_example_id(raw);
    EXPECT_EQ(id, signed_of(c["int64"])) << c;
  }
}

TEST(ExampleId, DigitsInTextAreStillText) {
  EXPECT_NE(normalise_example_id(std::string("12")), 12);
  EXPECT_EQ(normalise_example_id(std::string("12")), blake2b8("12"));
  EXPECT_EQ(normalise_example_id(OpaqueId{"12"}), blake2b8("12"));
}

TEST(ExampleId, UnsignedNumbersWithinInt64AreThemselves) {
  EXPECT_EQ(normalise_example_id(uint64_t{INT64_MAX}), INT64_MAX);
  EXPECT_EQ(normalise_example_id(uint64_t{UINT64_MAX}), blake2b8("18446744073709551615"));
}

TEST(ExampleId, WholeDoublesAreIntegersWithin64Bits) {
  EXPECT_EQ(normalise_example_id(-0.0), 0);
  EXPECT_EQ(normalise_example_id(-0x1p63), INT64_MIN);
  EXPECT_EQ(normalise_example_id(std::nextafter(0x1p63, 0.0)), INT64_MAX - 1023);
  EXPECT_EQ(normalise_example_id(-1.5), blake2b8("-1.5"));
  EXPECT_EQ(normalise_example_id(-kInfinity), blake2b8("-inf"));
}

TEST(ExampleId, WholeDoublesBeyond64BitsAreAnError) {
  for (const double value : {0x1p63, std::nextafter(-0x1p63, -kInfinity), 1e30, -1e300}) {
    EXPECT_THROW(normalise_example_id(value), Error) << value;
  }
  try {
    normalise_example_id(1e30);
    FAIL();
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "expected a whole number within 64 bits, found 1e+30");
  }
}

TEST(ExampleId, TextIsPythonsStr) {
  EXPECT_EQ(id_text({}), "None");
  EXPECT_EQ(id_text(true), "True");
  EXPECT_EQ(id_text(int64_t{-12}), "-12");
  EXPECT_EQ(id_text(uint64_t{UINT64_MAX}), "18446744073709551615");
  EXPECT_EQ(id_text(3.0), "3.0");
  EXPECT_EQ(id_text(0.1), "0.1");
  EXPECT_EQ(id_text(std::string("caf\u00e9 ")), "caf\u00e9 ");
  EXPECT_EQ(id_text(OpaqueId{"b'x'"}), "b'x'");
}

TEST(ExampleId, BytesAreWrittenAsPythonDoes) {
  EXPECT_EQ(python_bytes_text(""), "b''");
  EXPECT_EQ(python_bytes_text("id-1"), "b'id-1'");
  EXPECT_EQ(python_bytes_text("a'b"), "b\"a'b\"");
  EXPECT_EQ(python_bytes_text("a'b\"c"), "b'a\\'b\"c'");
  EXPECT_EQ(python_bytes_text("\t\n\r\\"), "b'\\t\\n\\r\\\\'");
  EXPECT_EQ(python_bytes_text(std::string_view("\0\x1f ~\x7f\xff", 6)),
            "b'\\x00\\x1f ~\\x7f\\xff'");
}

}  // namespace
}  // namespace qk
