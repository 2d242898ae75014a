#include "formats/other_weights.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "formats/gguf.h"

namespace qk {
namespace {

namespace fs = std::filesystem;

struct OtherFormat {
  std::string_view prefix;  // of the file's name
  std::string_view ending;
  std::string_view advice;
};

constexpr std::string_view kPickle =
    "pickle files are not read; load the model in transformers and save it with "
    "save_pretrained(..., safe_serialization=True)";
constexpr std::string_view kOtherFramework =
    "weights of TensorFlow, Flax and ONNX are not read; load the model in transformers and save it "
    "with save_pretrained(..., safe_serialization=True)";
constexpr std::string_view kAdapter = "an adapter alone is no model; merge it into its base model";
constexpr std::string_view kOwnNames =
    "its tensors have other names than those of transformers; download model.safetensors or its "
    "shards";
constexpr std::string_view kNoIndex =
    "expected the name model.safetensors, or shards with a model.safetensors.index.json";

constexpr std::array<OtherFormat, 14> kFormats = {{
    {"adapter_model", ".safetensors", kAdapter},
    {"adapter_model", ".bin", kAdapter},
    {"consolidated", ".safetensors", kOwnNames},
    {"", ".safetensors", kNoIndex},
    {"training_args", ".bin", ""},
    {"optimizer", "", ""},
    {"", ".bin", kPickle},
    {"", ".pt", kPickle},
    {"", ".pth", kPickle},
    {"", ".ckpt", kPickle},
    {"", ".h5", kOtherFramework},
    {"", ".msgpack", kOtherFramework},
    {"", ".onnx", kOtherFramework},
    {"", ".tflite", kOtherFramework},
}};

std::vector<std::string> names_in(const fs::path& folder) {
  std::error_code ignored;
  std::vector<std::string> names;
  for (fs::directory_iterator it(folder, ignored), end; !ignored && it != end;
       it.increment(ignored)) {
    names.push_back(it->path().filename().string());
  }
  std::ranges::sort(names);
  return names;
}

// "; the folder holds original/x.pth; pickle files are not read: ..."
std::string found_among(const std::vector<std::string>& names, const std::string& holder,
                        const std::string& below) {
  for (const OtherFormat& format : kFormats) {
    for (const std::string& name : names) {
      if (!name.starts_with(format.prefix) || !name.ends_with(format.ending)) continue;
      const bool skipped = std::ranges::any_of(kFormats, [&](const OtherFormat& other) {
        return other.advice.empty() && name.starts_with(other.prefix) &&
               name.ends_with(other.ending);
      });
      if (!skipped) {
        return fmt::format("; {} holds {}{}; {}", holder, below, printable(name), format.advice);
      }
    }
  }
  return "";
}

std::string gguf_files(const fs::path& folder) {
  std::vector<std::string> names;
  std::error_code ignored;
  for (fs::directory_iterator it(folder, ignored), end; !ignored && it != end;
       it.increment(ignored)) {
    if (begins_as_gguf(it->path())) names.push_back(printable(it->path().filename().string()));
  }
  if (names.empty()) return "";
  std::ranges::sort(names);
  if (names.size() == 1) return fmt::format("; the folder holds {}: name that file", names.front());
  return fmt::format("; the folder holds {} GGUF files, {} first: name one of them", names.size(),
                     names.front());
}

}  // namespace

std::string other_weights(const fs::path& folder) {
  if (const std::string found = gguf_files(folder); !found.empty()) return found;
  std::error_code ignored;
  for (const char* name : {"model.safetensors", "model.safetensors.index.json"}) {
    if (fs::exists(folder / name, ignored)) return "";
  }
  std::string here = found_among(names_in(folder), "the folder", "");
  if (!here.empty()) return here;
  return found_among(names_in(folder / "original"), "the folder", "original/");
}

std::string other_weights(const std::vector<std::string>& names) {
  constexpr std::string_view kOriginal = "original/";
  std::vector<std::string> top;
  std::vector<std::string> original;
  for (const std::string& name : names) {
    if (name.starts_with(kOriginal)) original.push_back(name.substr(kOriginal.size()));
    if (name.find('/') == std::string::npos) top.push_back(name);
  }
  const std::string here = found_among(top, "it", "");
  return here.empty() ? found_among(original, "it", std::string(kOriginal)) : here;
}

}  // namespace qk
