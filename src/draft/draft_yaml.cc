#include "draft/draft_yaml.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>
#include <sstream>
#include <string_view>
#include <utility>

#include "base/build_info.h"
#include "base/error.h"
#include "base/number_text.h"

namespace qk {
namespace {

constexpr size_t kWidth = 98;  // columns

// Escapes the line breaks of YAML that are not ASCII, as JSON and comments may have them.
std::string without_line_breaks(std::string text) {
  static constexpr std::pair<std::string_view, std::string_view> kEscapes[] = {
      {"\xc2\x85", "\\u0085"}, {"\xe2\x80\xa8", "\\u2028"}, {"\xe2\x80\xa9", "\\u2029"}};
  for (const auto& [raw, escape] : kEscapes) {
    for (size_t at = 0; (at = text.find(raw, at)) != std::string::npos; at += escape.size()) {
      text.replace(at, raw.size(), escape);
    }
  }
  return text;
}

// Comment lines, filled with words.
std::string comment(const std::string& text, size_t indent) {
  const std::string start = std::string(indent, ' ') + "#";
  std::string out;
  std::string line = start;
  std::istringstream words(without_line_breaks(text));
  for (std::string word; words >> word;) {
    if (line.size() + 1 + word.size() > kWidth && line != start) {
      out += line + "\n";
      line = start;
    }
    line += " " + word;
  }
  return out + line + "\n";
}

class Writer {
 public:
  explicit Writer(const Draft& draft) : draft_(draft) {}

  void section(const std::string& name) {
    section_ = name;
    out_ += "\n" + name + ":\n";
  }

  // The reason of the key, or what is given, above it.
  void key(const std::string& name, const std::string& value, const std::string& note = "") {
    const auto reason = draft_.reasons.find(section_ + "." + name);
    const std::string why = reason != draft_.reasons.end() ? reason->second : note;
    if (!why.empty()) out_ += comment(why, 2);
    out_ += "  " + name + ": " + value + "\n";
  }

  void sampler(const std::string& type, double rate) {
    out_ += comment(draft_.reasons.at("capture.sampler.type"), 2);
    out_ += "  sampler:\n    type: " + type + "\n";
    out_ += comment(draft_.reasons.at("capture.sampler.base_rate"), 4);
    out_ += fmt::format("    base_rate: {}\n", rate);
  }

  void text(const std::string& more) { out_ += more; }
  std::string take() { return std::move(out_); }

 private:
  const Draft& draft_;
  std::string section_, out_;
};

std::string optional_text(const std::optional<std::string>& text) {
  return text && !text->empty() ? yaml_text(*text) : "null";
}

std::string lengths_text(const LengthSample& lengths) {
  std::vector<int64_t> sorted = lengths.tokens;
  if (sorted.empty()) return "The corpus has no documents.";
  std::sort(sorted.begin(), sorted.end());
  std::string out = fmt::format(
      "Lengths of {} documents: {} to {} tokens, median {}; {} of them were tokenised{}.",
      count_text(std::ssize(sorted)), count_text(sorted.front()), count_text(sorted.back()),
      count_text(sorted[sorted.size() / 2]), count_text(lengths.num_tokenised),
      lengths.num_tokenised < std::ssize(sorted) ? ", the others estimated from their bytes" : "");
  if (!lengths.is_whole) {
    out += lengths.documents
               ? fmt::format(" These are the first of {}.", count_text(*lengths.documents))
               : " There are more documents.";
  }
  return out;
}

std::string about(double number) {
  return (number >= 1e4 ? "about " : "") + count_text(std::llround(number));
}

void add_head(Writer& file, const Draft& draft, const LengthSample& lengths) {
  const SniffConfig& config = draft.config;
  file.text(comment(fmt::format("A capture of {} over {}, drafted by `qkscope init` ({}). "
                                "docs/config.md explains every key.",
                                printable(config.model.name, 300),
                                printable(config.dataset.path, 300), version()),
                    0));
  file.text("#\n" + comment(lengths_text(lengths), 0));
  file.text(comment(
      fmt::format("The run computes {} documents of {} tokens together, and captures {} and {}: {} "
                  "rows, {} of vectors before compression, twice that on the disk while it is "
                  "finished. `qkscope sniff FILE --dry-run` says more.",
                  about(draft.documents), about(draft.tokens),
                  plural(draft.plan.num_query_heads, "query head"),
                  plural(draft.plan.num_key_heads, "key head"), about(draft.rows),
                  bytes_text(draft.bytes)),
      0));
  for (const std::string& warning : draft.warnings) {
    file.text("#\n" + comment("Warning: " + warning + ".", 0));
  }
}

void add_dataset(Writer& file, const CorpusConfig& dataset) {
  file.section("dataset");
  file.key("path", yaml_text(dataset.path));
  if (dataset.name) file.key("name", yaml_text(*dataset.name));
  if (dataset.revision) file.key("revision", yaml_text(*dataset.revision));
  file.key("split", yaml_text(dataset.split));
  file.key("text_column", yaml_text(dataset.text_column));
  file.key("id_column", optional_text(dataset.id_column));
  file.key("max_samples", dataset.max_samples ? std::to_string(*dataset.max_samples) : "null");
}

void add_capture(Writer& file, const CaptureSection& capture) {
  file.section("capture");
  file.sampler(sampler_name(capture.sampler), capture.base_rate);
  file.key("min_bucket_size", std::to_string(capture.min_bucket_size));
  file.key("head_sampling", capture.head_sampling ? fmt::format("{{count: {}, seed: {}}}",
                                                                capture.head_sampling->count,
                                                                capture.head_sampling->seed)
                                                  : "null");
  file.key("full_attention_only", capture.full_attention_only ? "true" : "false");
  file.key("rope", "post",
           "vectors after the rotary embedding; both: before it as well, in a second column");
}

}  // namespace

std::string yaml_text(const std::string& text) {
  constexpr std::string_view kPlain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./-";
  constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ/.";
  const bool is_plain = !text.empty() && text.find_first_not_of(kPlain) == std::string::npos &&
                        kLetters.find(text[0]) != std::string_view::npos &&
                        text.find_first_of("/_") != std::string::npos;
  if (is_plain) return text;
  static constexpr std::string_view kWords[] = {"train", "test", "validation", "text", "id"};
  if (std::ranges::find(kWords, text) != std::end(kWords)) return text;
  return without_line_breaks(nlohmann::json(text).dump());
}

std::string draft_yaml(const Draft& draft, const LengthSample& lengths) {
  const SniffConfig& config = draft.config;
  Writer file(draft);
  add_head(file, draft, lengths);
  add_dataset(file, config.dataset);
  file.section("model");
  file.key("name", yaml_text(config.model.name));
  if (config.model.revision) file.key("revision", yaml_text(*config.model.revision));
  file.key("dtype", config.model.dtype);
  file.section("tokenizer");
  file.key("max_length", std::to_string(config.tokenizer.max_length));
  file.section("inference");
  file.key("batch_size", std::to_string(config.inference.batch_size));
  add_capture(file, config.capture);
  file.section("output");
  file.key("data_root", yaml_text(config.output.data_root));
  file.text(
      "  # To publish the finished dataset on the Hub (docs/hub.md):\n"
      "  # hf_repo_id: me/sniffed-qk\n"
      "  # hf_branch: main\n");
  return file.take();
}

}  // namespace qk
