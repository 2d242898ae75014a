#include "cli/fetch_choice.h"

#include <fmt/format.h>
#include <fnmatch.h>

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <string_view>

#include "base/error.h"
#include "base/number_text.h"
#include "dataset/document_table.h"
#include "dataset/schema.h"

namespace qk {
namespace {

constexpr std::array<std::string_view, 3> kBesideHeads = {"README.md", kDocumentTable,
                                                          "_saver_state.json"};
// Weights that nothing here reads if there are safetensors.
constexpr std::array<const char*, 12> kOtherWeights = {
    "*.bin",     "*.pt", "*.pth",    "*.ckpt",     "*.gguf", "*.onnx",
    "*.msgpack", "*.h5", "*.tflite", "original/*", "onnx/*", "*.onnx_data"};

bool fits(const std::string& pattern, const std::string& text) {
  return ::fnmatch(pattern.c_str(), text.c_str(), FNM_NOESCAPE) == 0;
}

// Of "model/l00h01q/data.parquet": "model/l00h01q/" and the head's name.
struct HeadPlace {
  std::string prefix;
  std::string head;
};

std::optional<HeadPlace> head_place(const std::string& file) {
  for (size_t begin = 0; begin < file.size();) {
    const size_t end = file.find('/', begin);
    if (end == std::string::npos) return std::nullopt;
    const std::string part = file.substr(begin, end - begin);
    if (parse_config_name(part)) return HeadPlace{file.substr(0, begin), part};
    begin = end + 1;
  }
  return std::nullopt;
}

std::vector<std::string> files_of_heads(const std::vector<std::string>& names,
                                        const std::vector<std::string>& patterns,
                                        const std::string& title) {
  std::map<std::string, HeadPlace> places;  // by file
  std::set<std::string> heads;
  for (const std::string& name : names) {
    if (auto place = head_place(name)) {
      heads.insert(place->head);
      places.emplace(name, *std::move(place));
    }
  }
  if (heads.empty()) fail("--heads: {} has no heads: no folder like l00h00q", title);
  std::set<std::string> chosen;
  for (const std::string& pattern : patterns) {
    bool is_known = false;
    for (const std::string& head : heads) {
      if (!fits(pattern, head)) continue;
      is_known = true;
      chosen.insert(head);
    }
    if (is_known) continue;
    fail("--heads: no head of {} matches '{}': it has {}, from {} to {}", title, printable(pattern),
         plural(std::ssize(heads), "head"), *heads.begin(), *heads.rbegin());
  }
  std::set<std::string> beside;
  for (const auto& [name, place] : places) {
    if (!chosen.contains(place.head)) continue;
    for (const std::string_view file : kBesideHeads) {
      beside.insert(std::string(file));
      beside.insert(place.prefix + std::string(file));
    }
  }
  std::vector<std::string> out;
  std::ranges::copy_if(names, std::back_inserter(out), [&](const std::string& name) {
    const auto place = places.find(name);
    return place == places.end() ? beside.contains(name) : chosen.contains(place->second.head);
  });
  return out;
}

std::vector<std::string> files_that_fit(const std::vector<std::string>& names,
                                        const std::vector<std::string>& patterns,
                                        const std::string& title) {
  std::set<std::string> chosen;
  for (std::string pattern : patterns) {
    if (pattern.ends_with('/')) pattern += '*';
    bool is_known = false;
    for (const std::string& name : names) {
      if (!fits(pattern, name)) continue;
      is_known = true;
      chosen.insert(name);
    }
    if (is_known) continue;
    std::string there = plural(std::ssize(names), "file");
    if (!names.empty()) there += ", " + printable(names.front()) + " first";
    fail("--files: no file of {} matches '{}': it has {}", title, printable(pattern), there);
  }
  return {chosen.begin(), chosen.end()};
}

std::vector<std::string> files_of_model(const std::vector<std::string>& names) {
  const auto is_safetensors = [](const std::string& name) {
    return name == "model.safetensors" || name == "model.safetensors.index.json";
  };
  if (std::ranges::none_of(names, is_safetensors)) return names;
  std::vector<std::string> out;
  std::ranges::copy_if(names, std::back_inserter(out), [](const std::string& name) {
    return std::ranges::none_of(kOtherWeights,
                                [&](const char* pattern) { return fits(pattern, name); });
  });
  return out;
}

}  // namespace

std::vector<std::string> choose_files(RepoKind kind, const std::vector<std::string>& names,
                                      const FetchWishes& wishes, const std::string& title) {
  if (!wishes.files.empty()) return files_that_fit(names, wishes.files, title);
  if (!wishes.heads.empty()) return files_of_heads(names, wishes.heads, title);
  return kind == RepoKind::kModel ? files_of_model(names) : names;
}

}  // namespace qk
