// Documents of a dataset by their names or ids.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/thread_pool.h"
#include "dataset/example_ids.h"
#include "heads/head_catalog.h"

namespace qk {

class DocumentFinder {
 public:
  // Reads documents.parquet, if there is one, and the ids of all rows on the pool. Throws Error: the
  // table is damaged, or no row has an id.
  DocumentFinder(const HeadCatalog& catalog, bool compat_reference, ThreadPool& pool);

  // The document that documents.parquet calls `text`, or whose example_id is this number; without
  // that table the one whose text id has this hash, as in a capture. If there is none and the text
  // holds commas, the documents that are named between them. Throws Error with the nearest name if a
  // document is unknown, or if the text is the name of one and the id of another.
  std::vector<ChosenDocument> find(std::string_view text) const;

  // Adds a warning that names those of catalog.rows.documents without rows. Throws Error if none
  // has rows.
  void check_rows(HeadCatalog& catalog) const;

  int64_t num_documents() const;  // in the table, else with rows

 private:
  ExampleIds candidates(const std::string& text) const;
  std::optional<ChosenDocument> find_one(std::string_view text) const;
  [[noreturn]] void refuse_unknown(std::string_view text) const;
  // The id as rows have it.
  ExampleId as_in_rows(int64_t id) const;

  std::string folder_;
  std::optional<std::multimap<std::string, ExampleId>> by_name_;  // documents.parquet
  std::set<ExampleId> in_table_;
  ExampleIds in_rows_;
};

}  // namespace qk
