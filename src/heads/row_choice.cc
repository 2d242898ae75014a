#include "heads/row_choice.h"

#include <fmt/format.h>

#include <memory>

#include "base/error.h"
#include "dataset/schema.h"
#include "heads/document_choice.h"

namespace qk {
namespace {

void choose_vector(const std::optional<VectorKind>& wish, HeadCatalog& catalog) {
  RowChoice& rows = catalog.rows;
  rows.vector = catalog.vector;
  const std::string folder = catalog.folder.string();
  if (wish == VectorKind::kPreRope && catalog.vector != VectorKind::kPreRope) {
    if (!catalog.has_pre_rope) {
      fail(
          "vector: {} has no vectors before RoPE: expected the column {}, which `qkscope sniff` "
          "writes with capture.rope: both",
          folder, kPreRopeColumn);
    }
    rows.options.vector_column = kPreRopeColumn;
    rows.vector = VectorKind::kPreRope;
  }
  if (wish == VectorKind::kPostRope && catalog.vector == VectorKind::kPreRope) {
    fail(
        "vector: {} has no vectors after RoPE: by its footers the column vector holds those before "
        "it; `qkscope sniff` writes both with capture.rope: both",
        folder);
  }
  if (!wish && catalog.vector == VectorKind::kPreRope) {
    catalog.warnings.push_back(fmt::format(
        "{}: by its footers the column vector holds the vectors before RoPE: these are measured",
        folder));
  }
}

void choose_buckets(int64_t width, HeadCatalog& catalog) {
  if (catalog.ranges && catalog.ranges->width() == width) {
    catalog.warnings.push_back(fmt::format(
        "bucket_width: has no effect: the dataset's buckets are {} tokens wide already", width));
  }
  catalog.rows.options.bucket_width = width;
  catalog.ranges = BucketRanges::uniform(width);
}

}  // namespace

void choose_rows(const RowWishes& wishes, bool compat_reference, ThreadPool& pool,
                 HeadCatalog& catalog) {
  choose_vector(wishes.vector, catalog);
  if (wishes.bucket_width) choose_buckets(*wishes.bucket_width, catalog);
  if (!wishes.documents) return;
  const DocumentFinder finder(catalog, compat_reference, pool);
  ExampleIds ids;
  for (const std::string& text : *wishes.documents) {
    for (ChosenDocument& document : finder.find(text)) {
      if (!ids.insert(document.id).second) continue;
      catalog.rows.documents.push_back(std::move(document));
    }
  }
  finder.check_rows(catalog);
  catalog.rows.num_documents = finder.num_documents();
  catalog.rows.options.documents = std::make_shared<const ExampleIds>(std::move(ids));
}

}  // namespace qk
