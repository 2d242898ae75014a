#include "cli/common_options.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cmath>
#include <string_view>
#include <utility>

#include "base/error.h"

namespace qk {
namespace {

constexpr int kMostThreads = 1024;
constexpr int64_t kLeastRam = int64_t{1} << 20;
constexpr int64_t kMostRam = int64_t{1} << 50;

// The factor of a unit in small letters; 0 if there is no such unit.
double unit_bytes(std::string_view unit) {
  if (unit.empty() || unit == "b") return 1;
  constexpr std::string_view kPrefixes = "kmgt";
  const size_t power = kPrefixes.find(unit[0]);
  if (power == std::string_view::npos) return 0;
  const std::string_view rest = unit.substr(1);
  if (rest.empty() || rest == "b") return std::pow(1000.0, static_cast<double>(power + 1));
  return rest == "ib" ? std::pow(1024.0, static_cast<double>(power + 1)) : 0;
}

std::string integer_fault(const std::string& text, int most) {
  int value = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error == std::errc() && stop == end && value >= 1 && value <= most) return "";
  return fmt::format("expected an integer from 1 to {}, found {}", most, printable(text));
}

// Replaces the text by the number of bytes.
std::string size_fault(std::string& text) {
  const std::optional<int64_t> bytes = parse_size(text);
  if (!bytes || *bytes < kLeastRam) {
    return fmt::format("expected a size of at least 1MiB, such as 300MiB or 2GB, found {}",
                       printable(text));
  }
  text = std::to_string(*bytes);
  return "";
}

}  // namespace

std::optional<int64_t> parse_size(std::string text) {
  std::erase(text, ' ');
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  double number = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number, std::chars_format::fixed);
  if (error != std::errc()) return {};
  const double bytes = number * unit_bytes({stop, static_cast<size_t>(end - stop)});
  if (!(bytes >= 1 && bytes <= static_cast<double>(kMostRam))) return {};
  return static_cast<int64_t>(bytes);
}

CLI::Validator not_empty(std::string expected) {
  return {[expected = std::move(expected)](const std::string& text) {
            return text.empty() ? fmt::format("expected {}, found nothing", expected) : "";
          },
          ""};
}

CLI::Validator seconds_above_0() {
  return {[](const std::string& text) {
            double seconds = 0;
            const char* const end = text.data() + text.size();
            const auto [stop, error] = std::from_chars(text.data(), end, seconds);
            const bool is_number = error == std::errc() && stop == end && std::isfinite(seconds);
            if (is_number && seconds > 0) return std::string();
            return fmt::format("expected a number of seconds above 0, found {}",
                               text.empty() ? "nothing" : printable(text));
          },
          ""};
}

CLI::Validator integer_up_to(int most) {
  return {[most](const std::string& text) { return integer_fault(text, most); }, ""};
}

CLI::Option* add_threads(CLI::App& command, int& num_threads, const std::string& more) {
  return command.add_option("--threads", num_threads, "Number of threads, 1 to 1024" + more)
      ->check(integer_up_to(kMostThreads));
}

CLI::Option* add_ram(CLI::App& command, int64_t& bytes, const std::string& help) {
  return add_bytes(command, "--ram", bytes, help);
}

CLI::Option* add_bytes(CLI::App& command, const std::string& name, int64_t& bytes,
                       const std::string& help) {
  return command.add_option(name, bytes, help)
      ->type_name("SIZE")
      ->transform(CLI::Validator([](std::string& text) { return size_fault(text); }, ""));
}

}  // namespace qk
