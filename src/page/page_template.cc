#include "page/page_template.h"

namespace qk {

std::string_view page_template() {
  return "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>Qkscope</title></head>"
         "<body><p>This program was built without the page.</p>@@QKSCOPE_DATA@@</body></html>\n";
}

}  // namespace qk
