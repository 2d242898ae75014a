#include "heads/rope_record.h"

#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>

namespace qk {
namespace {

using nlohmann::json;

constexpr size_t kShownText = 60;

std::string shown(const json& value) {
  std::string text = value.dump(-1, ' ', true, json::error_handler_t::replace);
  if (text.size() > kShownText) text = text.substr(0, kShownText) + "...";
  return text;
}

std::string expected(const std::string& key, const char* what, const json& found) {
  return fmt::format("qkscope.geometry.{}: expected {}, found {}", key, what, shown(found));
}

json member(const json& object, const char* key) {
  return object.is_object() && object.contains(key) ? object.at(key) : json();
}

// Fills `set`; returns what is wrong.
std::string read_set(const json& value, const std::string& key, RopeRecord::Set& set) {
  const json frequencies = member(value, "inv_freq");
  if (!frequencies.is_array()) return expected(key + ".inv_freq", "a list of numbers", frequencies);
  for (const json& frequency : frequencies) {
    const double number = frequency.is_number() ? frequency.get<double>() : -1;
    if (!(number >= 0) || !std::isfinite(number)) {
      return expected(key + ".inv_freq", "numbers that are not negative", frequency);
    }
    set.inv_freq.push_back(number);
  }
  const json dim = member(value, "rotary_dim");
  set.rotary_dim = static_cast<int64_t>(2 * set.inv_freq.size());
  if (dim.is_null() || dim == set.rotary_dim) return {};
  return expected(key + ".rotary_dim", "twice the length of inv_freq", dim);
}

std::string read_record(const json& geometry, RopeRecord& out) {
  const json sets = member(geometry, "rope");
  if (!sets.is_array()) return expected("rope", "a list of RoPE sets", sets);
  for (size_t i = 0; i < sets.size(); ++i) {
    out.sets.emplace_back();
    std::string fault = read_set(sets[i], fmt::format("rope.{}", i), out.sets.back());
    if (!fault.empty()) return fault;
  }
  const json layout = member(geometry, "rope_layout");
  if (layout != "halves" && layout != "pairs") {
    return expected("rope_layout", "halves or pairs", layout);
  }
  out.halves = layout == "halves";
  const json layers = member(geometry, "layers");
  if (!layers.is_array()) return expected("layers", "a list of layers", layers);
  for (size_t i = 0; i < layers.size(); ++i) {
    if (!layers[i].is_object() || !layers[i].contains("rope")) {
      return expected(fmt::format("layers.{}", i), "an object with the key rope", layers[i]);
    }
    const json index = layers[i].at("rope");
    const bool is_index = index.is_number_integer() && index >= 0 && index < sets.size();
    if (!index.is_null() && !is_index) {
      return expected(fmt::format("layers.{}.rope", i), "null or the number of a RoPE set", index);
    }
    out.set_of_layer.emplace_back();
    if (is_index) out.set_of_layer.back() = index.get<int64_t>();
  }
  return {};
}

}  // namespace

std::optional<HeadRope> RopeRecord::of(int64_t layer, int64_t head_dim, bool is_rotated) const {
  if (!fault.empty() || layer < 0 || layer >= std::ssize(set_of_layer)) return {};
  HeadRope out;
  out.rope_set = set_of_layer[static_cast<size_t>(layer)];
  out.is_rotated = is_rotated;
  std::vector<bool> rotates(static_cast<size_t>(head_dim), false);
  if (out.rope_set) {
    const Set& set = sets[static_cast<size_t>(*out.rope_set)];
    if (set.rotary_dim > head_dim) return {};
    const int64_t half = set.rotary_dim / 2;
    for (int64_t i = 0; i < half; ++i) {
      const double inv_freq = set.inv_freq[static_cast<size_t>(i)];
      if (inv_freq == 0) continue;
      out.pairs.push_back({i, halves ? i : 2 * i, halves ? i + half : 2 * i + 1, inv_freq});
      rotates[static_cast<size_t>(out.pairs.back().first_component)] = true;
      rotates[static_cast<size_t>(out.pairs.back().second_component)] = true;
    }
  }
  for (int64_t j = 0; j < head_dim; ++j) {
    if (!rotates[static_cast<size_t>(j)]) out.unrotated.push_back(j);
  }
  return out;
}

RopeRecord parse_rope(const json& geometry) {
  RopeRecord out;
  if (geometry.contains("rope")) out.fault = read_record(geometry, out);
  out.is_odd = geometry.contains("rope") && !out.fault.empty();
  return out;
}

}  // namespace qk
