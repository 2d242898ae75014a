#include "corpus/glob.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace qk {
namespace {

struct Case {
  const char* pattern;
  const char* path;
  bool matches;
};

// Checked with fsspec 2025.10.0 (glob_translate).
constexpr Case kCases[] = {
    {"*.txt", "a.txt", true},
    {"*.txt", "d/a.txt", false},
    {"*", "", false},
    {"a*", "a", true},
    {"**", "a/b/c", true},
    {"d/**", "d/a/b", true},
    {"d/**", "d", false},
    {"**/a", "a", true},
    {"**/a", "x/y/a", true},
    {"**/a", "x/ba", false},
    {"**/a/**/b", "a/b", true},
    {"**/a/**/b", "x/a/y/a/z/b", true},
    {"**/a/**/b", "x/a/y/a/z/c", false},
    {"a/*/b", "a/b", false},
    {"a?c", "abc", true},
    {"a?c", "a/c", false},
    {"a?c",
     "a\xC3\xBC"
     "c",
     true},
    {"a?c", "aüüc", false},
    {"[abc]x", "bx", true},
    {"[a-c]x", "bx", true},
    {"[a-c]x", "dx", false},
    {"[!a-c]x", "dx", true},
    {"[!a-c]x", "ax", false},
    {"[-._ 0-9]x", "-x", true},
    {"[-._ 0-9]x", "7x", true},
    {"[-._ 0-9]x", "/x", false},
    {"[]a]x", "]x", true},
    {"[!]a]x", "]x", false},
    {"[ax", "[ax", true},
    {"[ü]x", "üx", true},
    {"[c-a]x", "bx", false},
    {"*a*a*a*b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaac", false},
    {"x.*", "x.", true},
    {"./d//a", "d/a", true},
    {"a\xFF?", "a\xFF\xFE", true},
};

TEST(Glob, Matches) {
  for (const Case& c : kCases) {
    EXPECT_EQ(Glob(c.pattern).matches(c.path), c.matches) << c.pattern << " on " << c.path;
  }
}

TEST(Glob, TwoStarsInsideAComponentAreRefused) {
  EXPECT_THROW(Glob("a/b**/c"), Error);
  EXPECT_THROW(Glob("***"), Error);
}

TEST(Glob, Wildcards) {
  EXPECT_TRUE(has_wildcards("a?"));
  EXPECT_TRUE(has_wildcards("[a"));
  EXPECT_FALSE(has_wildcards("a/b.c{d}"));
}

}  // namespace
}  // namespace qk
