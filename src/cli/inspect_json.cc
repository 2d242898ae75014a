#include <nlohmann/json.hpp>

#include "cli/inspect_report.h"
#include "dataset/schema.h"

namespace qk {
namespace {

using nlohmann::ordered_json;

// A footer value: nested if it is JSON, else as text.
ordered_json footer_value(const std::string& text) {
  ordered_json value = ordered_json::parse(text, nullptr, false);
  return value.is_object() || value.is_array() ? value : ordered_json(text);
}

ordered_json footer_json(const HeadInfo& head) {
  ordered_json out = ordered_json::object();
  for (const auto& [key, value] : head.footer) out[key] = footer_value(value);
  return out;
}

ordered_json buckets_json(const std::map<int64_t, int64_t>& counts) {
  ordered_json out = ordered_json::object();
  for (const auto& [bucket, rows] : counts) out[std::to_string(bucket)] = rows;
  return out;
}

ordered_json head_json(const HeadInfo& head) {
  ordered_json windows = ordered_json::array();
  for (const auto& window : head.sliding_windows) {
    windows.push_back(window ? ordered_json(*window) : ordered_json(nullptr));
  }
  ordered_json files = ordered_json::array();
  for (const auto& file : head.files) files.push_back(file.filename().string());
  return {{"config", config_name(head.head.layer, head.head.head, head.head.kind)},
          {"layer", head.head.layer},
          {"head", head.head.head},
          {"kind", std::string(1, letter(head.head.kind))},
          {"files", std::move(files)},
          {"bytes", head.file_bytes},
          {"row_groups", head.row_groups},
          {"rows", head.rows},
          {"bucket_counts", buckets_json(head.bucket_counts)},
          {"bucket_documents", buckets_json(head.bucket_documents.counts())},
          {"example_ids", head.num_example_ids},
          {"example_id_type", head.example_id_type},
          {"min_position", head.min_position},
          {"max_position", head.max_position},
          {"sliding_windows", std::move(windows)},
          {"vector_dim", head.vector_dim},
          {"vector_type", head.vector_type},
          {"vector_encoding", head.vector_encoding},
          {"vector_bytes", head.vector_bytes},
          {"stored_vector_bytes", head.stored_vector_bytes},
          {"token_str", head.has_token_str},
          {"vector_pre_rope", head.has_pre_rope},
          {"created_by", head.created_by}};
}

}  // namespace

std::string inspect_json(const DatasetInfo& info, const WholeDataset& dataset) {
  ordered_json heads = ordered_json::array();
  for (const HeadInfo& head : info.heads) heads.push_back(head_json(head));
  ordered_json problems = ordered_json::array();
  for (const DatasetProblem& problem : info.problems) {
    problems.push_back({{"file", problem.file.string()}, {"what", problem.what}});
  }
  ordered_json out = {
      {"folder", info.folder.string()},
      {"whole", info.problems.empty()},
      {"problems", std::move(problems)},
      {"model", info.model.empty() ? ordered_json(nullptr) : ordered_json(info.model)},
      {"card", info.has_card},
      {"documents", info.documents ? ordered_json(info.documents->size()) : ordered_json(nullptr)},
      {"footer", info.heads.empty() ? ordered_json::object() : footer_json(info.heads.front())},
      {"heads", std::move(heads)}};
  if (dataset.snapshot) {
    out["repository"] = {{"id", dataset.snapshot->name.text},
                         {"revision", dataset.snapshot->name.revision},
                         {"commit", dataset.snapshot->commit()}};
  }
  return out.dump(2, ' ', false, ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace qk
