#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "cli/inspect_report.h"
#include "cli/number_text.h"
#include "cli/plan_text.h"
#include "dataset/schema.h"

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

struct Totals {
  int64_t query_heads = 0, key_heads = 0;
  int64_t rows = 0, file_bytes = 0, vector_bytes = 0, stored_vector_bytes = 0;
  int64_t max_example_ids = 0, min_position = -1, max_position = 0;
  std::set<int> layers;
  std::map<int32_t, int64_t> bucket_counts;
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
    for (const auto& [bucket, rows] : head.bucket_counts) totals.bucket_counts[bucket] += rows;
    if (head.rows == 0) continue;
    totals.max_example_ids = std::max(totals.max_example_ids, head.num_example_ids);
    const bool is_first = totals.min_position < 0;
    totals.min_position =
        is_first ? head.min_position : std::min(totals.min_position, head.min_position);
    totals.max_position = std::max(totals.max_position, head.max_position);
    totals.vectors.add(fmt::format("{} numbers, {}, {}", head.vector_dim,
                                   printable(head.vector_type), head.vector_encoding));
    totals.created_by.add(printable(head.created_by));
    totals.columns.add(fmt::format("example_id {}{}{}", head.example_id_type,
                                   head.has_token_str ? ", token_str" : "",
                                   head.has_pre_rope ? ", vector_pre_rope" : ""));
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
    for (const char* part : {"tokenizer", "corpus"}) {
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

void add_layers(std::string& out, const DatasetInfo& info) {
  out += "\n  layer kind   rows each  numbers  window   heads\n";
  for (size_t i = 0; i < info.heads.size();) {
    const HeadInfo& first = info.heads[i];
    std::vector<int32_t> heads;
    for (; i < info.heads.size() && info.heads[i].head.layer == first.head.layer &&
           info.heads[i].head.kind == first.head.kind;
         ++i) {
      heads.push_back(info.heads[i].head.head);
    }
    out += fmt::format("  {:>5} {:>4} {:>11} {:>8} {:>7}   {}\n", first.head.layer,
                       letter(first.head.kind), count_text(first.rows), first.vector_dim,
                       windows_text(first), ranges_text(heads));
  }
}

void add_buckets(std::string& out, const Totals& totals) {
  constexpr int64_t kMost = 32;
  const int64_t num_buckets = std::ssize(totals.bucket_counts);
  out += "\n  bucket         rows\n";
  int64_t num_shown = 0;
  for (const auto& [bucket, rows] : totals.bucket_counts) {
    // If there are too many: the first ones and the last.
    if (num_buckets > kMost && num_shown == kMost - 2) {
      out +=
          fmt::format("  {:>6} {:>12}\n", "...", fmt::format("{} more", num_buckets - kMost + 1));
    }
    const bool is_shown =
        num_buckets <= kMost || num_shown < kMost - 2 || num_shown == num_buckets - 1;
    ++num_shown;
    if (is_shown) out += fmt::format("  {:>6} {:>12}\n", bucket, count_text(rows));
  }
}

void add_verdict(std::string& out, const DatasetInfo& info) {
  if (info.problems.empty()) {
    int64_t files = 0;
    for (const HeadInfo& head : info.heads) files += std::ssize(head.files);
    out += fmt::format("\nWhole: every row of {} was read and is well-formed.\n",
                       plural(files, "file"));
    return;
  }
  out += fmt::format("\nNOT WHOLE: {}\n", plural(std::ssize(info.problems), "problem"));
  for (const DatasetProblem& problem : info.problems) {
    out += fmt::format("  {}: {}\n", printable(problem.file.string(), 400), problem.what);
  }
}

}  // namespace

std::string inspect_text(const DatasetInfo& info) {
  const Totals totals = sum(info);
  std::string out = printable(info.folder.string(), 400) + "\n";
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
  add_buckets(out, totals);
  add_verdict(out, info);
  return out;
}

}  // namespace qk
