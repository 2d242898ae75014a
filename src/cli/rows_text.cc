#include "cli/rows_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "base/error.h"
#include "base/number_text.h"

namespace qk {
namespace {

std::string vectors_text(const RowChoice& rows) {
  const std::string& column = rows.options.vector_column;
  if (!rows.vector) {
    return fmt::format(
        "Vectors   column {}; the dataset does not say whether before or after RoPE\n", column);
  }
  const bool is_before = *rows.vector == VectorKind::kPreRope;
  return fmt::format("Vectors   {} RoPE (column {})\n", is_before ? "before" : "after", column);
}

std::string documents_text(const RowChoice& rows) {
  constexpr size_t kMostNamed = 8;
  std::vector<std::string> names;
  for (const ChosenDocument& document : rows.documents) {
    if (names.size() == kMostNamed) break;
    names.push_back(printable(document.name));
  }
  return fmt::format("Documents {} of {}: {}{}\n", count_text(std::ssize(rows.documents)),
                     count_text(rows.num_documents), fmt::join(names, ", "),
                     rows.documents.size() > names.size() ? ", ..." : "");
}

}  // namespace

std::string rows_text(const HeadCatalog& catalog) {
  const RowChoice& rows = catalog.rows;
  std::string out = vectors_text(rows);
  if (const auto width = rows.options.bucket_width) {
    out += fmt::format("Buckets   anew by position, {} each\n", plural(*width, "token"));
  }
  if (!rows.documents.empty()) out += documents_text(rows);
  return out;
}

}  // namespace qk
