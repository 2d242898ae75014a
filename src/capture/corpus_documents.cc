#include "capture/corpus_documents.h"

#include <algorithm>
#include <utility>

#include "base/error.h"

namespace qk {

CorpusDocuments::CorpusDocuments(const PreparedRun& run, std::vector<int64_t> done,
                                 std::optional<Shard> shard)
    : run_(run), done_(std::move(done)), shard_(shard) {}

std::optional<Document> CorpusDocuments::next(bool /*wait*/) {
  while (!at_end_) {
    std::optional<Document> document = run_.corpus->next();
    at_end_ = !document;
    if (at_end_) break;
    QK_CHECK(document->index == num_read_);
    ++num_read_;
    if (!run_.config.compat_reference) names_.push_back(document->name);
    if (is_wanted(*document)) return document;
  }
  return std::nullopt;
}

bool CorpusDocuments::is_wanted(const Document& document) const {
  if (shard_ && !shard_->has(document.index)) return false;
  return !std::ranges::binary_search(done_, document.index);
}

}  // namespace qk
