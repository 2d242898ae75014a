// Documents and their ids, streamed from Parquet, JSON Lines or plain text files, on the disk or of
// a dataset of the Hugging Face Hub. Threads: one reader at a time.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "download/resolver.h"

namespace qk {

struct CorpusConfig {                     // the keys of the `dataset` section
  std::string path;                       // folder, file, glob, or Hub id "org/name"
  std::optional<std::string> name{};      // configuration (subset)
  std::optional<std::string> revision{};  // of a Hub dataset: branch, tag or commit; none: main
  std::string split = "train";            // or slices and sums: corpus/split_slice.h
  std::string text_column = "text";
  std::optional<std::string> id_column{};  // empty: the running row number
  std::optional<int64_t> max_samples{};
  bool skip_bad_text = false;                 // instead of an Error: Document::fault
  int64_t max_text_bytes = int64_t{1} << 30;  // of one document
  // Files in a local folder that are none of the corpus: a dataset that was captured into it. Their
  // paths are canonical.
  std::vector<std::filesystem::path> left_out{};
};

// Why a document has no text.
enum class TextFault : uint8_t {
  kNone,
  kNoText,    // null, or not a string
  kNotUtf8,   // in JSON Lines: anywhere in the row, whose id is then not known either
  kTooLarge,  // more than max_text_bytes
};

struct Document {
  int64_t index = 0;       // running number, 0-based, over the whole run
  int64_t example_id = 0;  // normalised to 64 bits: corpus/example_id.h
  std::string text;
  std::string place;  // "train.parquet row 17", "train.jsonl line 18", for messages
  TextFault fault = TextFault::kNone;  // others only with skip_bad_text; the text is empty then
  // What the corpus calls it: its id as text (id_text in corpus/example_id.h); without an id column
  // the name of its file, if every document is a file, else its row number.
  std::string name{};
};

struct CorpusFile {
  std::filesystem::path path;
  std::string name;  // relative to the corpus' folder, with '/'
  int64_t bytes = 0;
  std::string sha256;  // hex
};

class Corpus {
 public:
  virtual ~Corpus() = default;
  // The next document, or nothing at the end. Throws Error naming file and row: damaged file, and
  // without skip_bad_text a text that is null, not a string, not UTF-8, or too large.
  virtual std::optional<Document> next() = 0;
  // Documents in all, after max_samples; empty if that is known only after reading (JSON Lines,
  // unless the slice needed their number).
  virtual std::optional<int64_t> num_documents() const = 0;
  // The files of the corpus in reading order. sha256 is filled by identify().
  virtual const std::vector<CorpusFile>& files() const = 0;
  // The same with every sha256 filled: reads the files once, except those whose blob in the Hub
  // cache is named by its digest. Throws Error if a file cannot be read.
  virtual const std::vector<CorpusFile>& digested_files() const = 0;
};

// `path` is a file, a folder, a pattern (corpus/glob.h), or the id of a Hub dataset that the
// resolver finds, in this order:
//   folder, Hub id  what `datasets.load_dataset(path, name, split=split)` reads: the configs of the
//                   README, else the default rules of corpus/data_files.h
//   file, pattern   all of it is the split `train`
// Parquet (.parquet .geoparquet .gpq), JSON Lines or a list of objects (.jsonl .json .ndjson), text
// (.txt, one document a file; `datasets` would make one of each line); JSON and text also packed
// (.gz .zst .bz2, by the first bytes or the suffix). Ids and texts are those of load_dataset, with one exception: it turns the ids of
// a JSON file into times if all of them look like times; here they stay strings.
// The first document is read ahead, so that a wrong column is reported at once.
// Throws Error: nothing found at the path, no such split (the ones there are named), column missing
// (the ones there are named), formats mixed, column types that differ between files.
std::unique_ptr<Corpus> open_corpus(const CorpusConfig& config, Resolver& resolver);

// SHA-256, as hex, over the names, sizes and contents of the files: the corpus' identity. The same
// files in another place have the same identity.
std::string identify(const Corpus& corpus);

}  // namespace qk
