#include "device/torch_plugin.h"

#include <dlfcn.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <mutex>
#include <string_view>
#include <utility>

#include "base/environment.h"
#include "base/error.h"

namespace qk {
namespace {

namespace fs = std::filesystem;

constexpr const char* kPluginName = "libqkscope_torch.so";
constexpr std::string_view kModule = "version.py";

std::string text_of(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return "";
  return {std::istreambuf_iterator<char>(file), {}};
}

// "2.9.1" at the beginning of a text; empty if there is none.
std::string version_at_start(std::string_view text) {
  const auto digits_end = [text](size_t at) {
    return std::min(text.find_first_not_of("0123456789", at), text.size());
  };
  size_t end = 0;
  for (int part = 0; part < 3; ++part) {
    if (part > 0) {
      if (end == text.size() || text[end] != '.') return "";
      ++end;
    }
    const size_t begin = end;
    end = digits_end(begin);
    if (end == begin) return "";
  }
  return std::string(text.substr(0, end));
}

// "2.9.1+cu128" at the beginning of a text; empty if it does not begin with "2.9.1".
std::string whole_version_at_start(std::string_view text) {
  const std::string release = version_at_start(text);
  if (release.empty()) return "";
  const size_t end = text.find_first_not_of(
      "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.+_-", release.size());
  return std::string(text.substr(0, end));
}

// "2.9.1+cu128" of a line "__version__ = '2.9.1+cu128'", as pip's torch has it.
std::string version_of_module(std::string_view text) {
  constexpr std::string_view kName = "__version__";
  while (!text.empty()) {
    std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    if (!line.starts_with(kName)) continue;
    const size_t quote = line.find_first_of("'\"");
    if (quote != std::string_view::npos) return whole_version_at_start(line.substr(quote + 1));
  }
  return "";
}

fs::path torch_folder(const TorchMark& mark) {
  const std::string named = environment_value("QKSCOPE_TORCH_DIR").value_or("");
  return named.empty() ? mark.folder : fs::path(named);
}

// Returns the version that is there.
std::string check_version(const fs::path& plugin, const TorchMark& mark) {
  const fs::path folder = torch_folder(mark);
  std::string there = torch_version_in(folder);
  if (version_at_start(there) == mark.version) return there;
  fail(
      "{}: expected torch {}, for which this plugin was built, found torch {} in {}: `tools/setup "
      "--torch {}` and a new build make the plugin for it",
      plugin.string(), mark.version, there, folder.string(), folder.string());
}

// The plugin finds torch where it was built; another folder has to be loaded first.
void load_named_torch(const TorchMark& mark) {
  const fs::path folder = torch_folder(mark);
  if (folder == mark.folder) return;
  for (const char* name : {"libc10.so", "libtorch_cpu.so"}) {
    const fs::path library = folder / "lib" / name;
    if (::dlopen(library.c_str(), RTLD_NOW | RTLD_LOCAL) == nullptr) {
      fail("{}: cannot be loaded: {}", library.string(), ::dlerror());
    }
  }
}

TorchPlugin load(const fs::path& plugin) {
  const TorchMark mark = read_torch_mark(plugin);
  std::string version = check_version(plugin, mark);
  load_named_torch(mark);
  void* library = ::dlopen(plugin.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) fail("{}: cannot be loaded: {}", plugin.string(), ::dlerror());
  const auto function =
      reinterpret_cast<QkTorchApiFunction>(::dlsym(library, QK_TORCH_API_FUNCTION));
  const QkTorchApi* api = function == nullptr ? nullptr : function(QK_TORCH_API_VERSION);
  if (api == nullptr || api->api_version != QK_TORCH_API_VERSION) {
    fail(
        "{}: expected a plugin of this version of qkscope (table {}), found another one: build both "
        "together",
        plugin.string(), QK_TORCH_API_VERSION);
  }
  return {api, std::move(version)};
}

}  // namespace

fs::path find_torch_plugin() {
  std::error_code error;
  if (const std::string named = environment_value("QKSCOPE_TORCH_PLUGIN").value_or("");
      !named.empty()) {
    if (!fs::is_regular_file(named, error)) {
      fail("QKSCOPE_TORCH_PLUGIN: expected the file {}, found none", named);
    }
    return fs::absolute(named);  // without a folder dlopen would search its own
  }
  const fs::path program = fs::read_symlink("/proc/self/exe", error).parent_path();
  for (const fs::path& folder : {program, program.parent_path() / "lib" / "qkscope"}) {
    if (fs::is_regular_file(folder / kPluginName, error)) return folder / kPluginName;
  }
  return {};
}

TorchMark read_torch_mark(const fs::path& plugin) {
  const std::string bytes = text_of(plugin);
  const size_t at = bytes.find(QK_TORCH_MARK);
  const size_t line = at == std::string::npos ? at : bytes.find('\n', at);
  const size_t end = line == std::string::npos ? line : bytes.find('\0', line);
  const size_t begin = at + std::string_view(QK_TORCH_MARK).size();
  const std::string version = end == std::string::npos ? "" : bytes.substr(begin, line - begin);
  if (version_at_start(version) != version || version.empty()) {
    fail("{}: expected qkscope's torch plugin, found another file (no \"{}\" in it)",
         plugin.string(), QK_TORCH_MARK);
  }
  return {version, bytes.substr(line + 1, end - line - 1)};
}

std::string torch_version_in(const fs::path& folder) {
  std::error_code error;
  for (const std::string_view name : {kModule, std::string_view("build-version")}) {
    if (!fs::exists(folder / name, error)) continue;
    const std::string text = text_of(folder / name);
    const std::string version =
        name == kModule ? version_of_module(text) : whole_version_at_start(text);
    if (!version.empty()) return version;
    fail("{}: expected a version of torch, found none", (folder / name).string());
  }
  fail(
      "{}: expected a folder of torch with a version.py or build-version, found none: `tools/setup "
      "--torch` installs one for the plugin, QKSCOPE_TORCH_DIR names another folder",
      folder.string());
}

TorchPlugin load_torch_plugin(const fs::path& plugin) {
  static std::mutex mutex;
  static fs::path path;
  static TorchPlugin loaded;
  const std::lock_guard lock(mutex);
  if (loaded.api == nullptr || path != plugin) {
    loaded = load(plugin);
    path = plugin;
  }
  return loaded;
}

}  // namespace qk
