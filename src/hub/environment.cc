#include "hub/environment.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdlib>
#include <string_view>

#include "base/environment.h"
#include "base/home_path.h"

namespace qk {
namespace {

bool is_word(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }

std::string expand_variables(const std::string& text) {
  std::string out;
  for (size_t i = 0; i < text.size();) {
    const bool braces = i + 1 < text.size() && text[i + 1] == '{';
    const size_t begin = i + (braces ? 2 : 1);
    size_t end = begin;
    while (text[i] == '$' && end < text.size() && is_word(text[end])) ++end;
    const bool closed = !braces || (end < text.size() && text[end] == '}');
    const char* value = nullptr;
    if (text[i] == '$' && end > begin && closed) {
      value = std::getenv(text.substr(begin, end - begin).c_str());
    }
    if (value == nullptr) {
      out += text[i++];
      continue;
    }
    out += value;
    i = end + (braces ? 1 : 0);
  }
  return out;
}

}  // namespace

std::string read_variable(const std::string& name) {
  return environment_value(name.c_str()).value_or("");
}

bool is_variable_true(const std::string& name) {
  std::string value = read_variable(name);
  std::transform(value.begin(), value.end(), value.begin(),
                 [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  constexpr std::array<std::string_view, 4> kTrue = {"1", "ON", "YES", "TRUE"};
  return std::find(kTrue.begin(), kTrue.end(), value) != kTrue.end();
}

std::filesystem::path expand_path(const std::string& text) {
  return expand_home(expand_variables(text));
}

std::filesystem::path hf_home_folder() {
  if (!read_variable("HF_HOME").empty()) return expand_path(read_variable("HF_HOME"));
  if (!read_variable("XDG_CACHE_HOME").empty()) {
    return expand_path(read_variable("XDG_CACHE_HOME")) / "huggingface";
  }
  return expand_path("~/.cache/huggingface");
}

}  // namespace qk
