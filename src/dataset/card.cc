#include "dataset/card.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <set>
#include <string_view>
#include <utility>

#include "base/error.h"
#include "dataset/document_table.h"
#include "dataset/schema.h"

namespace qk {
namespace {

// A double-quoted string that JSON and YAML read alike.
std::string json_string(std::string_view text) {
  return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

// Text of the user's in a Markdown code span.
std::string code(std::string_view text) {
  if (text.empty()) return "(empty)";
  std::string out = printable(text, 500);
  std::replace(out.begin(), out.end(), '`', '\'');
  return "`" + out + "`";
}

std::string text_of(const MetadataValue& value) {
  if (const auto* text = std::get_if<std::string>(&value)) return *text;
  if (const auto* integer = std::get_if<int64_t>(&value)) return fmt::format("{}", *integer);
  const double number = std::get<double>(value);
  if (std::trunc(number) == number && std::abs(number) < 9e15) {
    return fmt::format("{}", static_cast<int64_t>(number));
  }
  return fmt::format("{}", number);
}

// "0-3, 5": a list of ascending numbers.
std::string ranges(const std::set<int>& numbers) {
  std::string out;
  for (auto it = numbers.begin(); it != numbers.end();) {
    const int first = *it;
    int last = first;
    for (++it; it != numbers.end() && *it == last + 1; ++it) ++last;
    out += fmt::format("{}{}", out.empty() ? "" : ", ", first);
    if (last > first) out += fmt::format("-{}", last);
  }
  return out.empty() ? "-" : out;
}

class Card {
 public:
  explicit Card(const CardInfo& info) : info_(info) {
    const auto& configs = info.summary.configs;
    const auto query = std::find_if(configs.begin(), configs.end(),
                                    [](const std::string& name) { return name.ends_with('q'); });
    if (!configs.empty()) first_ = query != configs.end() ? *query : configs.front();
  }

  std::string text() {
    front_matter();
    title();
    values();
    coverage();
    bucket_table();
    columns();
    verification();
    loading();
    further_metadata();
    documents();
    canaries();
    files();
    return std::move(out_);
  }

 private:
  template <typename... Args>
  void line(fmt::format_string<Args...> format, Args&&... args) {
    fmt::format_to(std::back_inserter(out_), format, std::forward<Args>(args)...);
    out_ += '\n';
  }

  // The value of a key, which then is not listed again.
  std::string take(const std::string& key) {
    taken_.insert(key);
    const auto it = info_.metadata.find(key);
    return it == info_.metadata.end() ? "unknown" : text_of(it->second);
  }
  void item(std::string_view key, std::string_view value) { line("- `{}`: {}", key, code(value)); }

  void front_matter() {
    line("---");
    line("pretty_name: {}", json_string("q and k vectors of " + info_.model));
    line("tags:\n- attention");
    if (!info_.summary.configs.empty()) line("configs:");
    for (const std::string& config : info_.summary.configs) {
      line("- config_name: \"{}\"\n  data_files: \"{}/data.parquet\"", config, config);
      if (config == first_) line("  default: true");
    }
    line("---\n");
  }

  void title() {
    line("# Query and key vectors of {}\n", printable(info_.model, 500));
    line("Vectors of attention heads, taken at sampled token positions while the model read the");
    line("documents of a corpus.");
    if (info_.hub_repo.empty() || info_.hub_branch.empty()) return line("");
    line("A branch of a dataset repository holds one combination of model, corpus, split and");
    line("capture settings:\n");
    line("- the default branch has a README and no data;");
    line("- each combination has its own branch, named by the `output.hf_branch` of its config;");
    line("- so pin the branch when you load (`revision=`).\n");
  }

  void values() {
    line("## Values\n");
    item("model", info_.model);
    for (const char* key : {"source_dataset", "dataset_name", "dataset_split", "attention_scope",
                            "sampling_strategy", "distributed_world_size"}) {
      item(key, take(key));
    }
    item("captured_configs", fmt::format("{}", info_.summary.configs.size()));
    item("captured_rows", fmt::format("{}", info_.summary.rows));
    std::string counts;
    for (const auto& [bucket, count] : info_.summary.bucket_counts) {
      counts += fmt::format("{}b{}={}", counts.empty() ? "" : ", ", bucket, count);
    }
    item("bucket_counts", counts.empty() ? "no samples" : counts);
    for (const char* key : {"sampling_min_bucket_size", "sampling_bucket_size"}) {
      if (info_.metadata.contains(key)) item(key, take(key));
    }
    line(
        "\nA row is one position in one document, for one head; "
        "`captured_rows` and `bucket_counts`");
    line("sum over all heads, queries and keys.\n");
  }

  void coverage() {
    line("## Heads\n");
    if (info_.summary.configs.empty()) return line("Nothing was captured.\n");
    std::map<int, std::pair<std::set<int>, std::set<int>>> layers;
    for (const std::string& config : info_.summary.configs) {
      const std::optional<ConfigName> file = parse_config_name(config);
      QK_CHECK(file.has_value());
      auto& [queries, keys] = layers[file->layer];
      (file->kind == Kind::kQuery ? queries : keys).insert(file->head);
    }
    line("| layer | query heads | key heads |\n| ---: | --- | --- |");
    for (const auto& [layer, heads] : layers) {
      line("| {} | {} | {} |", layer, ranges(heads.first), ranges(heads.second));
    }
    line("\nOne file each: `l{{layer}}h{{head}}q/data.parquet` for a query head and");
    line(
        "`l{{layer}}h{{head}}k/data.parquet` for a key head, "
        "both numbers with two digits or more.");
    line("Rows are in the order of the documents, the same for all heads of a layer and kind.\n");
  }

  // The positions that a bucket covers, if the metadata say how they were cut.
  std::string positions(int32_t bucket) const {
    const auto number = [&](const char* key) -> int64_t {
      const auto it = info_.metadata.find(key);
      const auto* value = it == info_.metadata.end() ? nullptr : std::get_if<int64_t>(&it->second);
      return value != nullptr && *value > 0 ? *value : 0;
    };
    const int64_t b = bucket;
    if (const int64_t width = number("sampling_bucket_size"); width > 0) {
      return fmt::format("{}-{}", b * width, (b + 1) * width - 1);
    }
    const int64_t lowest = number("sampling_min_bucket_size");
    if (lowest == 0 || b < 0 || b > 60) return "unknown";
    const int64_t begin = (int64_t{1} << b) <= lowest ? 0 : (int64_t{1} << b) - 1;
    return fmt::format("{}-{}", begin, (int64_t{1} << (b + 1)) - 2);
  }

  void bucket_table() {
    if (info_.summary.bucket_counts.empty()) return;
    line("## Buckets\n");
    line(
        "Documents that have rows in a bucket, and the rows of one head; last, those of all heads.\n");
    line("| bucket | positions | documents | rows of a head | rows |");
    line("| ---: | ---: | ---: | ---: | ---: |");
    for (const auto& [bucket, count] : info_.summary.bucket_counts) {
      const auto found = info_.summary.buckets.find(bucket);
      const BucketFacts facts =
          found == info_.summary.buckets.end() ? BucketFacts{} : found->second;
      line("| {} | {} | {} | {} | {} |", bucket, positions(bucket), facts.documents,
           facts.least_rows == facts.most_rows
               ? fmt::format("{}", facts.most_rows)
               : fmt::format("{} to {}", facts.least_rows, facts.most_rows),
           count);
    }
    line("");
  }

  void columns() {
    const bool reference = info_.compat_reference;
    line("## Columns\n\n| column | type | meaning |\n| --- | --- | --- |");
    line("| `bucket` | int32 | range of positions that the row was sampled from |");
    line("| `example_id` | {} | id of the document{} |", reference ? "int32" : "int64",
         reference ? ", low 32 bits" : "");
    line("| `position` | int32 | position of the token in its document, from 0 |");
    line("| `vector` | {} of float32 | the head's query or key there |",
         reference ? "fixed-size list" : "list");
    line("| `sliding_window` | {} | the layer's attention window in tokens; null: none |",
         reference ? "int64 or null" : "int32");
    if (info_.has_token_str) line("| `token_str` | string | the token at the position |");
    if (info_.has_pre_rope) {
      line("| `vector_pre_rope` | {} of float32 | `vector` before the rotary embedding |",
           reference ? "fixed-size list" : "list");
    }
    line(
        "\nFooters of the files say where the vectors come from (`qkscope.provenance`) "
        "and what the");
    line("model's attention looks like (`qkscope.geometry`), both in JSON. Written by {}.\n",
         created_by());
  }

  void verification() {
    if (info_.verification.empty()) return;
    line("## Verification\n\n{}\n", printable(info_.verification, 1000));
    line("The certificate of `qkscope verify` stands in the files' provenance.\n");
  }

  void loading() {
    line("## Loading\n\n```python\nfrom datasets import load_dataset\n");
    line("rows = load_dataset(\"path/to/this/folder\", \"{}\", split=\"train\")", first_);
    const std::string repo = info_.hub_repo.empty() ? "owner/name" : printable(info_.hub_repo);
    const std::string revision =
        info_.hub_repo.empty() || !info_.hub_branch.empty()
            ? fmt::format(", revision={}",
                          json_string(info_.hub_branch.empty() ? "branch" : info_.hub_branch))
            : "";
    line("rows = load_dataset({}, \"{}\"{}, split=\"train\")\n```\n", json_string(repo), first_,
         revision);
    line("Any reader of Parquet does as well: `pandas.read_parquet(\"{}/data.parquet\")`; then",
         first_);
    line("`np.stack(rows[\"vector\"])` is the matrix of the head's vectors, one in a row.\n");
  }

  void further_metadata() {
    line("## Further metadata\n");
    bool any = false;
    for (const auto& [key, value] : info_.metadata) {
      if (taken_.contains(key)) continue;
      item(printable(key), text_of(value));
      any = true;
    }
    if (!any) line("None.");
  }

  void documents() {
    line("\n## Documents\n\n| | documents |\n| --- | ---: |");
    for (const auto& [name, count] : named_counts(info_.documents)) {
      line("| {} | {} |", name, count);
    }
    if (!info_.summary.documents) return;
    const FileSummary& table = *info_.summary.documents;
    line("\n`{}` has a row for each document: `example_id`, `document` (its id in the corpus),",
         kDocumentTable);
    line("`tokens` (as captured), `truncated`, and `rows` (summed over all heads).\n");
    line("| file | rows | bytes | SHA-256 |\n| --- | ---: | ---: | --- |");
    line("| {} | {} | {} | {} |", kDocumentTable, table.rows, table.bytes, table.sha256);
  }

  void canaries() {
    if (info_.summary.canaries.empty()) return;
    line("\n## Canaries\n");
    line("Products of a query and a key as they were when they left the model; `qkscope check`");
    line("computes them again from the files. Rows are counted from 0.\n");
    line("| query | row | key | row | product |\n| --- | ---: | --- | ---: | ---: |");
    for (const RowPair& pair : info_.summary.canaries) {
      line("| {} | {} | {} | {} | {:.17g} |", pair.query_config, pair.query_row, pair.key_config,
           pair.key_row, pair.dot);
    }
  }

  void files() {
    if (info_.summary.files.empty()) return;
    line("\n## Files\n\n| file | rows | bytes | SHA-256 |\n| --- | ---: | ---: | --- |");
    for (const FileSummary& file : info_.summary.files) {
      line("| {}/data.parquet | {} | {} | {} |", file.config, file.rows, file.bytes, file.sha256);
    }
  }

  const CardInfo& info_;
  std::string first_ = "l00h00q";  // the config of the examples
  std::set<std::string> taken_;
  std::string out_;
};

}  // namespace

std::string dataset_card(const CardInfo& info) { return Card(info).text(); }

std::string saver_state_json(const CardInfo& info) {
  nlohmann::json metadata = nlohmann::json::object();
  for (const auto& [key, value] : info.metadata) {
    std::visit([&, name = key](const auto& v) { metadata[name] = v; }, value);
  }
  nlohmann::json counts = nlohmann::json::object();
  for (const auto& [bucket, count] : info.summary.bucket_counts) {
    if (count != 0) counts[fmt::format("{}", bucket)] = count;
  }
  const nlohmann::json state = {
      {"model_name", info.model}, {"model_metadata", metadata}, {"bucket_counts", counts}};
  return state.dump(2, ' ', true, nlohmann::json::error_handler_t::replace);
}

}  // namespace qk
