#include "formats/stored_name.h"

#include <gtest/gtest.h>

#include <string>

#include "base/error.h"

namespace qk {
namespace {

TEST(IsUtf8, AcceptsWhatUnicodeHas) {
  for (const char* text :
       {"", "model.layers.0", "\xC2\x80", "\xDF\xBF", "\xE0\xA0\x80", "\xED\x9F\xBF",
        "\xEE\x80\x80", "\xF0\x90\x80\x80", "\xF4\x8F\xBF\xBF", "a\xC3\xA9z"}) {
    EXPECT_TRUE(is_utf8(text)) << testing::PrintToString(text);
  }
}

TEST(IsUtf8, RefusesTheRest) {
  for (const char* text :
       {"\x80", "a\xBF", "\xC0\x80", "\xC1\xBF", "\xC2", "\xC2\x41", "\xE0\x9F\xBF", "\xE2\x82",
        "\xE2\x82\x41", "\xED\xA0\x80", "\xF0\x8F\xBF\xBF", "\xF0\x90\x80", "\xF4\x90\x80\x80",
        "\xF5\x80\x80\x80", "\xFF", "\xFE"}) {
    EXPECT_FALSE(is_utf8(text)) << testing::PrintToString(text);
  }
}

TEST(StoredName, RefusesControlCharacters) {
  check_stored_name("f", "tensor", "model.\xC3\xA9 weight");
  check_stored_name("f", "tensor", "");
  EXPECT_THROW(check_stored_name("f", "tensor", std::string_view("a\0b", 3)), Error);
  EXPECT_THROW(check_stored_name("f", "tensor", "a\x1B[2J"), Error);
  EXPECT_THROW(check_stored_name("f", "tensor", "a\x7F"), Error);
  EXPECT_THROW(check_stored_name("f", "tensor", "a\xFF"), Error);
}

}  // namespace
}  // namespace qk
