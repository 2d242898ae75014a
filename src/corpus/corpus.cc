#include "corpus/corpus.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <string>
#include <utility>

#include "base/error.h"
#include "base/hash.h"
#include "base/path_text.h"
#include "base/readable_file.h"
#include "base/utf8.h"
#include "corpus/corpus_files.h"
#include "corpus/row_reader.h"
#include "corpus/split_slice.h"
#include "download/file_identity.h"

namespace qk {
namespace {

namespace fs = std::filesystem;

constexpr size_t kMostNameBytes = 16384;  // of a path, escaped
constexpr int64_t kMostRows = std::numeric_limits<int64_t>::max();

// What must be equal in the types of ids in two files; empty: null, which goes with any.
std::string_view type_family(std::string_view type) {
  if (type.starts_with("dictionary<values=")) type.remove_prefix(18);
  const auto starts = [&](std::string_view word) { return type.starts_with(word); };
  if (starts("string") || starts("large_string")) return "strings";
  // Whole numbers give the same id however they are stored.
  for (const char* number : {"int", "uint", "float", "halffloat", "double"}) {
    if (starts(number)) return "numbers";
  }
  if (starts("bool")) return "booleans";
  if (starts("null") || type.empty()) return "";
  return "binary";
}

class FilesCorpus final : public Corpus {
 public:
  FilesCorpus(const CorpusConfig& config, const SplitSlice& slice, CorpusFiles found)
      : format_(found.format),
        columns_{config.text_column, std::nullopt, config.skip_bad_text},
        max_text_bytes_(config.max_text_bytes) {
    if (config.id_column && !config.id_column->empty()) columns_.id = config.id_column;
    if (config.max_samples && *config.max_samples < 0) {
      fail("dataset.max_samples: expected 0 or more, found {}", *config.max_samples);
    }
    for (std::string& name : found.names) {
      const fs::path path = found.root / name;
      std::error_code error;
      const auto bytes = static_cast<int64_t>(fs::file_size(path, error));
      if (error) fail("{}: {}", path_text(path), why_unreadable(path));
      files_.push_back({path, std::move(name), bytes, ""});
    }
    count_documents(rows_wanted(slice, config.max_samples));
    if (!num_documents_ && slice.needs_num_rows()) num_documents_ = count_by_reading();
    const RowRange range = rows_of(slice, num_documents_);
    limit_ = config.max_samples;
    if (range.end) {
      const int64_t rows = std::max<int64_t>(0, *range.end - range.begin);
      limit_ = std::min(limit_.value_or(rows), rows);
    }
    if (num_documents_) num_documents_ = *num_documents_ - std::min(range.begin, *num_documents_);
    if (limit_ && (num_documents_ || *limit_ == 0)) {
      num_documents_ = std::min(num_documents_.value_or(0), limit_.value_or(0));
    }
    for (int64_t row = 0; row < range.begin && next_row(); ++row) {
    }
    ahead_ = read();
  }

  std::optional<Document> next() override {
    std::optional<Document> out = std::exchange(ahead_, std::nullopt);
    return out ? std::move(out) : read();
  }
  std::optional<int64_t> num_documents() const override { return num_documents_; }
  const std::vector<CorpusFile>& files() const override { return files_; }

  const std::vector<CorpusFile>& digested_files() const override {
    for (CorpusFile& file : files_) {
      if (!file.sha256.empty()) continue;
      file.sha256 = digest_from_blob_name(file.path);
      if (file.sha256.empty()) file.sha256 = sha256_file(file.path);
    }
    return files_;
  }

 private:
  // How many rows of the split are enough; empty: all are needed, or it depends on their number.
  static std::optional<int64_t> rows_wanted(const SplitSlice& slice,
                                            const std::optional<int64_t>& max_samples) {
    if (slice.needs_num_rows() || (!slice.to && !max_samples)) return std::nullopt;
    const int64_t room = kMostRows - slice.from.value_or(0);
    const int64_t last = slice.from.value_or(0) + std::min(max_samples.value_or(room), room);
    return std::min(slice.to.value_or(last), last);
  }

