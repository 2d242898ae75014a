#include "dataset/dataset_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string_view>
#include <system_error>

#include "base/atomic_file.h"
#include "base/error.h"
#include "base/stopped.h"
#include "dataset/card.h"
#include "dataset/document_table.h"
#include "dataset/footer_agreement.h"
#include "dataset/head_inspection.h"
#include "dataset/overwrite.h"

namespace qk {
namespace {

namespace fs = std::filesystem;

// Layer, then queries before keys, then head.
auto order(const ConfigName& file) { return std::tuple(file.layer, file.kind, file.head); }

std::string name_of(const HeadInfo& head) {
  return config_name(head.head.layer, head.head.head, head.head.kind);
}

std::vector<HeadInfo> list_heads(const DatasetFolder& listing) {
  std::vector<HeadInfo> heads;
  for (const ConfigName& head : listing.heads) heads.emplace_back().head = head;
  std::sort(heads.begin(), heads.end(),
            [](const HeadInfo& a, const HeadInfo& b) { return order(a.head) < order(b.head); });
  return heads;
}

// The text of `key` in a JSON object, or empty.
std::string text_at(const nlohmann::json& json, const char* key) {
  const auto it = json.is_object() ? json.find(key) : json.end();
  return json.is_object() && it != json.end() && it->is_string() ? it->get<std::string>() : "";
}

nlohmann::json parse(const std::string& text) {
  return nlohmann::json::parse(text, nullptr, false);
}

std::string model_name(const DatasetInfo& info) {
  for (const HeadInfo& head : info.heads) {
    const auto it = head.footer.find(std::string(kFooterProvenance));
    if (it == head.footer.end()) continue;
    const nlohmann::json provenance = parse(it->second);
    if (!provenance.is_object() || !provenance.contains("model")) continue;
    if (auto name = text_at(provenance["model"], "name"); !name.empty()) return name;
  }
  const fs::path state = info.folder / "_saver_state.json";
  std::error_code error;
  if (!fs::is_regular_file(state, error)) return "";
  return text_at(parse(read_file(state)), "model_name");
}

// A sentence without its beginning.
std::string text_after(std::string_view sentence, std::string_view before) {
  if (sentence.starts_with(before)) sentence.remove_prefix(before.size());
  return std::string(sentence);
}

// Then it has a card, which lists the heads.
bool is_ours(const DatasetInfo& info) {
  return std::ranges::any_of(info.heads, [](const HeadInfo& head) {
    return head.footer.contains(std::string(kFooterFormat));
  });
}

void check_listed_heads(DatasetInfo& info, const std::set<std::string>& listed) {
  std::set<std::string> present;
  for (const HeadInfo& head : info.heads) {
    present.insert(name_of(head));
  }
  for (const std::string& name : listed) {
    if (!present.contains(name)) {
      info.problems.push_back(
          {info.folder / printable(name), "is missing, though the card lists it"});
    }
  }
  for (const std::string& name : present) {
    if (!listed.contains(name)) {
      info.problems.push_back({info.folder / name, "is not listed in the card"});
    }
  }
}

// Whether documents.parquet is there if the card has it, with as many rows.
void check_listed_documents(DatasetInfo& info, const CardFacts& card) {
  if (!card.documents) return;
  const fs::path path = info.folder / kDocumentTable;
  std::error_code error;
  if (!fs::exists(path, error)) {
    info.problems.push_back({path, "is missing, though the card has it"});
  } else if (info.documents && std::ssize(*info.documents) != card.documents->rows) {
    info.problems.push_back({path, fmt::format("has {} rows, the card says {}",
                                               info.documents->size(), card.documents->rows)});
  }
}

void check_card(DatasetInfo& info) {
  const fs::path card = info.folder / "README.md";
  std::error_code error;
  info.has_card = fs::is_regular_file(card, error);
  if (!info.has_card) {
    if (!info.has_journal && is_ours(info)) {
      info.problems.push_back({card, "is missing: the dataset is not finished"});
    }
    return;
  }
  const std::string text = read_file(card, kMostCardBytes);
  const std::set<std::string> listed = listed_configs(text);
  if (!listed.empty()) {
    check_listed_heads(info, listed);
  } else if (is_ours(info) && !is_dataset_card(text)) {  // the original's cards have no list
    info.problems.push_back({card, "is not the card of a dataset"});
  }
  check_listed_documents(info, read_card(text));
}

void read_documents(DatasetInfo& info) {
  const fs::path path = info.folder / kDocumentTable;
  try {
    info.documents = read_document_table(info.folder);
  } catch (const Error& error) {
    info.problems.push_back({path, text_after(error.what(), path.string() + ": ")});
  }
}

// Compares every readable head with the first readable one of its layer and kind.
void check_agreement(DatasetInfo& info) {
  std::error_code error;
  const bool is_capture = fs::exists(info.folder / "_saver_state.json", error) ||
                          std::ranges::any_of(info.heads, &HeadInfo::is_ours);
  const HeadInfo* first = nullptr;
  for (size_t i = 0; i < info.heads.size(); ++i) {
    const HeadInfo& head = info.heads[i];
    if (!head.is_read) continue;
    const bool same_group = first != nullptr && first->head.layer == head.head.layer &&
                            first->head.kind == head.head.kind;
    if (!same_group) first = &head;
    const fs::path& file = head.files.front();
    if (is_capture && head.rows != first->rows) {
      info.problems.push_back(
          {file, fmt::format("has {} rows, {} has {}", head.rows, name_of(*first), first->rows)});
    } else if (is_capture && head.rows_digest != first->rows_digest) {
      info.problems.push_back(
          {file, "has other rows (bucket, example_id or position) than " + name_of(*first)});
    } else if (head.vector_dim != first->vector_dim) {
      info.problems.push_back(
          {file, fmt::format("has vectors of {} numbers, {} of {}", head.vector_dim,
                             name_of(*first), first->vector_dim)});
    }
  }
}

// Compares every readable head's footer with its name and vectors, and with the footer that most
// heads have.
void check_footers(DatasetInfo& info) {
  std::vector<const Footer*> footers(info.heads.size());
  for (size_t i = 0; i < info.heads.size(); ++i) {
    if (info.heads[i].is_read) footers[i] = &info.heads[i].footer;
  }
  const std::optional<size_t> common = most_common_footer(footers);
  if (!common) return;
  const HeadInfo& model = info.heads[*common];
  for (size_t i = 0; i < info.heads.size(); ++i) {
    if (footers[i] == nullptr) continue;
    const HeadInfo& head = info.heads[i];
    const fs::path& file = head.files.front();
    if (auto fault = geometry_fault(head.footer, head.head, head.vector_dim); !fault.empty()) {
      info.problems.push_back({file, std::move(fault)});
    }
    if (!is_recorded(head.footer)) {
      info.problems.push_back({file, "has no footer of Qkscope, " + name_of(model) + " has one"});
    } else if (const auto found = footer_difference(head.footer, model.footer)) {
      info.problems.push_back({file, contradiction_text(*found, name_of(model))});
    } else if (head.is_ours && model.is_ours && head.footer != model.footer) {
      info.problems.push_back({file, "has another footer than " + name_of(model)});
    }
  }
}

}  // namespace

DatasetInfo read_dataset(const fs::path& folder, ThreadPool& pool,
                         std::map<std::string, RowWatch>* watches, const std::atomic<bool>* stop) {
  DatasetInfo info;
  info.folder = folder;
  const DatasetFolder listing = list_dataset_folder(folder);
  info.heads = list_heads(listing);
  info.has_journal = has_journal(folder);
  if (info.heads.empty()) {
    fail("{}: holds no dataset{}{}", folder.string(), no_heads_text(folder, listing),
         info.has_journal ? ", only the journal of an unfinished run" : "");
  }
  if (info.has_journal) {
    info.problems.push_back({journal_paths(folder).front(), "was left by an unfinished run"});
  }
  std::vector<std::vector<DatasetProblem>> problems(info.heads.size());
  pool.parallel_for(static_cast<int64_t>(info.heads.size()), [&](int64_t index, int) {
    refuse_stopped(stop);
    HeadInfo& head = info.heads[static_cast<size_t>(index)];
    const std::string config = name_of(head);
    RowWatch none;
    const bool watched = watches != nullptr && watches->contains(config);
    inspect_head(folder / config, head, problems[static_cast<size_t>(index)],
                 watched ? watches->at(config) : none);
  });
  for (const auto& of_head : problems) {
    info.problems.insert(info.problems.end(), of_head.begin(), of_head.end());
  }
  info.problems.insert(info.problems.end(), listing.unread.begin(), listing.unread.end());
  read_documents(info);
  check_card(info);
  check_agreement(info);
  check_footers(info);
  info.model = model_name(info);
  return info;
}

std::string first_footer_value(const fs::path& folder, const std::string& key) {
  const std::vector<HeadInfo> heads = list_heads(list_dataset_folder(folder));
  if (heads.empty()) return "";
  const ConfigName& head = heads.front().head;
  const fs::path file = folder / config_name(head.layer, head.head, head.kind) / "data.parquet";
  const auto footer = read_footer(file);
  return footer && footer->contains(key) ? footer->at(key) : "";
}

}  // namespace qk
