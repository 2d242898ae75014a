// What an analysis says of its dataset before it begins.
#pragma once

#include <string>

#include "heads/head_catalog.h"

namespace qk {

// "Dataset   FOLDER of MODEL: 30 of 32 heads (...)", with the line's end.
std::string catalog_text(const HeadCatalog& catalog);

}  // namespace qk