  // Counts the rows, as far as they are wanted, and looks at the files that hold them.
  void count_documents(std::optional<int64_t> wanted) {
    if (format_ == FileFormat::kParquet) return count_parquet(wanted.value_or(kMostRows));
    if (format_ == FileFormat::kText) num_documents_ = std::ssize(files_);
    if (format_ == FileFormat::kJson && wanted) return;  // a file is looked at when it is opened
    const int64_t num_used = std::min(wanted.value_or(kMostRows), std::ssize(files_));
    for (int64_t i = 0; i < num_used; ++i) require_readable(files_[static_cast<size_t>(i)].path);
  }

  void count_parquet(int64_t wanted) {
    int64_t rows = 0;
    for (const CorpusFile& file : files_) {
      if (rows >= wanted && rows > 0) break;
      const ParquetSummary summary = summarise_parquet(file.path, columns_);
      if (__builtin_add_overflow(rows, summary.rows, &rows)) {
        fail("{}: the footer says {} rows", path_text(file.path), summary.rows);
      }
      if (summary.rows > 0) check_types(summary, file);
    }
    num_documents_ = rows;
  }

  int64_t count_by_reading() {
    int64_t rows = 0;
    while (next_row()) ++rows;
    next_file_ = 0;
    return rows;
  }

  // The first file whose texts are not all null must hold texts: else the column is the wrong one.
  // Texts of another type in a later file, or none, are faults of its rows.
  void check_types(const ParquetSummary& found, const CorpusFile& file) {
    if (!found.lacks.empty() && !(has_texts_ && columns_.keep_faulty)) {
      fail("{}: {}{}", path_text(file.path), found.lacks,
           has_texts_ ? fmt::format("; {}", kSkipAdvice) : "");
    }
    if (!has_texts_ && found.text != TextType::kNull) {
      if (found.text != TextType::kText) {
        fail("{}: column '{}': expected strings, found {}", path_text(file.path),
             printable(columns_.text), printable(found.text_type));
      }
      has_texts_ = true;
    }
    const std::string_view family = type_family(found.id_type);
    if (family.empty()) return;
    if (id_type_.empty()) {
      id_type_ = found.id_type;
      id_file_ = file.name;
    }
    if (family == type_family(id_type_)) return;
    fail("{}: column '{}': expected {} as in {}, found {}", path_text(file.path),
         printable(*columns_.id), printable(id_type_), printable(id_file_),
         printable(found.id_type));
  }

  std::unique_ptr<RowReader> open(const CorpusFile& file) const {
    switch (format_) {
      case FileFormat::kParquet:
        return open_parquet_rows(file.path, file.name, columns_);
      case FileFormat::kJson:
        return read_json_rows(open_bytes(file.path), file.path, file.name, columns_);
      case FileFormat::kText:
        break;
    }
    return read_text_row(open_bytes(file.path), file.path, file.name, columns_);
  }

  std::optional<Row> next_row() {
    while (true) {
      if (rows_ == nullptr) {
        if (next_file_ == files_.size()) return std::nullopt;
        rows_ = open(files_[next_file_++]);
      }
      std::optional<Row> row = rows_->next();
      if (!row) {
        rows_.reset();
        continue;
      }
      if (row->wrong_column.empty()) has_texts_ = true;
      if (wrong_column_.empty()) wrong_column_ = row->wrong_column;
      return row;
    }
  }

  std::optional<Document> read() {
    std::optional<Row> row;
    if (!limit_ || next_index_ < *limit_) row = next_row();
    if (!row) {
      if (!has_texts_ && !wrong_column_.empty()) throw Error(wrong_column_);
      return std::nullopt;
    }
    check_size(*row);
    Document document{next_index_, next_index_, std::move(row->text), std::move(row->place),
                      row->fault};
    if (columns_.id) {
      document.example_id = normalised(row->id, document.place);
      document.name = id_text(row->id);
    } else if (format_ == FileFormat::kText) {
      const std::string& file = files_[next_file_ - 1].name;
      document.name = first_invalid_utf8(file) ? printable(file, kMostNameBytes) : file;
    } else {
      document.name = std::to_string(next_index_);
    }
    ++next_index_;
    return document;
  }

  void check_size(Row& row) const {
    if (std::ssize(row.text) <= max_text_bytes_) return;
    if (!columns_.keep_faulty) {
      fail("{}: the text has {} bytes, dataset.max_text_bytes allows {}; {}",
           printable(row.place, 300), row.text.size(), max_text_bytes_, kSkipAdvice);
    }
    row.fault = TextFault::kTooLarge;
    row.text = {};
  }

