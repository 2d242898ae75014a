#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "base/atomic_file.h"
#include "base/error.h"
#include "formats/json.h"
#include "formats/other_weights.h"
#include "formats/safetensors.h"
#include "formats/stored_name.h"

namespace qk {
namespace {

namespace fs = std::filesystem;

constexpr size_t kMaxIndexBytes = 100'000'000;

void check_shard_name(const std::string& place, const std::string& name) {
  const bool plain = !name.empty() && name != "." && name != ".." &&
                     name.find_first_of("/\\") == std::string::npos;
  if (!plain) {
    fail("{}: weight_map: expected plain file names, found '{}'", place, printable(name));
  }
  check_stored_name(place, "shard", name);
}

void append(SafetensorsModel& model, const fs::path& path) {
  model.files.emplace_back(path);
  std::vector<StoredTensor> tensors = parse_safetensors(model.files.back());
  model.tensors.insert(model.tensors.end(), std::make_move_iterator(tensors.begin()),
                       std::make_move_iterator(tensors.end()));
}

// Opens the shards that a weight_map names, and notes at each tensor what is wrong with it.
class ShardReader {
 public:
  ShardReader(const fs::path& folder, WeightMap weight_map, const std::set<std::string>* wanted)
      : folder_(folder), weight_map_(std::move(weight_map)), wanted_(wanted) {}

  SafetensorsModel read() {
    std::set<std::string> shards;
    for (const auto& [tensor, shard] : weight_map_) {
      if (is_wanted(shard)) shards.insert(shard);
    }
    for (const std::string& shard : shards) open(shard);
    std::ranges::stable_sort(model_.tensors, {}, &StoredTensor::name);
    merge_copies();
    for (StoredTensor& tensor : model_.tensors) compare_with_map(tensor);
    add_missing();
    std::ranges::stable_sort(model_.tensors, {}, &StoredTensor::name);
    return std::move(model_);
  }

 private:
  bool is_wanted(const std::string& shard) const {
    return wanted_ == nullptr || wanted_->contains(shard);
  }

  void open(const std::string& shard) {
    std::error_code ignored;
    if (!fs::exists(folder_ / shard, ignored)) {
      unreadable_[shard] = "which is not in the folder";
      return;
    }
    try {
      append(model_, folder_ / shard);
    } catch (const Error& error) {
      unreadable_[shard] = fmt::format("which cannot be read ({})", error.what());
    }
  }

  // Of a tensor in several shards the copy stays that the map names.
  void merge_copies() {
    std::vector<StoredTensor> merged;
    for (StoredTensor& tensor : model_.tensors) {
      if (merged.empty() || merged.back().name != tensor.name) {
        merged.push_back(std::move(tensor));
        continue;
      }
      StoredTensor& first = merged.back();
      if (!same_content(first, tensor)) {
        first.fault = fmt::format("is in {} and in {} with different content",
                                  printable(first.file), printable(tensor.file));
      } else if (first.fault.empty() && is_mapped_to(tensor)) {
        first = std::move(tensor);
      }
    }
    model_.tensors = std::move(merged);
  }

  static bool same_content(const StoredTensor& a, const StoredTensor& b) {
    return a.dtype_name == b.dtype_name && a.shape == b.shape &&
           std::ranges::equal(a.bytes, b.bytes);
  }

  bool is_mapped_to(const StoredTensor& tensor) const {
    const auto mapped = weight_map_.find(tensor.name);
    return mapped != weight_map_.end() && mapped->second == tensor.file;
  }

  void compare_with_map(StoredTensor& tensor) const {
    if (!tensor.fault.empty() || is_mapped_to(tensor)) return;
    const auto mapped = weight_map_.find(tensor.name);
    tensor.fault =
        mapped == weight_map_.end()
            ? fmt::format("is in {}, but the index does not list it", printable(tensor.file))
            : fmt::format("is in {}, but the index says {}", printable(tensor.file),
                          printable(mapped->second));
  }

  void add_missing() {
    std::set<std::string> stored;
    for (const StoredTensor& tensor : model_.tensors) stored.insert(tensor.name);
    for (const auto& [name, shard] : weight_map_) {
      if (stored.contains(name)) continue;
      const auto unreadable = unreadable_.find(shard);
      StoredTensor& tensor = model_.tensors.emplace_back();
      tensor.name = name;
      tensor.file = shard;
      if (!is_wanted(shard)) continue;
      tensor.fault =
          unreadable == unreadable_.end()
              ? fmt::format("is not in {}, where the index says it is", printable(shard))
              : fmt::format("is in {} by the index, {}", printable(shard), unreadable->second);
    }
  }

  const fs::path& folder_;
  WeightMap weight_map_;
  const std::set<std::string>* wanted_;
  SafetensorsModel model_;
  std::map<std::string, std::string> unreadable_;  // shard -> why
};

}  // namespace

WeightMap read_weight_map(const fs::path& index_path) {
  const std::string place = index_path.string();
  const nlohmann::json index = parse_python_json(read_file(index_path, kMaxIndexBytes), place);
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

SafetensorsModel open_safetensors(const fs::path& folder, const std::set<std::string>* shards) {
  const fs::path single = folder / kSingleWeights;
  const fs::path index = folder / kWeightsIndex;
  std::error_code ignored;
  for (const fs::path& file : {single, index}) {  // a Hub snapshot holds links to its blobs
    if (fs::is_symlink(file, ignored) && !fs::exists(file, ignored)) {
      fail("{}: is a link to {}, which is not there (an incomplete download?)", file.string(),
           fs::read_symlink(file, ignored).string());
    }
  }
  if (fs::exists(single, ignored)) {
    SafetensorsModel model;
    append(model, single);
    return model;
  }
  if (fs::exists(index, ignored)) return ShardReader(folder, read_weight_map(index), shards).read();
  fail("{}: holds neither model.safetensors nor model.safetensors.index.json{}", folder.string(),
       other_weights(folder));
}

}  // namespace qk
