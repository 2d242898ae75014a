// Documents and their ids, streamed from Parquet, JSON Lines or plain text files, or from the local
// cache of the Hugging Face Hub. Threads: one reader at a time.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace qk {

struct CorpusConfig {  // the keys of the `dataset` section
  std::string path;    // folder, file, glob, or Hub id "org/name"
  std::optional<std::string> name;  // configuration (subset)
  std::string split = "train";
  std::string text_column = "text";
  std::optional<std::string> id_column;  // empty: the running row number
  std::optional<int64_t> max_samples;
};

struct Document {
  int64_t index = 0;       // running number, 0-based, over the whole run
  int64_t example_id = 0;  // normalised to 64 bits: corpus/example_id.h
  std::string text;
  std::string place;       // "train.parquet row 17", for messages
};

struct CorpusFile {
  std::filesystem::path path;
  int64_t bytes = 0;
  std::string sha256;  // hex
};

class Corpus {
 public:
  virtual ~Corpus() = default;
  // The next document, or nothing at the end. Throws Error naming file and row: null text, a text
  // that is not a string, damaged file.
  virtual std::optional<Document> next() = 0;
  // Documents in all, after max_samples; empty if that is known only after reading (JSON Lines).
  virtual std::optional<int64_t> num_documents() const = 0;
  // The files behind the corpus in reading order. sha256 is filled by identify().
  virtual const std::vector<CorpusFile>& files() const = 0;
};

// Throws Error: nothing found at the path, no such split (the ones there are named), column missing
// (the ones there are named), formats mixed.
std::unique_ptr<Corpus> open_corpus(const CorpusConfig& config);

// SHA-256, as hex, over the names, sizes and contents of the files: the corpus' identity.
std::string identify(const Corpus& corpus);

}  // namespace qk
