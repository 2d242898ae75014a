#include "base/utf8.h"

#include <gtest/gtest.h>

#include <string>

namespace qk {
namespace {

TEST(Utf8, WellFormedTextHasNoInvalidByte) {
  for (const char* text :
       {"", "plain ASCII of some length", "\xC2\x80", "\xE0\xA0\x80", "\xED\x9F\xBF",
        "\xEE\x80\x80", "\xF0\x90\x80\x80", "\xF4\x8F\xBF\xBF", "é世🙂 mixed é世🙂"}) {
    EXPECT_EQ(first_invalid_utf8(text), std::nullopt) << text;
  }
  EXPECT_EQ(first_invalid_utf8(std::string(100, '\0')), std::nullopt);
}

TEST(Utf8, IllFormedSequencesAreFoundWhereTheyStart) {
  const std::string bad[] = {
      "\x80",              // continuation without a lead
      "\xC0\x80",          // overlong forms
      "\xC1\xBF",          //
      "\xE0\x9F\xBF",      //
      "\xF0\x8F\xBF\xBF",  //
      "\xED\xA0\x80",      // surrogate
      "\xF4\x90\x80\x80",  // above U+10FFFF
      "\xF5\x80\x80\x80",  //
      "\xFF",              //
      "\xC3",              // cut
      "\xE4\xB8",          //
      "\xF0\x9F\x99",      //
      "\xE4\xB8z",         // lead without its continuation
  };
  for (const std::string& sequence : bad) {
    for (const std::string before : {"", "12345678", "üx"}) {
      EXPECT_EQ(first_invalid_utf8(before + sequence), before.size());
      EXPECT_EQ(first_invalid_utf8(before + sequence + "longer tail"), before.size());
    }
  }
}

}  // namespace
}  // namespace qk
