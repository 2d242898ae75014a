#include "page/page_template.h"

#include "base/error.h"

#ifdef QK_REPORT_PAGE
__asm__(
    ".pushsection .rodata\n"
    ".global qk_report_page_begin\n.hidden qk_report_page_begin\n"
    ".global qk_report_page_end\n.hidden qk_report_page_end\n"
    "qk_report_page_begin:\n"
    ".incbin \"" QK_REPORT_PAGE
    "\"\n"
    "qk_report_page_end:\n"
    ".byte 0\n"
    ".popsection\n");

// NOLINTBEGIN(readability-identifier-naming): names of the assembler above
extern "C" {
extern const char qk_report_page_begin[] __attribute__((visibility("hidden")));
extern const char qk_report_page_end[] __attribute__((visibility("hidden")));
}
// NOLINTEND(readability-identifier-naming)
#endif

namespace qk {

bool has_page_template() {
#ifdef QK_REPORT_PAGE
  return true;
#else
  return false;
#endif
}

std::string_view page_template() {
#ifdef QK_REPORT_PAGE
  return {qk_report_page_begin, qk_report_page_end};
#else
  fail(
      "this qkscope was built without the page of reports: build it again after tools/setup, which "
      "installs Node, or with a ready page, -DQK_REPORT_PAGE=FILE");
#endif
}

}  // namespace qk
