// Which rows and vectors an analysis reads, in words.
#pragma once

#include <string>

#include "heads/head_catalog.h"

namespace qk {

// A line for the vectors, and for buckets and documents one each if they were chosen.
std::string rows_text(const HeadCatalog& catalog);

}  // namespace qk