  int64_t normalised(const RawId& id, const std::string& place) const {
    try {
      return normalise_example_id(id);
    } catch (const Error& error) {
      fail("{}: column '{}': {}", printable(place, 300), printable(*columns_.id), error.what());
    }
  }

  mutable std::vector<CorpusFile> files_;  // digested_files() fills the digests
  FileFormat format_;
  Columns columns_;
  int64_t max_text_bytes_;
  bool has_texts_ = false;    // some file or row has a text, or some JSON row a null
  std::string wrong_column_;  // Row::wrong_column of the first row that has one
  std::string id_type_;       // of the first Parquet file whose ids are not all null
  std::string id_file_;       // its name
  std::optional<int64_t> limit_;
  std::optional<int64_t> num_documents_;
  std::unique_ptr<RowReader> rows_;
  size_t next_file_ = 0;  // after the one that is open
  int64_t next_index_ = 0;
  std::optional<Document> ahead_;
};

// One after the other, with one running number.
class SumOfSplits final : public Corpus {
 public:
  SumOfSplits(std::vector<std::unique_ptr<Corpus>> terms, const CorpusConfig& config)
      : terms_(std::move(terms)),
        numbers_are_ids_(!config.id_column || config.id_column->empty()),
        limit_(config.max_samples) {
    num_documents_ = 0;
    for (const std::unique_ptr<Corpus>& term : terms_) {
      files_.insert(files_.end(), term->files().begin(), term->files().end());
      const std::optional<int64_t> rows = term->num_documents();
      if (num_documents_) num_documents_ = rows ? std::optional(*num_documents_ + *rows) : rows;
    }
    if (limit_ && num_documents_) num_documents_ = std::min(*num_documents_, *limit_);
  }

  std::optional<Document> next() override {
    while (term_ < terms_.size() && (!limit_ || next_index_ < *limit_)) {
      std::optional<Document> document = terms_[term_]->next();
      if (!document) {
        ++term_;
        continue;
      }
      document->index = next_index_++;
      if (numbers_are_ids_) renumber(*document);
      return document;
    }
    return std::nullopt;
  }
  std::optional<int64_t> num_documents() const override { return num_documents_; }
  const std::vector<CorpusFile>& files() const override { return files_; }

  const std::vector<CorpusFile>& digested_files() const override {
    files_.clear();
    for (const std::unique_ptr<Corpus>& term : terms_) {
      const std::vector<CorpusFile>& digested = term->digested_files();
      files_.insert(files_.end(), digested.begin(), digested.end());
    }
    return files_;
  }

 private:
  // From the number in its term to that in the sum.
  static void renumber(Document& document) {
    if (document.name == std::to_string(document.example_id)) {
      document.name = std::to_string(document.index);
    }
    document.example_id = document.index;
  }

  std::vector<std::unique_ptr<Corpus>> terms_;
  bool numbers_are_ids_;
  std::optional<int64_t> limit_;
  std::optional<int64_t> num_documents_;
  mutable std::vector<CorpusFile> files_;  // digested_files() fills the digests
  size_t term_ = 0;
  int64_t next_index_ = 0;
};

}  // namespace

std::unique_ptr<Corpus> open_corpus(const CorpusConfig& config, Resolver& resolver) {
  std::vector<std::unique_ptr<Corpus>> terms;
  for (const SplitSlice& slice : parse_split(config.split)) {
    CorpusConfig whole = config;
    whole.split = slice.split;
    terms.push_back(
        std::make_unique<FilesCorpus>(config, slice, find_corpus_files(whole, resolver)));
  }
  if (terms.size() == 1) return std::move(terms.front());
  return std::make_unique<SumOfSplits>(std::move(terms), config);
}

std::string identify(const Corpus& corpus) {
  Sha256 digest;
  for (const CorpusFile& file : corpus.digested_files()) {
    digest.update(file.name);
    digest.update(std::string_view("\0", 1));
    digest.update(fmt::format("{}\n{}\n", file.bytes, file.sha256));
  }
  return digest.hex();
}

}  // namespace qk
