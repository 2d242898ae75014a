#include "dataset/schema.h"

#include <fmt/format.h>

#include <charconv>

#include "base/build_info.h"

namespace qk {
namespace {

// Digits at the front of `text`, taken off it.
std::optional<int> take_number(std::string_view& text) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc()) return std::nullopt;
  text.remove_prefix(static_cast<size_t>(end - text.data()));
  return value;
}

}  // namespace

std::string created_by() { return "qkscope version " + version(); }

std::string config_name(int layer, int head, Kind kind) {
  return fmt::format("l{:02}h{:02}{}", layer, head, letter(kind));
}

std::optional<ConfigName> parse_config_name(std::string_view name) {
  std::string_view rest = name;
  if (!rest.starts_with('l')) return std::nullopt;
  rest.remove_prefix(1);
  const std::optional<int> layer = take_number(rest);
  if (!layer || *layer < 0 || !rest.starts_with('h')) return std::nullopt;
  rest.remove_prefix(1);
  const std::optional<int> head = take_number(rest);
  if (!head || *head < 0 || (rest != "q" && rest != "k")) return std::nullopt;
  const ConfigName file{*layer, *head, rest == "q" ? Kind::kQuery : Kind::kKey};
  if (config_name(file.layer, file.head, file.kind) != name) return std::nullopt;
  return file;
}

}  // namespace qk
