// Manual pages of the commands, from their declarations.
#pragma once

#include <string>
#include <vector>

#include "cli/declared_command.h"

namespace qk {

struct ManPage {
  std::string file;  // "qkscope-sniff.1"
  std::string text;  // roff with the macros of man(7)
};

// qkscope.1, a page for each of its commands, and sniff-qk.1, which is another name of
// qkscope-sniff.1.
std::vector<ManPage> man_pages(const DeclaredCommand& program);

}  // namespace qk
