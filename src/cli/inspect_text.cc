#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/number_text.h"
#include "base/range_text.h"
#include "cli/inspect_report.h"
#include "dataset/schema.h"
#include "heads/dataset_record.h"

namespace qk {
namespace {

using nlohmann::json;

void add_line(std::string& out, std::string_view name, const std::string& text) {
  if (!text.empty()) out += fmt::format("  {:<11}{}\n", name, text);
}

// Distinct texts in the order of their first appearance: "a" or "a; b".
class Values {
 public:
  void add(const std::string& text) {
    if (text.empty()) return;
    if (std::find(seen_.begin(), seen_.end(), text) == seen_.end()) seen_.push_back(text);
  }
  std::string text() const { return fmt::format("{}", fmt::join(seen_, "; ")); }

 private:
  std::vector<std::string> seen_;
};

// Of one bucket, over the heads.
struct BucketTotals {
  int64_t least_rows = 0, most_rows = 0;  // of a head that has the bucket
  int64_t documents = 0;                  // most of a head
};

void take_buckets(const HeadInfo& head, std::map<int64_t, BucketTotals>& totals) {
  const std::map<int64_t, int64_t>& documents = head.bucket_documents.counts();
  for (const auto& [bucket, rows] : head.bucket_counts) {
    const bool is_first = !totals.contains(bucket);
    BucketTotals& total = totals[bucket];
    total.least_rows = is_first ? rows : std::min(total.least_rows, rows);
    total.most_rows = std::max(total.most_rows, rows);
    const auto count = documents.find(bucket);
    if (count != documents.end()) total.documents = std::max(total.documents, count->second);
  }
}

struct Totals {
  int64_t query_heads = 0, key_heads = 0;
  int64_t rows = 0, file_bytes = 0, vector_bytes = 0, stored_vector_bytes = 0;
  int64_t max_example_ids = 0, min_position = -1, max_position = 0;
  std::set<int> layers;
  std::map<int64_t, BucketTotals> buckets;
  Values vectors, created_by, columns;
};

Totals sum(const DatasetInfo& info) {
  Totals totals;
  for (const HeadInfo& head : info.heads) {
    (head.head.kind == Kind::kQuery ? totals.query_heads : totals.key_heads) += 1;
    totals.rows += head.rows;
    totals.file_bytes += head.file_bytes;
    totals.vector_bytes += head.vector_bytes;
    totals.stored_vector_bytes += head.stored_vector_bytes;
    totals.layers.insert(head.head.layer);
    take_buckets(head, totals.buckets);
    if (head.rows == 0) continue;
    totals.max_example_ids = std::max(totals.max_example_ids, head.num_example_ids);
    const bool is_first = totals.min_position < 0;
    totals.min_position =
        is_first ? head.min_position : std::min(totals.min_position, head.min_position);
    totals.max_position = std::max(totals.max_position, head.max_position);
    totals.vectors.add(fmt::format("{} numbers, {}, {}", head.vector_dim,
                                   printable(head.vector_type), head.vector_encoding));
    totals.created_by.add(printable(head.created_by));
    totals.columns.add(fmt::format(
        "{}{}{}",
        head.example_id_type.empty() ? "no example_id"
                                     : "example_id " + printable(head.example_id_type),
        head.has_token_str ? ", token_str" : "", head.has_pre_rope ? ", vector_pre_rope" : ""));
  }
  return totals;
}

// "key value" for each plain value of the footer; --json shows the nested objects.
std::string plain(const json& object) {
  std::string out;
  for (const auto& [key, value] : object.items()) {
    if (value.is_structured() || value.is_null()) continue;
    const std::string text = value.is_string() ? value.get<std::string>() : value.dump();
    out += fmt::format("{}{} {}", out.empty() ? "" : ", ", printable(key), printable(text));
  }
  return out;
}

void add_footer(std::string& out, const DatasetInfo& info) {
  const auto& footer = info.heads.front().footer;
  for (const auto& [name, key] :
       {std::pair{"provenance", kFooterProvenance}, std::pair{"geometry", kFooterGeometry}}) {
    const auto it = footer.find(std::string(key));
    const json value = it == footer.end() ? json() : json::parse(it->second, nullptr, false);
    if (!value.is_object()) continue;
    add_line(out, name, plain(value));
    for (const char* part : {"tokenizer", "corpus", "device"}) {
      if (value.contains(part) && value[part].is_object()) add_line(out, part, plain(value[part]));
    }
  }
}

std::string windows_text(const HeadInfo& head) {
  std::string out;
  for (const auto& window : head.sliding_windows) {
    if (!out.empty()) out += ", ";
    out += window ? count_text(*window) : "none";
  }
  return out;
}

// The heads of one layer and kind as a row of the table, without the layer's number.
struct LayerRow {
  int32_t first = 0, last = 0;  // layers
  std::string text;
};

std::string numbers_text(int64_t least, int64_t most) {
  return least == most ? count_text(most)
                       : fmt::format("{} to {}", count_text(least), count_text(most));
}

// One row for each run of layers that differ at most in their numbers of rows.
void add_layers(std::string& out, const DatasetInfo& info) {
  struct Group {
    int64_t least_rows = 0, most_rows = 0;
    LayerRow row;
  };
  std::map<std::string, std::vector<Group>> groups;  // by kind
  for (size_t i = 0; i < info.heads.size();) {
    const HeadInfo& first = info.heads[i];
    std::vector<int32_t> heads;
    Group group{first.rows, first.rows, {first.head.layer, first.head.layer, ""}};
    for (; i < info.heads.size() && info.heads[i].head.layer == first.head.layer &&
           info.heads[i].head.kind == first.head.kind;
         ++i) {
      heads.push_back(info.heads[i].head.head);
      group.least_rows = std::min(group.least_rows, info.heads[i].rows);
      group.most_rows = std::max(group.most_rows, info.heads[i].rows);
    }
    group.row.text =
        fmt::format("{:>8} {:>8}   {}", first.vector_dim, windows_text(first), ranges_text(heads));
    std::vector<Group>& same = groups[std::string(1, letter(first.head.kind))];
    if (!same.empty() && same.back().row.text == group.row.text &&
        same.back().row.last + 1 == group.row.first) {
      same.back().row.last = group.row.last;
      same.back().least_rows = std::min(same.back().least_rows, group.least_rows);
      same.back().most_rows = std::max(same.back().most_rows, group.most_rows);
    } else {
      same.push_back(group);
    }
  }
  out += fmt::format("\n  {:<9} {:<4} {:>18} {:>8} {:>8}   {}\n", "layers", "kind",
                     "rows of a head", "numbers", "window", "heads");
  for (const char* kind : {"q", "k"}) {
    for (const Group& group : groups[kind]) {
      const LayerRow& row = group.row;
      const std::string layers = row.first == row.last ? fmt::format("{}", row.first)
                                                       : fmt::format("{}-{}", row.first, row.last);
      out += fmt::format("  {:<9} {:<4} {:>18} {}\n", layers, kind,
                         numbers_text(group.least_rows, group.most_rows), row.text);
    }
  }
}

// "512-1023", if the footer says how the positions were cut into buckets.
std::string positions_text(const std::optional<BucketRanges>& ranges, int64_t bucket) {
  if (!ranges || bucket < 0 || (ranges->is_log() && bucket > 60)) return "unknown";
  const PositionRange range = ranges->of(bucket);
  return fmt::format("{}-{}", range.first, range.last);
}

void add_buckets(std::string& out, const DatasetInfo& info, const Totals& totals) {
  constexpr int64_t kMost = 32;
  const int64_t num_buckets = std::ssize(totals.buckets);
  std::optional<BucketRanges> ranges;
  if (!info.heads.empty()) ranges = parse_record(info.heads.front().footer).ranges;
  out += fmt::format("\n  {:<9} {:>15} {:>10} {:>18}\n", "bucket", "positions", "documents",
                     "rows of a head");
  int64_t num_shown = 0;
  for (const auto& [bucket, total] : totals.buckets) {
    // If there are too many: the first ones and the last.
    if (num_buckets > kMost && num_shown == kMost - 2) {
      out +=
          fmt::format("  {:<9} {:>15}\n", "...", fmt::format("{} more", num_buckets - kMost + 1));
    }
    const bool is_shown =
        num_buckets <= kMost || num_shown < kMost - 2 || num_shown == num_buckets - 1;
    ++num_shown;
    if (!is_shown) continue;
    out +=
        fmt::format("  {:<9} {:>15} {:>10} {:>18}\n", bucket, positions_text(ranges, bucket),
                    count_text(total.documents), numbers_text(total.least_rows, total.most_rows));
  }
}

// What documents.parquet says.
std::string documents_text(const DocumentTable& table) {
  if (table.empty()) return "0 in documents.parquet";
  int64_t truncated = 0;
  int64_t without_rows = 0;
  for (const DocumentRow& row : table) {
    truncated += row.truncated ? 1 : 0;
    without_rows += row.rows == 0 ? 1 : 0;
  }
  const auto [least, most] = std::ranges::minmax(table, {}, &DocumentRow::tokens);
  return fmt::format("{} in documents.parquet, {} to {} tokens, {} truncated, {} without rows",
                     count_text(std::ssize(table)), count_text(least.tokens),
                     count_text(most.tokens), count_text(truncated), count_text(without_rows));
}

void add_verdict(std::string& out, const DatasetInfo& info, const WholeDataset& dataset) {
  if (info.problems.empty()) {
    int64_t files = 0;
    for (const HeadInfo& head : info.heads) files += std::ssize(head.files);
    out += fmt::format("\nWhole: every row of {} was read and is well-formed.\n",
                       plural(files, "file"));
    return;
  }
  out += fmt::format("\nNOT WHOLE: {}\n", plural(std::ssize(info.problems), "problem"));
  for (const DatasetProblem& problem : info.problems) {
    out += fmt::format("  {}: {}\n", dataset.path_text(problem.file), problem.what);
  }
}

}  // namespace

std::string inspect_text(const DatasetInfo& info, const WholeDataset& dataset) {
  const Totals totals = sum(info);
  std::string out = dataset.title() + "\n";
  if (dataset.snapshot) add_line(out, "cached", printable(dataset.folder.string(), 400));
  add_line(out, "model", info.model.empty() ? "unknown" : printable(info.model));
  add_line(out, "written by", totals.created_by.text());
  if (!info.heads.empty()) add_footer(out, info);
  add_line(out, "card", info.has_card ? "README.md" : "missing");
  add_line(out, "heads",
           fmt::format("{} and {} in {}", plural(totals.query_heads, "query head"),
                       plural(totals.key_heads, "key head"),
                       plural(std::ssize(totals.layers), "layer")));
  add_line(out, "rows",
           fmt::format("{} from {}, positions {} to {}", count_text(totals.rows),
                       plural(totals.max_example_ids, "document"),
                       count_text(std::max(totals.min_position, int64_t{0})),
                       count_text(totals.max_position)));
  if (info.documents) add_line(out, "documents", documents_text(*info.documents));
  add_line(out, "vectors", totals.vectors.text());
  add_line(out, "columns", totals.columns.text());
  std::string size = bytes_text(static_cast<double>(totals.file_bytes));
  if (totals.stored_vector_bytes > 0) {
    size += fmt::format(
        ", vectors {:.2f} times smaller than plain float32",
        static_cast<double>(totals.vector_bytes) / static_cast<double>(totals.stored_vector_bytes));
  }
  add_line(out, "size", size);
  add_layers(out, info);
  add_buckets(out, info, totals);
  add_verdict(out, info, dataset);
  return out;
}

}  // namespace qk
