// Whether the footers of two files can belong to one capture.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "dataset/schema.h"

namespace parquet {
class FileMetaData;
}

namespace qk {

// The key-value pairs of a Parquet file, Arrow's own left out.
using Footer = std::map<std::string, std::string>;

Footer footer_of(const parquet::FileMetaData& metadata);
// Empty if the file cannot be read.
std::optional<Footer> read_footer(const std::filesystem::path& file);

// What a file says before its rows are read.
struct FileHeading {
  Footer footer;
  std::vector<std::string> columns;  // names of all top-level columns
};
// Empty if the file cannot be read.
std::optional<FileHeading> read_heading(const std::filesystem::path& file);

// A value that two footers state differently.
struct FooterDifference {
  std::string key;  // "qkscope.geometry.rope.0.theta"
  std::string first, second;
};

// The first contradiction: other vectors (before or after RoPE), model, geometry, tokenizer, corpus,
// or settings that decide which tokens are captured and how they are computed. What says nothing
// about the vectors may differ: version of the program, selection of heads, places of files,
// certificate, keys that only one of the two has, the model's name if its files are the same.
// Empty: none.
std::optional<FooterDifference> footer_difference(const Footer& first, const Footer& second);

// Another name or revision of the model, whether its files are the same or not.
std::optional<FooterDifference> model_name_difference(const Footer& first, const Footer& second);

// "its footer says qkscope.geometry.vector pre_rope, that of l00h00q says post_rope".
std::string contradiction_text(const FooterDifference& difference, const std::string& other);

// Does the footer say where the vectors come from?
bool is_recorded(const Footer& footer);

// The number of the footer that occurs most often among those that are recorded, the first of
// equals; empty if none is. The pointers may be null.
std::optional<size_t> most_common_footer(const std::vector<const Footer*>& footers);

// Why a head of this name with vectors of this length (0: not known) does not belong to the geometry
// of its footer: "is head 9, though its footer has num_attention_heads 8". Empty if it does.
std::string geometry_fault(const Footer& footer, const ConfigName& head, int64_t vector_dim);

}  // namespace qk
