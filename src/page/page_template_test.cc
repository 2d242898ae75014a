#include "page/page_template.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "base/error.h"

namespace qk {
namespace page_template_test {

#ifdef QK_REPORT_PAGE
TEST(PageTemplate, IsAsciiWithOneSlot) {
  const std::string_view page = page_template();
  EXPECT_TRUE(page.starts_with("<!doctype html>"));
  const size_t slot = page.find(kDataPlace);
  ASSERT_NE(slot, std::string_view::npos);
  EXPECT_EQ(page.find(kDataPlace, slot + 1), std::string_view::npos);
  EXPECT_TRUE(
      std::ranges::all_of(page, [](char c) { return c == '\n' || (c >= ' ' && c <= '~'); }));
}
#else
TEST(PageTemplate, RefusesWithTheNameOfTheOption) {
  try {
    page_template();
    FAIL() << "there is no page";
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("QK_REPORT_PAGE"), std::string::npos);
  }
}
#endif

}  // namespace page_template_test
}  // namespace qk
