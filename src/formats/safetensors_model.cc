#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "base/atomic_file.h"
#include "base/error.h"
#include "formats/json.h"
#include "formats/safetensors.h"
#include "formats/stored_name.h"

namespace qk {
namespace {

namespace fs = std::filesystem;

constexpr size_t kMaxIndexBytes = 100'000'000;

using WeightMap = std::map<std::string, std::string>;  // tensor name -> shard's file name

void check_shard_name(const std::string& place, const std::string& name) {
  const bool plain = !name.empty() && name != "." && name != ".." &&
                     name.find_first_of("/\\") == std::string::npos;
  if (!plain) {
    fail("{}: weight_map: expected plain file names, found '{}'", place, printable(name));
  }
  check_stored_name(place, "shard", name);
}

WeightMap read_weight_map(const fs::path& index_path) {
  const std::string place = index_path.string();
  const nlohmann::json index = parse_json(read_file(index_path, kMaxIndexBytes), place);
  const auto found = index.is_object() ? index.find("weight_map") : index.end();
  if (found == index.end() || !found->is_object() || found->empty()) {
    fail("{}: weight_map: expected a map from tensor names to file names", place);
  }
  WeightMap weight_map;
  for (const auto& [tensor, shard] : found->items()) {
    if (!shard.is_string()) {
      fail("{}: weight_map: {}: expected a file name, found {}", place, printable(tensor),
           shard.type_name());
    }
    const auto& name = shard.get_ref<const std::string&>();
    check_shard_name(place, name);
    weight_map.emplace(tensor, name);
  }
  return weight_map;
}

// What is wrong between the map and the shards: the first few names, and how many.
class Findings {
 public:
  void add(std::string_view tensor, std::string_view shard) {
    constexpr int kShown = 3;
    if (++count_ > kShown) return;
    if (count_ > 1) shown_ += ", ";
    shown_ += fmt::format("{} of {}", printable(tensor), printable(shard));
  }
  int64_t count() const { return count_; }
  std::string text() const {
    return fmt::format("{} ({}{})", count_, shown_, count_ > 3 ? ", ..." : "");
  }

 private:
  int64_t count_ = 0;
  std::string shown_;
};

void check_against_map(const std::string& place, const WeightMap& weight_map,
                       const std::vector<StoredTensor>& tensors) {
  Findings unmapped;
  Findings missing;
  std::map<std::string_view, std::string_view> stored;  // tensors that are where the map says
  for (const StoredTensor& tensor : tensors) {
    const auto mapped = weight_map.find(tensor.name);
    if (mapped == weight_map.end() || mapped->second != tensor.file) {
      unmapped.add(tensor.name, tensor.file);
    } else {
      stored.emplace(tensor.name, tensor.file);
    }
  }
  for (const auto& [name, shard] : weight_map) {
    if (!stored.contains(name)) missing.add(name, shard);
  }
  if (missing.count() > 0) {
    fail(
        "{}: weight_map: tensors that are not in their shard: {}; tensors of a shard that are not "
        "mapped to it: {}",
        place, missing.text(), unmapped.count() == 0 ? "none" : unmapped.text());
  }
  if (unmapped.count() > 0) {
    fail("{}: weight_map: tensors of a shard that are not mapped to it: {}", place,
         unmapped.text());
  }
}

void append(SafetensorsModel& model, const fs::path& path) {
  model.files.emplace_back(path);
  std::vector<StoredTensor> tensors = parse_safetensors(model.files.back());
  model.tensors.insert(model.tensors.end(), std::make_move_iterator(tensors.begin()),
                       std::make_move_iterator(tensors.end()));
}

SafetensorsModel open_shards(const fs::path& folder, const fs::path& index_path) {
  const WeightMap weight_map = read_weight_map(index_path);
  std::vector<std::string> shards;
  for (const auto& [tensor, shard] : weight_map) shards.push_back(shard);
  std::sort(shards.begin(), shards.end());
  shards.erase(std::unique(shards.begin(), shards.end()), shards.end());
  SafetensorsModel model;
  for (const std::string& shard : shards) {
    std::error_code ignored;
    if (!fs::exists(folder / shard, ignored)) {
      fail("{}: weight_map: the shard {} is not in the folder", index_path.string(),
           printable(shard));
    }
    append(model, folder / shard);
  }
  check_against_map(index_path.string(), weight_map, model.tensors);
  std::sort(model.tensors.begin(), model.tensors.end(),
            [](const auto& a, const auto& b) { return a.name < b.name; });
  return model;
}

}  // namespace

SafetensorsModel open_safetensors(const fs::path& folder) {
  const fs::path single = folder / "model.safetensors";
  const fs::path index = folder / "model.safetensors.index.json";
  std::error_code ignored;
  for (const fs::path& file : {single, index}) {  // a Hub snapshot holds links to its blobs
    if (fs::is_symlink(file, ignored) && !fs::exists(file, ignored)) {
      fail("{}: is a link to {}, which is not there: the download is not complete", file.string(),
           fs::read_symlink(file, ignored).string());
    }
  }
  if (fs::exists(single, ignored)) {
    SafetensorsModel model;
    append(model, single);
    return model;
  }
  if (fs::exists(index, ignored)) return open_shards(folder, index);
  fail("{}: holds neither model.safetensors nor model.safetensors.index.json", folder.string());
}

}  // namespace qk
