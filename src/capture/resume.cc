#include "capture/resume.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <vector>

#include "base/atomic_file.h"
#include "base/error.h"
#include "capture/device_choice.h"
#include "dataset/card.h"
#include "dataset/dataset_reader.h"
#include "dataset/document_table.h"
#include "dataset/schema.h"

namespace qk {
namespace {

using nlohmann::ordered_json;

std::string shown(const ordered_json* value) {
  if (value == nullptr) return "absent";
  return printable(value->dump(-1, ' ', false, ordered_json::error_handler_t::replace), 100);
}

// "model.files[0].sha256 was ..., now it is ..." for every value that differs.
void compare(const ordered_json* then, const ordered_json* now, const std::string& name,
             std::vector<std::string>& out) {
  const auto both = [&](bool (ordered_json::*is)() const noexcept) {
    return then != nullptr && now != nullptr && (then->*is)() && (now->*is)();
  };
  if (both(&ordered_json::is_object)) {
    const auto at = [](const ordered_json& object, const std::string& key) {
      const auto it = object.find(key);
      return it == object.end() ? nullptr : &*it;
    };
    const std::string prefix = name.empty() ? "" : name + ".";
    for (const auto& [key, value] : then->items()) {
      compare(&value, at(*now, key), prefix + printable(key), out);
    }
    for (const auto& [key, value] : now->items()) {
      if (!then->contains(key)) compare(nullptr, &value, prefix + printable(key), out);
    }
    return;
  }
  if (both(&ordered_json::is_array) && then->size() == now->size()) {
    for (size_t i = 0; i < then->size(); ++i) {
      compare(&(*then)[i], &(*now)[i], fmt::format("{}[{}]", name, i), out);
    }
    return;
  }
  if (then != nullptr && now != nullptr && *then == *now) return;
  out.push_back(fmt::format("{} was {}, now it is {}", name, shown(then), shown(now)));
}

// "it was computed on cuda (NVIDIA H200), now on cpu (as --device says)" if the devices are of
// different kinds.
std::string device_difference(const ordered_json& then, const ordered_json& now,
                              const std::string& why_here) {
  const auto title = [](const ordered_json& run) {
    const bool has = run.is_object() && run.contains("device") && run["device"].is_object();
    return device_title(has ? run["device"].dump() : "");
  };
  const std::string before = title(then), after = title(now);
  if (before == after) return "";
  return fmt::format("it was computed on {}, now on {}{}", before, after,
                     why_here.empty() ? "" : fmt::format(" ({})", why_here));
}

}  // namespace

std::string to_text(const JournalHeader& header) {
  ordered_json json = {{"overwrite", header.overwrite},
                       {"run", ordered_json::parse(header.provenance)}};
  if (header.shard) json["shard"] = to_text(*header.shard);
  return json.dump();
}

JournalHeader parse_journal_header(const std::string& text, const std::filesystem::path& journal) {
  const ordered_json json = ordered_json::parse(text, nullptr, false);
  const bool is_header = json.is_object() && json.contains("run") && json["run"].is_object() &&
                         json.contains("overwrite") && json["overwrite"].is_boolean();
  if (!is_header) fail("{}: its header does not name a run", journal.string());
  JournalHeader header = {json["run"].dump(), json["overwrite"].get<bool>()};
  if (!json.contains("shard")) return header;
  if (!json["shard"].is_string()) fail("{}: its header names no shard", journal.string());
  header.shard = parse_shard(json["shard"].get<std::string>());
  return header;
}

std::string provenance_difference(const std::string& then, const std::string& now,
                                  const std::string& why_here) {
  const ordered_json before = ordered_json::parse(then, nullptr, false);
  const ordered_json after = ordered_json::parse(now, nullptr, false);
  if (std::string device = device_difference(before, after, why_here); !device.empty())
    return device;
  std::vector<std::string> differences;
  compare(&before, &after, "", differences);
  if (differences.empty()) return "";
  if (differences.size() == 1) return differences.front();
  return fmt::format("{}, and {} more difference{}", differences.front(), differences.size() - 1,
                     differences.size() == 2 ? "" : "s");
}

std::string missing_of_dataset(const std::filesystem::path& folder) {
  const CardFacts card = read_card(read_file(folder / "README.md", kMostCardBytes));
  std::vector<FileSummary> files = card.files;
  if (card.documents) files.push_back(*card.documents);
  for (const FileSummary& file : files) {
    const std::string name =
        file.config.empty() ? std::string(kDocumentTable) : file.config + "/data.parquet";
    std::error_code error;
    const auto bytes = std::filesystem::file_size(folder / name, error);
    if (error) return name + " is missing";
    if (bytes != static_cast<uintmax_t>(file.bytes)) {
      return fmt::format("{} has {} bytes, the card says {}", name, bytes, file.bytes);
    }
  }
  return "";
}

std::string provenance_of_dataset(const std::filesystem::path& folder) {
  std::error_code error;
  const std::filesystem::path card = folder / "README.md";
  if (!std::filesystem::is_regular_file(card, error)) return "";
  if (!is_dataset_card(read_file(card, kMostCardBytes))) return "";
  return first_footer_value(folder, std::string(kFooterProvenance));
}

}  // namespace qk
